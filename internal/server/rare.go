package server

import (
	"errors"
	"sync"
	"time"

	"ostler/internal/zk"
)

// rareInterval is the least time between lines of one kind that strangers cause.
const rareInterval = time.Second

// A rare line of the log says how many like it were left out before.
type rare struct {
	mu      sync.Mutex
	next    time.Time
	skipped int
}

// pass reports whether the line may be written now.
func (r *rare) pass(now time.Time) (skipped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.next) {
		r.skipped++
		return 0, false
	}
	skipped, r.skipped = r.skipped, 0
	r.next = now.Add(rareInterval)
	return skipped, true
}

// rareLines are the lines about what clients do wrong or too often.
type rareLines struct {
	refused   rare // by maxCnxns or maxClientCnxns
	throttled rare // by the connection throttle
	stale     rare // waited too long at the gate
	large     rare // large requests
	frame     rare // a frame's length out of range
	foreign   rare // another protocol
}

// A refusal ends a connection for a reason that operators are told, since the
// client only sees its connection end.
type refusal struct {
	line *rare
	text string
	args []any
}

// Error implements error.
func (r *refusal) Error() string { return r.text }

// logEnd writes why a connection is closed. No lock is held.
func (c *conn) logEnd(err error) {
	args := []any{"addr", c.remote, "session", zk.SessionID(c.session.Load())}
	var r *refusal
	if errors.As(err, &r) {
		c.server.warn(r.line, "connection closed: "+r.text, append(args, r.args...)...)
		return
	}
	c.server.log.Debug("connection closed", append(args, "err", err)...)
}

// warn writes a line unless one of its kind was written just before.
func (s *Server) warn(r *rare, msg string, args ...any) {
	skipped, ok := r.pass(s.clock.Now())
	if !ok {
		return
	}
	if skipped > 0 {
		args = append(args, "more", skipped)
	}
	s.log.Warn(msg, args...)
}
