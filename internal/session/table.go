package session

import (
	"slices"
	"time"

	"ostler/internal/zk"
)

// A Table holds sessions with their deadlines and owners. It is owned by one
// loop; its methods never block.
type Table struct {
	tick     time.Duration
	origin   time.Time // where bucket 0 ends; the first time the table was told
	clock    clock
	sessions map[zk.SessionID]*session
	buckets  buckets
	sources  map[zk.ServerID]*Source // the present ones
	silence  time.Duration           // of all sources, credited
	awaiting bool                    // see Await
	locals   *locals                 // nil: members have none
}

// A session is one row. A closing session is in no bucket.
type session struct {
	id       zk.SessionID
	from     *Source // it comes in through; nil: not known
	timeout  time.Duration
	deadline time.Duration // by the table's clock, not rounded
	lost     time.Duration // what from had been credited when deadline was set

	closing    bool
	inBucket   bool
	prev, next *session // neighbours in the bucket
}

// New returns an empty table whose deadlines are rounded to tick, which is at
// least a millisecond.
func New(tick time.Duration) *Table {
	t := &Table{tick: max(tick, time.Millisecond)}
	t.clear()
	return t
}

func (t *Table) clear() {
	t.sessions = make(map[zk.SessionID]*session)
	t.buckets = newBuckets(t.tick)
	t.sources = make(map[zk.ServerID]*Source)
}

// Add begins to track a session that came in through owner. A session that is
// known already is touched and changes its owner; one that is closing stays so,
// since what was closed never becomes valid again (INV-S6).
func (t *Table) Add(id zk.SessionID, timeout time.Duration, owner zk.ServerID, now time.Time) {
	d := t.since(now)
	s := t.sessions[id]
	if s == nil {
		s = &session{id: id}
		t.sessions[id] = s
	}
	s.from = t.source(owner)
	t.renew(s, timeout, d)
}

// Touch renews the deadline of a session. It reports false when the session is
// unknown or closing.
func (t *Table) Touch(id zk.SessionID, timeout time.Duration, now time.Time) bool {
	d := t.since(now)
	s := t.sessions[id]
	return s != nil && t.renew(s, timeout, d)
}

// renew gives a session its timeout from d on.
func (t *Table) renew(s *session, timeout, d time.Duration) bool {
	if s.closing {
		return false
	}
	s.timeout = max(timeout, 0)
	s.lost = s.from.lostAt(d, t.clock.period)
	t.buckets.move(s, d+s.timeout)
	return true
}

// since is the table's clock at now. A table without sessions has nobody to credit.
func (t *Table) since(now time.Time) time.Duration {
	if t.origin.IsZero() {
		t.origin = now
	}
	d := now.Sub(t.origin)
	if len(t.sessions) == 0 {
		t.clock.last = max(t.clock.last, d)
	}
	return t.clock.read(d)
}

// timeOf is when the table's clock reaches d if it does not stand still until then.
func (t *Table) timeOf(d time.Duration) time.Time { return t.origin.Add(d + t.clock.lost) }

// SetOwner says through which server a session comes in from now on.
func (t *Table) SetOwner(id zk.SessionID, owner zk.ServerID) {
	if s := t.sessions[id]; s != nil {
		t.setSource(s, owner)
	}
}

// setSource leaves the deadline as it is.
func (t *Table) setSource(s *session, owner zk.ServerID) {
	s.from = t.source(owner)
	s.lost = s.from.lostAt(t.clock.last-t.clock.lost, t.clock.period)
}

// Owner returns the server that a session comes in through; ok is false when
// that is not known, as for all sessions of a new leader.
func (t *Table) Owner(id zk.SessionID) (owner zk.ServerID, ok bool) {
	s := t.sessions[id]
	if s == nil || s.from == nil {
		return 0, false
	}
	return s.from.server, true
}

// Check says whether a request of a session that came through from may be
// carried out (client-protocol.md 2.12): OK, SessionExpired or SessionMoved. A
// session without owner is adopted by from. One that is not known may be a local
// session of another member, which has looked after it (2.13).
func (t *Table) Check(id zk.SessionID, from zk.ServerID) zk.Code {
	if t.sessions[id] == nil && t.locals.mayBe(id) {
		return zk.OK
	}
	return t.CheckGlobal(id, from)
}

// CheckGlobal is Check for what a local session may not do.
func (t *Table) CheckGlobal(id zk.SessionID, from zk.ServerID) zk.Code {
	s := t.sessions[id]
	switch {
	case s == nil || s.closing:
		return zk.SessionExpired
	case s.from == nil:
		t.setSource(s, from)
	case s.from.server != from:
		return zk.SessionMoved
	}
	return zk.OK
}

// MarkClosing says that the end of a session is under way: it cannot be touched
// any more and does not expire again.
func (t *Table) MarkClosing(id zk.SessionID) {
	if s := t.sessions[id]; s != nil {
		s.closing = true
		t.buckets.remove(s)
	}
}

// Closing reports whether the end of a known session is under way.
func (t *Table) Closing(id zk.SessionID) bool {
	s := t.sessions[id]
	return s != nil && s.closing
}

// Remove forgets a session.
func (t *Table) Remove(id zk.SessionID) {
	if s := t.sessions[id]; s != nil {
		t.buckets.remove(s)
		delete(t.sessions, id)
		t.locals.ended(id)
	}
}

// Has reports whether a session is known, closing or not.
func (t *Table) Has(id zk.SessionID) bool { return t.sessions[id] != nil }

// Len returns the number of sessions known, closing ones included.
func (t *Table) Len() int { return len(t.sessions) }

// Expire returns the sessions whose deadline has come, sorted, and marks them
// closing. The caller submits their closeSession and removes them when it has
// been applied.
func (t *Table) Expire(now time.Time) []zk.SessionID {
	d := t.since(now)
	due := floorDiv(d, t.tick)
	var expired []zk.SessionID
	for {
		first, ok := t.buckets.first()
		if !ok || first > due {
			break
		}
		for s := t.buckets.pop(first); s != nil; s = t.buckets.pop(first) {
			if t.reprieve(s, d) {
				continue
			}
			s.closing = true
			expired = append(expired, s.id)
		}
	}
	slices.Sort(expired)
	return expired
}

// NextExpiry returns the earliest deadline; zero when no session can expire.
func (t *Table) NextExpiry() time.Time {
	first, ok := t.buckets.first()
	if !ok {
		return time.Time{}
	}
	return t.timeOf(time.Duration(first) * t.tick)
}

// Reset starts over with the sessions of the replicated state (id to timeout in
// ms), each with its full timeout and without an owner, as a new leader and a
// restarted standalone server do.
func (t *Table) Reset(sessions map[zk.SessionID]int32, now time.Time) {
	t.clear()
	d := t.since(now)
	for id, timeout := range sessions {
		s := &session{id: id}
		t.sessions[id] = s
		t.renew(s, time.Duration(timeout)*time.Millisecond, d)
	}
}
