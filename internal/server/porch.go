package server

import (
	"time"

	"ostler/internal/zk"
)

// porchTime is how long after it closed its doors a server lets clients wait for them to
// open again. Most elections take less. ZooKeeper turns such clients away at once
// (client-protocol.md 2.17), and they come back after a second or more.
const porchTime = time.Second

// A porch holds the clients that came while the server has no leader. They have sent
// a ConnectRequest, which stays in their streams. Guarded by Server.mu.
type porch struct {
	until   time.Time // who comes later is turned away at once
	waiting []*conn   // in the order in which they came; some have ended
	timer   bool      // the timer loop will look
}

// closeDoors begins the time for which clients may wait. The caller holds mu.
func (s *Server) closeDoors() { s.porch.until = s.clock.Now().Add(porchTime) }

// atTheDoor returns under which service a client comes in; with NoService it has to wait
// for the doors to open. If they have been closed for too long it is turned away.
func (s *Server) atTheDoor(c *conn) (zk.Service, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case letsIn(s.service):
		return s.service, nil
	case s.closed || !s.clock.Now().Before(s.porch.until):
		return zk.NoService, errNotServing
	}
	if !c.onPorch {
		c.onPorch = true
		s.porch.waiting = append(s.porch.waiting, c)
	}
	if !s.porch.timer {
		s.porch.timer = true
		s.clock.WakeAt(s.porch.until, s.timerLoop)
	}
	return zk.NoService, nil
}

// takeWaiting empties the porch. The caller holds mu.
func (s *Server) takeWaiting() []*conn {
	list := s.porch.waiting
	s.porch.waiting = nil
	for _, c := range list {
		c.onPorch = false
	}
	return list
}

// clearPorch sends those away who waited in vain.
func (s *Server) clearPorch() {
	var late []*conn
	s.mu.Lock()
	s.porch.timer = false
	if now := s.clock.Now(); !now.Before(s.porch.until) {
		late = s.takeWaiting()
	} else if len(s.porch.waiting) > 0 {
		s.porch.timer = true
		s.clock.WakeAt(s.porch.until, s.timerLoop)
	}
	s.mu.Unlock()
	for _, c := range late {
		wake(c) // its ConnectRequest is looked at once more, and refused
	}
}
