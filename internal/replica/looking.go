package replica

import (
	"slices"
	"time"

	"ostler/internal/election"
	"ostler/internal/peerwire"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// notificationsMax is how long the inbox may be for a notification to be taken.
const notificationsMax = 100_000

// An idleState says which loops have finished the work of the last role.
type idleState struct {
	log, apply, epoch bool
	started           bool // applying the rest of the log was asked for
}

// begin is the first step of the loop.
func (r *Replica) begin() {
	if r.ensemble == nil {
		r.beginSolo()
		return
	}
	if r.binding.next.IsZero() {
		r.leaveRole("starting")
	}
}

// leaveRole ends the present role: clients and links are closed, and the other
// loops finish what they were given before the next election (quorum.md R11). What the
// core has asked for in this step is given to them first: the history has it already,
// and the vote speaks for the history (INV-Z12).
func (r *Replica) leaveRole(reason string) {
	r.carryOut()
	if r.phase == leading || r.phase == learning {
		r.log.Info("looking for a leader", "reason", reason, "zxid", r.history.Last())
		if j := r.o.Judge; j != nil {
			j.Left(reason)
		}
	}
	r.term++
	r.phase = draining
	r.idle = idleState{}
	r.delayLooking(r.role)
	r.role = peerwire.Looking
	r.election.SetRole(peerwire.Looking)
	r.serving = false
	r.closeDoors()
	r.noteCommitted()
	r.closePeers()
	r.leader, r.learner, r.prep, r.master = nil, nil, nil, nil
	r.deadlines.Store(nil)
	if r.activating != nil {
		r.orphaned, r.activating = r.activating, nil
	}
	r.syncs, r.closing, r.nextExpiry = nil, nil, time.Time{}
	r.out.Reset() // of when to wake, which is left
	r.logger.put(logIdle{term: r.term})
	r.handedOver()
	r.publish()
}

// drained goes on with leaving a role as far as the other loops allow: first the
// log, then the tree, then the epoch, then the election.
func (r *Replica) drained() {
	if !r.idle.log {
		return
	}
	if !r.idle.started {
		// The tree catches up with the log, committed or not: the vote speaks
		// for the whole log, and what is refused later is truncated.
		r.idle.started = true
		r.deliver(r.history.Last())
		r.applier.put(applyIdle{term: r.term})
		return
	}
	if !r.idle.apply || r.orphaned != nil {
		return
	}
	if e := r.history.Last().Epoch(); e > r.current && r.trusted && !r.idle.epoch {
		if e > r.accepted {
			r.failf("the last transaction, %v, is of a later epoch than this server ever accepted (%d): "+
				"the epoch files in %s/version-2 do not belong to the log", r.history.Last(), r.accepted, r.cfg.DataDir)
			return
		}
		// The history of epoch e reached the disk, and a crash or a lost
		// link came before the epoch itself did (quorum.md R19).
		r.idle.epoch = true
		r.logger.put(logPersist{term: r.term, adopt: true, persist: zab.Persist{Kind: zab.CurrentEpoch, Epoch: e}})
		return
	}
	if r.idle.epoch && r.current < r.history.Last().Epoch() {
		return
	}
	if r.mayLook() {
		r.look()
	}
}

// look starts an election.
func (r *Replica) look() {
	if r.leaving() {
		return // it takes no part any more
	}
	now := r.clock.Now()
	r.phase = looking
	r.electionEnd = now
	r.awaitReadOnly(now)
	r.findPending(r.applier.tree())
	last, epoch := r.history.Last(), r.current
	if !r.trusted {
		// What there is may be a part of what was lost: it does not count.
		last, epoch = 0, 0
	}
	leader := r.designated
	if r.appointed = leader != 0; r.appointed {
		r.designated = 0
		r.election.Appoint(leader, last, epoch, &r.votes)
		r.carryOutElection()
		return
	}
	r.endPause()
	r.election.Start(now, last, epoch, r.trusted, &r.votes)
	r.publish()
	r.carryOutElection()
}

// onNotification hands a message of the election to its core, in any phase.
func (r *Replica) onNotification(from zk.ServerID, n peerwire.Notification) {
	r.election.Notify(r.clock.Now(), from, n, &r.votes)
	r.carryOutElection()
	if n.State == peerwire.Looking && r.phase == leading && r.cfg.Learners.EpochWait >= 0 && slices.Contains(r.backers, from) {
		r.stepLeader(zab.Looking{Server: from})
	}
}

// onMeshLink tells the election who can be heard.
func (r *Replica) onMeshLink(e evMeshLink) {
	r.election.Link(r.clock.Now(), e.to, e.up, &r.votes)
	r.carryOutElection()
}

// carryOutElection does what the election core asked for.
func (r *Replica) carryOutElection() {
	for _, s := range r.votes.Send {
		r.mesh.Send(s.To, s.Notification)
	}
	if r.votes.Reconnect {
		r.mesh.Reconnect(r.ensemble.Voters())
	}
	if !slices.Equal(r.votes.WaitingFor, r.waitingFor) {
		r.waitingFor = slices.Clone(r.votes.WaitingFor)
		if len(r.waitingFor) > 0 {
			r.log.Info("this server has no data, so its vote does not count until all members have been heard "+
				"to have none, or it has synced with a leader", "waiting for", r.waitingFor)
		}
	}
	if c := r.votes.Config; c != nil && r.phase == looking {
		r.votes = election.Output{}
		r.logger.put(logMembers{c})
		r.setMembers(c)
		r.look()
		return
	}
	settled, backers := r.votes.Settled, r.votes.Backers
	r.votes = election.Output{Send: r.votes.Send[:0], WakeAt: r.votes.WakeAt}
	if settled != nil && r.phase == looking {
		r.backers = backers
		r.settle(*settled)
	}
}

// settle begins the role that the election gave this server.
func (r *Replica) settle(v election.Vote) {
	r.term++
	r.endReadOnly()
	r.leaderID = v.Leader
	r.log.Info("election ended", "leader", int64(v.Leader), "took", r.clock.Now().Sub(r.electionEnd))
	switch {
	case v.Leader == r.cfg.MyID:
		r.lead()
	case r.observes():
		r.role = peerwire.Observing
		r.connect()
	default:
		r.role = peerwire.Following
		r.connect()
	}
	r.publish()
}

// electionOptions are the core's.
func (r *Replica) electionOptions() election.Options {
	return election.Options{
		Self: r.cfg.MyID, Observer: r.observes(), Outsider: r.cfg.Shadow, Config: r.ensemble, Reconfig: r.cfg.ReconfigEnabled,
		Oracle:      r.cfg.OraclePath != "",
		Finalize:    200 * time.Millisecond,
		MinInterval: r.cfg.ElectionMinInterval, MaxInterval: r.cfg.ElectionMaxInterval,
	}
}

// ticks is a limit of the configuration as a duration.
func (r *Replica) ticks(n int) time.Duration { return time.Duration(n) * r.cfg.Tick }

// linkIDs returns the links in a fixed order.
func (r *Replica) linkIDs() []zab.LinkID { return sortedKeys(r.links) }

// sortedKeys returns the keys of m in order, so that no map order shows.
func sortedKeys[V any](m map[zab.LinkID]V) []zab.LinkID {
	keys := make([]zab.LinkID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
