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
// Sessions that are being made global are among them: the leader knows them from the
// moment it proposes that, however long the rest takes.
func (s *Server) Touched() []peerwire.SessionTouch {
	upgrading := s.local.upgradingNow()
	touched := s.heard(func(id zk.SessionID, local bool) bool { return !local || upgrading[id] })
	s.local.touch(touched, upgrading)
	return touched
}

// heardLocal is Touched for the sessions that only this server knows.
func (s *Server) heardLocal() []peerwire.SessionTouch {
	upgrading := s.local.upgradingNow()
	return s.heard(func(id zk.SessionID, local bool) bool { return local && !upgrading[id] })
}

// heard takes the signs of life of the sessions that are wanted.
func (s *Server) heard(wanted func(id zk.SessionID, local bool) bool) []peerwire.SessionTouch {
	var touched []peerwire.SessionTouch
	s.mu.Lock()
	for id, c := range s.attached {
		if wanted(id, c.local.Load()) && (c.heard.Swap(false) || c.held.Load()) {
			touched = append(touched, peerwire.SessionTouch{Session: id, Timeout: c.timeout.Load()})
			delete(s.left, id)
		}
	}
	for id, sign := range s.left {
		if wanted(id, sign.local) {
			touched = append(touched, peerwire.SessionTouch{Session: id, Timeout: sign.timeout})
			delete(s.left, id)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(touched, func(a, b peerwire.SessionTouch) int { return cmp.Compare(a.Session, b.Session) })
	return touched
}
