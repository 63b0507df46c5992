package server

import (
	"cmp"
	"slices"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A lastSign is a sign of life of a session whose connection has ended since.
type lastSign struct {
	timeout int32 // ms
	local   bool
}

// leave keeps the sign of life of a connection that ends before it could be told. The
// caller holds mu.
func (s *Server) leave(id zk.SessionID, c *conn) {
	if c.heard.Swap(false) || c.held.Load() {
		s.left[id] = lastSign{timeout: c.timeout.Load(), local: c.local.Load()}
	}
}

// Touched returns the sessions with a sign of life since the last call, by id. A
// connection that is not read from counts as alive: it is not the client's silence.
func (s *Server) Touched() []peerwire.SessionTouch { return s.heard(false) }

// heardLocal is Touched for the sessions that only this server knows.
func (s *Server) heardLocal() []peerwire.SessionTouch { return s.heard(true) }

func (s *Server) heard(local bool) []peerwire.SessionTouch {
	var touched []peerwire.SessionTouch
	s.mu.Lock()
	for id, c := range s.attached {
		if c.local.Load() == local && (c.heard.Swap(false) || c.held.Load()) {
			touched = append(touched, peerwire.SessionTouch{Session: id, Timeout: c.timeout.Load()})
			delete(s.left, id)
		}
	}
	for id, sign := range s.left {
		if sign.local == local {
			touched = append(touched, peerwire.SessionTouch{Session: id, Timeout: sign.timeout})
			delete(s.left, id)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(touched, func(a, b peerwire.SessionTouch) int { return cmp.Compare(a.Session, b.Session) })
	return touched
}
