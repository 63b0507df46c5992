package throttle

import (
	"math/big"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start = time.Unix(1000, 0)

func at(ms int64) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// never is for buckets without random drops.
func never() float64 { panic("asked for a random number") }

func TestBucketIsOffByDefault(t *testing.T) { // client-protocol.md 13
	b := NewBucket(BucketOptions{FillTime: time.Millisecond, FillCount: 1, FreezeTime: -1}, start)
	for range 1000 {
		if !b.Take(Global, start, never) {
			t.Fatal("a bucket without tokens that is off refused a connection")
		}
	}
}

func TestBucketFillsLazily(t *testing.T) { // operations.md 8.2
	b := NewBucket(BucketOptions{Tokens: 3, FillTime: 10 * time.Millisecond, FillCount: 2, FreezeTime: -1}, start)
	for _, step := range []struct {
		ms   int64
		want bool
	}{
		{0, true},
		{0, true},
		{0, true},
		{0, false},
		{10, false}, // not more than the fill time
		{11, true},  // 11*2/10 = 2 tokens
		{11, true},
		{11, false},
		{21, false}, // 10 ms after the last fill
		{1000, true},
		{1000, true},
		{1000, true}, // full, not more
		{1000, false},
	} {
		if got := b.Take(Renew, at(step.ms), never); got != step.want {
			t.Errorf("at %d ms: taken = %v, want %v", step.ms, got, step.want)
		}
	}
}

func TestBucketWeights(t *testing.T) { // client-protocol.md 2.15
	o := BucketOptions{
		Tokens: 2, FillTime: time.Millisecond, FillCount: 1, FreezeTime: -1,
		Weighted: true, GlobalWeight: 3, LocalWeight: 1, RenewWeight: 2,
	}
	for _, c := range []struct {
		kind Kind
		want int // of a bucket of 2*3
	}{{Global, 2}, {Renew, 3}, {Local, 6}} {
		b, n := NewBucket(o, start), 0
		for b.Take(c.kind, start, never) {
			n++
		}
		if n != c.want {
			t.Errorf("%d connections of kind %d were let in, want %d", n, c.kind, c.want)
		}
		for b.Take(Local, start, never) {
		}
		for n = 0; b.Take(Local, at(2), never); n++ {
		}
		if n != 6 { // 2 ms * 1 * 3
			t.Errorf("%d tokens came back in 2 ms, want 6", n)
		}
	}
}

func TestBucketDropsAtRandom(t *testing.T) { // operations.md 8.2
	o := BucketOptions{
		Tokens: 1, FillTime: time.Hour, FillCount: 1,
		FreezeTime: 100 * time.Millisecond, DropIncrease: 0.4, DropDecrease: 0.3,
	}
	b := NewBucket(o, start)
	draw := 0.5
	random := func() float64 { return draw }
	check := func(ms int64, taken bool, probability float64) {
		t.Helper()
		if got := b.Take(Global, at(ms), random); got != taken {
			t.Errorf("at %d ms: taken = %v, want %v", ms, got, taken)
		}
		if got := b.DropProbability(); got < probability-1e-9 || got > probability+1e-9 {
			t.Errorf("at %d ms: probability %v, want %v", ms, got, probability)
		}
	}
	check(0, true, 0)        // the last token
	check(50, false, 0)      // empty, and frozen
	check(101, false, 0.4)   // raised
	check(150, false, 0.4)   // once per freeze time
	check(202, false, 0.8)   //
	check(303, false, 1)     // not above one
	hour := int64(3_600_001) // the bucket is full again
	check(hour, false, 0.7)  // dropped at random, with a token there
	draw = 0.75
	check(hour+101, true, 0.4) // lowered, and taken
}

// A naive bucket computes as operations.md 8.2 says, with numbers of any size.
type naive struct {
	tokens, capacity, count, unit *big.Int
	last                          int64
}

func (n *naive) take(ms, cost int64) bool {
	if ms-n.last > n.unit.Int64() {
		add := new(big.Int).Mul(big.NewInt(ms-n.last), n.count)
		add.Div(add, n.unit)
		n.tokens.Add(n.tokens, add)
		if n.tokens.Cmp(n.capacity) > 0 {
			n.tokens.Set(n.capacity)
		}
		n.last = ms
	}
	if n.tokens.Cmp(big.NewInt(cost)) < 0 {
		return false
	}
	n.tokens.Sub(n.tokens, big.NewInt(cost))
	return true
}

func TestBucketIsTheNaiveOne(t *testing.T) { // client-protocol.md 2.15
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 1<<31-1))
		o := BucketOptions{
			Tokens: size.Draw(t, "tokens"), FillTime: time.Duration(rapid.IntRange(1, 50).Draw(t, "fill time")) * time.Millisecond,
			FillCount: rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, 1<<31-1)).Draw(t, "fill count"), FreezeTime: -1,
			Weighted: rapid.Bool().Draw(t, "weighted"), GlobalWeight: rapid.IntRange(1, 5).Draw(t, "global"),
			LocalWeight: rapid.IntRange(1, 5).Draw(t, "local"), RenewWeight: rapid.IntRange(1, 5).Draw(t, "renew"),
		}
		scale, costs := int64(1), map[Kind]int64{Global: 1, Local: 1, Renew: 1}
		if o.Weighted {
			scale = int64(o.GlobalWeight)
			costs = map[Kind]int64{Global: scale, Local: int64(o.LocalWeight), Renew: int64(o.RenewWeight)}
		}
		capacity := big.NewInt(int64(o.Tokens) * scale)
		want := naive{
			tokens: new(big.Int).Set(capacity), capacity: capacity,
			count: big.NewInt(int64(o.FillCount) * scale), unit: big.NewInt(o.FillTime.Milliseconds()),
		}
		b, now := NewBucket(o, start), int64(0)
		step := rapid.OneOf(rapid.Int64Range(0, 60), rapid.Int64Range(0, 1<<40))
		for range rapid.IntRange(1, 60).Draw(t, "connections") {
			now += step.Draw(t, "ms")
			if now > 1<<42 {
				break // a duration holds no more
			}
			k := rapid.SampledFrom([]Kind{Global, Local, Renew}).Draw(t, "kind")
			if got, want := b.Take(k, at(now), never), want.take(now, costs[k]); got != want {
				t.Fatalf("at %d ms: taken = %v, want %v", now, got, want)
			}
		}
	})
}

// Whatever comes, the probability stays one, and is never moved twice within the
// freeze time.
func TestDropProbabilityIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1)
		o := BucketOptions{
			Tokens: rapid.IntRange(1, 5).Draw(t, "tokens"), FillTime: 10 * time.Millisecond, FillCount: 1,
			FreezeTime:   time.Duration(rapid.IntRange(0, 30).Draw(t, "freeze")) * time.Millisecond,
			DropIncrease: share.Draw(t, "up"), DropDecrease: share.Draw(t, "down"), DecreaseRatio: share.Draw(t, "ratio"),
		}
		b, now, moved, last := NewBucket(o, start), int64(0), int64(0), 0.0
		for range rapid.IntRange(1, 100).Draw(t, "connections") {
			now += rapid.Int64Range(0, 20).Draw(t, "ms")
			b.Take(Global, at(now), func() float64 { return share.Draw(t, "random") })
			p := b.DropProbability()
			if p < 0 || p > 1 {
				t.Fatalf("probability %v", p)
			}
			if p != last {
				if now-moved <= o.FreezeTime.Milliseconds() {
					t.Fatalf("moved at %d and %d ms, within %v", moved, now, o.FreezeTime)
				}
				moved, last = now, p
			}
		}
	})
}
