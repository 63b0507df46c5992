package replica

import (
	"iter"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// A Status is what the rest of the server may know of replication; it is never
// changed once published.
type Status struct {
	Role     peerwire.ServerState
	Solo     bool
	Serving  bool
	ReadOnly bool // reads are served, without a leader
	Leader   zk.ServerID
	Ensemble *ensemble.Config // in force, with one proposed behind it; nil when Solo
	Observer bool             // this server's role in it
	Accepted zk.Epoch
	Current  zk.Epoch
	Logged   zk.Zxid // end of the history
	Applied  zk.Zxid
	// Committed is up to where the history is known to be committed; 0: nothing is known.
	Committed zk.Zxid
	Master    zk.ServerID // the follower that this observer follows, 0 for the leader
	// Of a leader: learners by kind, those that are up to date.
	Followers, SyncedFollowers, SyncedObservers int
	Sessions                                    int // leader and standalone: sessions
	Proposals                                   *Sizes
}

var roleNames = map[peerwire.ServerState]string{
	peerwire.Looking: "looking", peerwire.Following: "follower",
	peerwire.Leading: "leader", peerwire.Observing: "observer",
}

// Sizes are those of a leader's transactions, bytes.
type Sizes struct{ Last, Min, Max int64 }

// Tree returns the present state; callable from anywhere.
func (r *Replica) Tree() *tree.Tree {
	if r.applier == nil { // not started yet
		return r.o.Loaded.Tree
	}
	return r.applier.tree()
}

// Status returns the newest status; callable from anywhere.
func (r *Replica) Status() *Status { return r.status.Load() }

// publish makes the present state known.
func (r *Replica) publish() {
	s := Status{
		Role: r.role, Solo: r.ensemble == nil, Serving: r.serving, ReadOnly: r.readOnly, Leader: r.leaderID, Ensemble: r.ensemble,
		Accepted: r.accepted, Current: r.current, Logged: r.history.Last(), Applied: r.applied, Committed: r.committed,
	}
	s.Observer = r.ensemble != nil && r.observes()
	switch {
	case r.phase == leading:
		s.countLearners(r.leader.Learners())
	case r.master != nil:
		s.countLearners(r.master.relay.Observers())
	case r.role == peerwire.Observing:
		s.Master = r.masters.at
	}
	if r.prep != nil {
		s.Sessions = r.sessions.Len()
	}
	if old := r.status.Load(); old != nil && *old == s {
		return
	}
	published := s // apart from s, which so stays off the heap in every other step
	r.status.Store(&published)
}

func (s *Status) countLearners(learners iter.Seq[zab.LearnerStatus]) {
	for l := range learners {
		switch {
		case l.Observer && l.Synced:
			s.SyncedObservers++
		case !l.Observer && l.Synced:
			s.SyncedFollowers++
		}
		if !l.Observer {
			s.Followers++
		}
	}
}

// Deadlines returns when the sessions that this server expires will be; ok is false
// on a learner. The list may be half a tick old.
func (r *Replica) Deadlines() (list []session.Deadline, ok bool) {
	p := r.deadlines.Load()
	if p == nil {
		return nil, false
	}
	return *p, true
}
