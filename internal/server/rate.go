package server

import (
	"math/rand/v2"
	"sync"
	"time"

	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/throttle"
	"ostler/internal/wire"
)

// A rate is the connection throttle (client-protocol.md 2.15).
type rate struct {
	mu     sync.Mutex
	bucket *throttle.Bucket
	random func() float64
}

func newRate(cfg *config.Config, e env.Env) *rate {
	r := &rate{bucket: throttle.NewBucket(cfg.Connections, e.Clock.Now())}
	if r.bucket.On() {
		// Connections come on many goroutines; e.Rand is for one.
		r.random = rand.New(rand.NewPCG(e.Rand.Uint64(), e.Rand.Uint64())).Float64
	}
	return r
}

// take reports whether one more connection of a kind may go on.
func (r *rate) take(k throttle.Kind, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bucket.Take(k, now, r.random)
}

// dropProbability is a gauge.
func (r *rate) dropProbability() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bucket.DropProbability()
}

// withinRate is step 2 of client-protocol.md 2.3.
func (c *conn) withinRate(r *wire.ConnectRequest) error {
	s, kind := c.server, throttle.Global
	switch {
	case r.Session != 0:
		kind = throttle.Renew
	case s.local != nil:
		kind = throttle.Local
	}
	if s.rate.take(kind, s.clock.Now()) {
		return nil
	}
	s.counts.rejected.Add(1)
	return &refusal{line: &s.rare.throttled, text: "clients connect faster than connection_throttle_tokens allows"}
}
