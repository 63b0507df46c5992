package replica

import (
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// A handing is a wish that another server lead.
type handing struct {
	leaving bool   // this server stops, and takes no part any more
	done    func() // called once: it does not lead, and all have heard who does
}

// HandOver has another server lead, if this one does, and calls done when it does not
// any more; it may be called from anywhere. With leaving, the server is about to stop.
// Done may never come if the network is stuck: callers wait for a time of their own.
func (r *Replica) HandOver(leaving bool, done func()) {
	r.inbox.Put(evHandOver{handing{leaving, done}})
}

func (r *Replica) onHandOver(h handing) {
	if r.handing != nil {
		h.done() // one is under way
		return
	}
	r.handing = &h
	if r.phase != leading {
		r.handedOver()
		return
	}
	r.stepLeader(zab.HandOver{Leaving: h.leaving, Away: true})
}

// handedOver tells who asked that this server does not lead any more, once what it sent
// last has left.
func (r *Replica) handedOver() {
	h := r.handing
	if h == nil || h.done == nil || r.phase == leading || len(r.parting) > 0 {
		return
	}
	h.done()
	if h.done = nil; !h.leaving {
		r.handing = nil
	}
}

// leaving reports whether this server is about to stop.
func (r *Replica) leaving() bool { return r.handing != nil && r.handing.leaving }

// noteHandedOver takes note that everything is committed: some of it may wait for a
// configuration to be recorded still.
func (r *Replica) noteHandedOver() {
	switch {
	case r.leader != nil:
		r.committed = max(r.committed, r.leader.Committed())
	case r.learner != nil:
		r.committed = max(r.committed, r.learner.Committed())
	}
}

// closeDoors sends the clients away when a role ends; or they wait, if another server was
// named that leads next, and everything that was proposed is committed (zk.Pause).
func (r *Replica) closeDoors() {
	service := zk.NoService
	if r.paused = r.staying; r.paused {
		service = zk.Pause
	}
	r.staying = false
	r.applier.put(applyServing{service: service})
}

// endPause sends clients away that wait in vain.
func (r *Replica) endPause() {
	if r.paused {
		r.paused = false
		r.applier.put(applyServing{service: zk.NoService})
	}
}
