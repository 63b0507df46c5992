// Package host is the machine that a server runs on: its clock, files, sockets
// and goroutines, behind the seams of package env.
//
// Every goroutine that it starts belongs to a Host, and Close waits for all of
// them. A connection has one goroutine, which reads, and sends what was queued
// meanwhile; another one exists only while there is more to send.
package host

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"sync"

	"ostler/internal/env"
)

// A Host implements the seams on the real machine.
type Host struct {
	log    *slog.Logger
	clock  *clock
	loops  *loops
	ctx    context.Context // ends with Close; dials hang on it
	cancel context.CancelFunc
	wg     sync.WaitGroup // goroutines of connections and listeners

	mu     sync.Mutex
	closed bool
	open   map[closer]struct{} // listeners and streams
}

// A closer is something that Close ends.
type closer interface{ Close() }

// New returns a host that logs to log.
func New(log *slog.Logger) *Host {
	ctx, cancel := context.WithCancel(context.Background())
	return &Host{
		log: log, clock: newClock(), loops: newLoops(),
		ctx: ctx, cancel: cancel, open: make(map[closer]struct{}),
	}
}

// Env returns the seams. Each call has a random source of its own.
func (h *Host) Env() env.Env {
	return env.Env{Clock: h.clock, Rand: newRand(), FS: FS(), Net: network{h}, Loops: h.loops, Log: h.log}
}

// newRand returns a source that nobody can guess.
func newRand() *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	return rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
}

// Close ends all connections, listeners, timers and loops, and waits for every
// goroutine. It must not be called from one of them.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	open := h.open
	h.open = nil
	h.mu.Unlock()
	h.cancel()
	for c := range open {
		c.Close()
	}
	h.wg.Wait()
	h.clock.close()
	h.loops.close()
}

// start runs f on a goroutine that Close waits for, with c open while it runs.
// It reports false, and does nothing, when the host is closed.
func (h *Host) start(c closer, f func()) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	h.open[c] = struct{}{}
	h.wg.Go(func() {
		defer h.forget(c)
		f()
	})
	return true
}

// forget takes c off the list of what Close ends.
func (h *Host) forget(c closer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, c)
}
