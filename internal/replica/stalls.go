package replica

import (
	"sync/atomic"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/session"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// A credit is what keeps sessions from ending for a time in which they could not be
// heard, unless session.leaseHonest is off: the server that expires them stood still,
// the learner that they come in through did or was lost, or no door is open to them yet
// (package session tells how).
type credit struct {
	sources    map[zab.LinkID]*session.Source // learners that report
	doorsUntil time.Time                      // how long a new leader waits for doors at most
	told       session.Stalls                 // of this leadership, those that are counted in the fields below
	log        stallLog

	stalls, lost, silence atomic.Int64
}

// beginSessions starts over with the sessions of the replicated state. Those that a new
// leader hears nothing of yet are waited for while learners synchronise, for no longer
// than these may take to.
func (r *Replica) beginSessions(sessions map[zk.SessionID]int32, now time.Time) {
	r.sessions = session.New(r.cfg.Tick)
	r.credit.told = session.Stalls{}
	r.credit.sources = make(map[zab.LinkID]*session.Source)
	r.credit.doorsUntil = now.Add(r.ticks(r.cfg.InitLimit))
	if r.cfg.LeaseHonest {
		r.sessions.CreditStalls()
	}
	r.sessions.Reset(sessions, now)
}

// honest reports whether this server expires sessions, and credits what they could do
// nothing about.
func (r *Replica) honest() bool { return r.cfg.LeaseHonest && r.phase == leading && r.prep != nil }

// awaitDoors looks whether clients may be waiting for a learner to let them in.
func (r *Replica) awaitDoors(now time.Time) {
	if !r.honest() {
		return
	}
	r.noteJoined() // those that were up to date when this server began to lead
	r.sessions.Await(now.Before(r.credit.doorsUntil) && r.learnersBehind(), now)
}

// learnersBehind reports whether a learner is not up to date yet.
func (r *Replica) learnersBehind() bool {
	for l := range r.leader.Learners() {
		if !l.Synced {
			return true
		}
	}
	return false
}

// noteJoined makes every learner that is up to date a source of sessions.
func (r *Replica) noteJoined() {
	if !r.honest() {
		return
	}
	for l := range r.leader.Learners() {
		if l.Synced && r.credit.sources[l.Link] == nil {
			r.credit.sources[l.Link] = r.sessions.Joined(l.Server, r.clock.Now())
		}
	}
}

// noteReport takes note that a learner has told of its sessions, which it does in its
// answers to PINGs only (quorum.md 4.13).
func (r *Replica) noteReport(link zab.LinkID, t peerwire.PacketType) {
	if s := r.credit.sources[link]; s != nil && t == peerwire.Ping {
		r.sessions.Reported(s, r.clock.Now())
	}
}

// noteParted takes note that a link is lost.
func (r *Replica) noteParted(link zab.LinkID) {
	if s := r.credit.sources[link]; s != nil {
		r.sessions.Parted(s, r.clock.Now())
	}
	delete(r.credit.sources, link)
}

// noteStalls tells of what was credited since it was last called.
func (r *Replica) noteStalls(now time.Time) {
	c := &r.credit
	all := r.sessions.Stalls()
	stalls, lost, silence := all.Count-c.told.Count, all.Lost-c.told.Lost, all.Silence-c.told.Silence
	if stalls == 0 && silence == 0 {
		return
	}
	c.told = all
	c.stalls.Add(int64(stalls))
	c.lost.Add(int64(lost))
	c.silence.Add(int64(silence))
	if stalls > 0 && c.log.due(now) {
		r.log.Warn("this server stood still; no session pays for it", "for", lost, "more", c.log.omitted)
		c.log.omitted = 0
	}
	if o := r.o.Observer; o != nil {
		o.Credited(lost + silence)
	}
}

// stallEvery is how often a stall is logged at most.
const stallEvery = 10 * time.Second

// A stallLog keeps the log short on a machine that stalls all the time.
type stallLog struct {
	next    time.Time
	omitted int // since the last line
}

func (l *stallLog) due(now time.Time) bool {
	if now.Before(l.next) {
		l.omitted++
		return false
	}
	l.next = now.Add(stallEvery)
	return true
}

// Stalls returns what this server credited to sessions since it was started, as a
// leader or standalone; callable from anywhere.
func (r *Replica) Stalls() session.Stalls {
	c := &r.credit
	return session.Stalls{Count: int(c.stalls.Load()), Lost: time.Duration(c.lost.Load()), Silence: time.Duration(c.silence.Load())}
}
