package server

import (
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/throttle"
	"ostler/internal/zk"
)

// A gate is the request throttler of operations.md 8.3: while as many requests as
// the limit are submitted or queued and not answered, others wait in one line for
// the whole server.
//
// A request that waits stays where it is, unconsumed in its connection's stream,
// and nothing behind it is looked at: it keeps its order and cannot be lost. So a
// connection has one place in the line at most. When it is called, the request is
// inside already, and the stream delivers it again.
type gate struct {
	o     config.RequestThrottle
	clock env.Clock
	loop  env.Loop

	waits, stale, late atomic.Int64 // requests that waited, were dropped, were answered with -127

	mu      sync.Mutex // behind conn.mu, before the stream's
	line    *throttle.Gate[*conn]
	ticking bool // the loop will be woken
}

// newGate returns nil when there is no limit.
func newGate(o config.RequestThrottle, e env.Env) *gate {
	if o.Max <= 0 {
		return nil
	}
	g := &gate{o: o, clock: e.Clock, line: throttle.NewGate[*conn](o.Max)}
	g.loop = e.Loops.Start("gate", g.look)
	return g
}

// look is the step of the gate's loop: every stall time while somebody waits. It
// calls a stale request even when there is no room, for its connection to end.
func (g *gate) look() func() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ticking = false
	now := g.clock.Now()
	for {
		first, ok := g.line.First()
		if !ok || !g.isStale(first, now) {
			break
		}
		g.line.Call(first)
		wake(first.Who)
	}
	g.call()
	g.tick(now)
	return nil
}

// isStale reports whether a request has waited longer than its session lives.
func (g *gate) isStale(p *throttle.Place[*conn], now time.Time) bool {
	timeout := time.Duration(p.Who.timeout.Load()) * time.Millisecond
	return g.o.DropStale && g.o.StaleLatency && now.Sub(p.Since) > timeout
}

// tick plans the next look. The caller holds mu.
func (g *gate) tick(now time.Time) {
	if !g.ticking && g.line.Waiting() > 0 {
		g.ticking = true
		g.clock.WakeAt(now.Add(g.o.Stall), g.loop)
	}
}

// call lets in as many as there is room for. The caller holds mu.
func (g *gate) call() {
	for {
		p, ok := g.line.Next()
		if !ok {
			return
		}
		wake(p.Who)
	}
}

// wake makes a connection's stream deliver the waiting request again: it does so
// when it goes on after a pause.
func wake(c *conn) {
	c.stream.Pause(true)
	c.stream.Pause(false)
}

// leave says that a request was answered, or that nobody waits for it any more.
func (g *gate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.line.Leave(n)
	g.call()
}

// giveUp takes the place of a connection that ends away.
func (g *gate) giveUp(p *throttle.Place[*conn]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.line.Remove(p)
	g.call()
}

// A verdict is what becomes of a request that asks to be let in.
type verdict uint8

const (
	enters verdict = iota
	waits          // it is delivered again when its turn has come
	late           // it waited too long, and is answered with THROTTLEDOP
)

// pass asks the gate for a request. The caller holds mu.
func (c *conn) pass(op zk.OpCode) (verdict, error) {
	g := c.server.gate
	if g == nil || classOf(op) == immediate {
		return enters, nil
	}
	now := c.server.clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case c.place == nil && g.line.Enter():
		c.taking.inside = 1
		return enters, nil
	case c.place == nil:
		// The stream is not paused for one request: that its client has left
		// would not be seen.
		g.waits.Add(1)
		c.place = g.line.Wait(c, now)
		c.held.Store(true)
		g.tick(now)
		return waits, nil
	case !c.place.Called():
		c.stream.Pause(true)
		return waits, nil
	}
	p := c.place
	c.place, c.arrived, c.taking.inside = nil, p.Since, 1
	c.held.Store(false)
	switch {
	case g.isStale(p, now):
		g.stale.Add(1)
		return waits, &refusal{
			line: &c.server.rare.stale, text: "a request waited longer than the session's timeout (request_stale_latency_check)",
			args: []any{"op", op},
		}
	case g.o.OpWait > 0 && now.Sub(p.Since) > g.o.OpWait && op != zk.OpPing && op != zk.OpCloseSession:
		g.late.Add(1)
		return late, nil
	}
	return enters, nil
}
