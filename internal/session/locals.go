package session

import "ostler/internal/zk"

// goneMax is how many sessions that have ended are remembered: long enough for
// the last of their requests to arrive from other members.
const goneMax = 4096

// locals are what a leader knows of sessions that only another member knows
// (client-protocol.md 2.13): their ids name that member, and they are none of those
// that have ended. A nil *locals knows that there are none.
type locals struct {
	self  zk.ServerID
	gone  map[zk.SessionID]struct{}
	order []zk.SessionID // of gone, a ring once it is full
	next  int
}

// AllowLocal says that the members of the ensemble, of which this is self, may
// have sessions that only they know.
func (t *Table) AllowLocal(self zk.ServerID) {
	t.locals = &locals{self: self & 0xff, gone: make(map[zk.SessionID]struct{})}
}

// mayBe reports whether an unknown session may be one of another member.
func (l *locals) mayBe(id zk.SessionID) bool {
	if l == nil || id.Server() == l.self {
		return false
	}
	_, gone := l.gone[id]
	return !gone
}

// ended notes the end of a session of the whole ensemble: none of its requests
// may be carried out any more (INV-X10).
func (l *locals) ended(id zk.SessionID) {
	if l == nil {
		return
	}
	if len(l.order) < goneMax {
		l.order = append(l.order, id)
	} else {
		delete(l.gone, l.order[l.next])
		l.order[l.next] = id
		l.next = (l.next + 1) % goneMax
	}
	l.gone[id] = struct{}{}
}
