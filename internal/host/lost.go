package host

import (
	"net"
	"time"

	"ostler/internal/env"
)

// lostProbes is how many probes of an idle connection stay without an answer before
// the other machine is given up.
const lostProbes = 3

// setKeepAlive has the system probe an idle connection: as it is set up to, or so
// that a machine that is gone is found within lostAfter.
func (s *stream) setKeepAlive(on bool) error {
	if s.lostAfter <= 0 {
		return s.conn.SetKeepAlive(on)
	}
	return s.conn.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: true, Idle: s.lostAfter / 2, Interval: s.lostAfter / (2 * lostProbes), Count: lostProbes,
	})
}

// watchLost ends the stream when what was sent stays without an answer for lostAfter.
// The system alone would go on sending for a quarter of an hour. Its option for that,
// TCP_USER_TIMEOUT, also ends connections to a reader that takes its time.
func (s *stream) watchLost() (stop func()) {
	if s.lostAfter <= 0 {
		return func() {}
	}
	var timer *time.Timer
	timer = time.AfterFunc(time.Hour, func() {
		switch {
		case s.over():
		case s.unanswered() >= s.lostAfter:
			s.fail(env.ErrLost)
		default:
			timer.Reset(s.lostAfter / 4)
		}
	})
	timer.Reset(s.lostAfter / 4)
	return func() { timer.Stop() }
}

// over reports whether the stream has ended.
func (s *stream) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
