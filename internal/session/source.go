package session

import (
	"time"

	"ostler/internal/zk"
)

// A Source is a server that sessions come in through. As a learner it reports signs of
// life every half tick; while it does not, its sessions cannot be heard, and the time
// is credited to them. Once its link is lost they have to find another server.
//
//	reports    |--|--|                 |--|                |--|  X
//	sessions   |--|--|--              -|--|                |--|  their timeout, in full
//
// It stands for one link: a server that comes back is another source.
type Source struct {
	server  zk.ServerID
	reports bool          // it is a learner
	heard   time.Duration // its last report
	lost    time.Duration // credited up to then
	gone    bool
	goneAt  time.Duration
}

// lostAt is what a source's sessions were credited up to d, a silence under way included.
func (s *Source) lostAt(d, period time.Duration) time.Duration {
	if s == nil || !s.reports || s.gone {
		return 0
	}
	return s.lost + lateness(d-s.heard, period)
}

// source returns what stands for a server at present.
func (t *Table) source(server zk.ServerID) *Source {
	s := t.sources[server]
	if s == nil {
		s = &Source{server: server}
		t.sources[server] = s
	}
	return s
}

// Joined says that a server is a learner from now on, whose reports are announced.
func (t *Table) Joined(server zk.ServerID, now time.Time) *Source {
	if old := t.source(server); old.reports {
		t.Parted(old, now) // its link is lost, though nobody has noticed yet
	}
	s := t.source(server)
	s.reports, s.heard = true, t.since(now)
	return s
}

// Reported says that a learner has told which of its sessions showed a sign of life.
func (t *Table) Reported(s *Source, now time.Time) {
	d := t.since(now)
	if s.gone {
		return
	}
	late := lateness(d-s.heard, t.clock.period)
	s.heard = d
	s.lost += late
	t.silence += late
}

// Parted says that the link to a learner is lost. A sign of life may have reached it
// until now without being reported, so its sessions have their full timeout from now on
// to come in through another server.
func (t *Table) Parted(s *Source, now time.Time) {
	if s.gone {
		return
	}
	s.gone, s.goneAt = true, t.since(now)
	if t.sources[s.server] == s {
		delete(t.sources, s.server)
	}
}

// Await says whether there are servers whose doors are still closed to clients. While
// there are, sessions that came in nowhere yet do not end; once there are none, these
// have their full timeout.
func (t *Table) Await(doors bool, now time.Time) {
	opened := t.awaiting && !doors
	t.awaiting = doors
	if !opened {
		return
	}
	d := t.since(now)
	for _, s := range t.sessions {
		if s.from == nil {
			t.renew(s, s.timeout, d)
		}
	}
}

// reprieve moves the deadline of a session that is due but could not be heard, and
// reports whether it did.
func (t *Table) reprieve(s *session, d time.Duration) bool {
	until := s.deadline
	switch {
	case s.from == nil:
		if t.awaiting {
			until = d // and is looked at again in a tick
		}
	case s.from.gone:
		until = max(until, s.from.goneAt+s.timeout)
	default:
		lost := s.from.lostAt(d, t.clock.period)
		until += lost - s.lost
		s.lost = lost
	}
	if until == s.deadline {
		return false
	}
	t.buckets.move(s, until)
	return true
}
