package throttle

import (
	"math"
	"time"
)

// A Kind says what a connection asks for.
type Kind uint8

// The kinds of client-protocol.md 2.15.
const (
	Global Kind = iota // a new session of the ensemble
	Local              // a new session of this server alone
	Renew              // a session that it has already
)

// BucketOptions are the settings connection_throttle_* (operations.md 8.2).
type BucketOptions struct {
	Tokens    int           // capacity; <= 0: off
	FillTime  time.Duration // time in which FillCount tokens come back; whole ms
	FillCount int

	FreezeTime    time.Duration // least time between changes of the drop probability; < 0: no random drop
	DropIncrease  float64       // of the probability, when the bucket is empty
	DropDecrease  float64       // of the probability, when enough tokens are there
	DecreaseRatio float64       // share of the capacity that may be missing then

	Weighted                               bool // false: every connection costs one token
	GlobalWeight, LocalWeight, RenewWeight int
}

// capacity is the size of the bucket in tokens.
func (o BucketOptions) capacity() int64 { return int64(o.Tokens) * o.scale() }

// scale makes room in the bucket for as many new sessions as without weights.
func (o BucketOptions) scale() int64 {
	if o.Weighted {
		return int64(max(o.GlobalWeight, 1))
	}
	return 1
}

// cost is the price of a connection in tokens.
func (o BucketOptions) cost(k Kind) int64 {
	switch {
	case !o.Weighted:
		return 1
	case k == Local:
		return int64(o.LocalWeight)
	case k == Renew:
		return int64(o.RenewWeight)
	}
	return int64(o.GlobalWeight)
}

// A Bucket limits the rate of connections. Tokens are added when one is asked for,
// not by a clock.
type Bucket struct {
	o      BucketOptions
	tokens int64
	filled time.Time // when tokens were added last
	drop   float64   // probability of a refusal at random
	frozen time.Time // when drop was looked at last
}

// NewBucket returns a full bucket.
func NewBucket(o BucketOptions, now time.Time) *Bucket {
	return &Bucket{o: o, tokens: o.capacity(), filled: now, frozen: now}
}

// On reports whether the bucket limits anything.
func (b *Bucket) On() bool { return b.o.Tokens > 0 }

// Take takes the tokens that a connection costs, or refuses it. random returns
// numbers in [0, 1); it is asked only when connections are dropped at random.
func (b *Bucket) Take(k Kind, now time.Time, random func() float64) bool {
	if !b.On() {
		return true
	}
	b.fill(now)
	if b.o.FreezeTime >= 0 {
		b.adjust(now)
		if random() < b.drop {
			return false
		}
	}
	cost := b.o.cost(k)
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}

// fill adds the tokens that have come back.
func (b *Bucket) fill(now time.Time) {
	elapsed, unit := now.Sub(b.filled).Milliseconds(), max(b.o.FillTime.Milliseconds(), 1)
	if elapsed <= unit {
		return
	}
	b.filled = now
	count := int64(b.o.FillCount) * b.o.scale()
	if count > 0 && elapsed > math.MaxInt64/count {
		b.tokens = b.o.capacity()
		return
	}
	b.tokens += min(elapsed*count/unit, b.o.capacity()-b.tokens)
}

// adjust follows the load with the probability of a random drop: a bucket that is
// empty says that too many come, one that is nearly full that fewer may be dropped.
func (b *Bucket) adjust(now time.Time) {
	if now.Sub(b.frozen).Milliseconds() <= b.o.FreezeTime.Milliseconds() {
		return
	}
	b.frozen = now
	missing := b.o.capacity() - b.tokens
	switch {
	case b.tokens == 0:
		b.drop = min(b.drop+b.o.DropIncrease, 1)
	case float64(missing) <= math.Round(float64(b.o.capacity())*b.o.DecreaseRatio):
		b.drop = max(b.drop-b.o.DropDecrease, 0)
	}
}

// DropProbability is the gauge connection_drop_probability.
func (b *Bucket) DropProbability() float64 { return b.drop }
