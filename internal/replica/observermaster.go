package replica

import (
	"iter"

	"ostler/internal/peerwire"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// An observerMaster is a follower's part for observers that follow it instead of the
// leader (quorum.md 4.18). Its links are among the replica's.
type observerMaster struct {
	relay   *zab.Relay
	out     zab.Output
	touched []peerwire.SessionTouch // at observers, since the last PING of the leader
}

// openMaster lets observers follow this server, which is up to date, from now on.
func (r *Replica) openMaster() {
	port := r.cfg.Learners.MasterPort
	if port <= 0 || r.role != peerwire.Following {
		return
	}
	if err := r.openPort(masterAddrs(r.self(), port)); err != nil {
		r.log.Error("no observer can follow this server", "observerMasterPort", port, "err", err)
		return
	}
	r.master = &observerMaster{}
	r.master.relay = zab.NewRelay(r.learner, r.clock.Now(), &r.master.out)
}

// stepMaster hands an input to the relay, if there is one, and does what it asks for.
func (r *Replica) stepMaster(in zab.Input) {
	m := r.master
	if m == nil {
		return
	}
	m.relay.Step(r.clock.Now(), in, &m.out)
	o := &m.out
	r.send(o.Send)
	for _, c := range o.Close {
		r.closeLink(c)
	}
	for range o.Deliver {
		r.onDelivery(zab.Delivery{Sync: true})
	}
	for _, link := range o.Snapshot {
		r.applier.put(applyView{term: r.term, link: link})
	}
	m.touched = append(m.touched, o.Touched...)
	for _, v := range o.Revalidated {
		r.applier.put(applyRevalidated{session: v.Session, valid: v.Valid})
	}
	for _, id := range o.Moved {
		r.applier.put(applyMoved{session: id})
	}
	for _, id := range o.Synced {
		r.log.Info("observer is up to date", "server", int64(id), "zxid", r.history.Last())
	}
	if len(o.Synced) > 0 {
		r.hurry(m.relay.Observers())
	}
	wake := o.WakeAt
	o.Reset()
	o.WakeAt = wake
}

// onLearnerDelivery takes what the learner delivers. Observers hear of it too, and of two
// syncs that are answered one after the other, one may be theirs.
func (r *Replica) onLearnerDelivery(d zab.Delivery) {
	r.stepMaster(zab.Delivered{Delivery: d})
	if r.master == nil || !d.Sync {
		r.onDelivery(d)
	}
}

// onRevalidated takes the leader's answer about a session, an observer's or an own one.
func (r *Replica) onRevalidated(v zab.Revalidated) {
	if r.master != nil {
		r.stepMaster(v)
		return
	}
	r.applier.put(applyRevalidated{session: v.Session, valid: v.Valid})
}

// lost reports whether a session that was attached here is at an observer of this server
// by now. The leader cannot tell the two apart.
func (r *Replica) lost(id zk.SessionID) bool { return r.master != nil && r.master.relay.Lost(id) }

// touchedAll are the sessions with a sign of life, here and at observers.
func (r *Replica) touchedAll() []peerwire.SessionTouch {
	touched := r.o.Clients.Touched()
	if m := r.master; m != nil {
		touched = append(touched, m.touched...)
		m.touched = nil
	}
	return touched
}

// ofMaster reports whether a link is an observer's of this follower.
func (r *Replica) ofMaster(link zab.LinkID) bool { return r.master != nil && link != r.leaderLink }

// accepts reports whether learners may connect.
func (r *Replica) accepts() bool {
	return r.listener != nil && (r.phase == leading || r.master != nil)
}

// hurry wants learners that are up to date to be heard of more often.
func (r *Replica) hurry(learners iter.Seq[zab.LearnerStatus]) {
	for s := range learners {
		if l := r.links[s.Link]; l != nil && s.Synced {
			l.SetReadTimeout(r.ticks(r.cfg.SyncLimit))
		}
	}
}

// trimHistory drops what is applied and needs not be kept for learners.
func (r *Replica) trimHistory() {
	count, bytes := r.kept()
	r.history.Trim(count, bytes, min(r.applied, r.delivered))
}

// recordCost is about what a transaction takes in memory beside its bytes.
const recordCost = 512

// kept is how many transactions, and bytes of them, are kept for learners. What a master
// keeps for observers is counted in memory (observerMaster.sizeLimit).
func (r *Replica) kept() (count, bytes int) {
	if r.master == nil {
		return r.cfg.CommitLogCount, historyBytes
	}
	limit := r.cfg.Learners.MasterBytes
	return limit / recordCost, limit
}
