package replica

import (
	"time"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// lead begins the role of a leader: the quorum port opens, and discovery starts.
func (r *Replica) lead() {
	if err := r.openPort(r.self().QuorumAddr); err != nil {
		r.leaveRole("the quorum port cannot be opened")
		return
	}
	r.phase = leading
	r.role = peerwire.Leading
	r.election.SetRole(r.role)
	r.initFresh()
	r.leader = zab.NewLeader(r.zabOptions(), r.clock.Now(), &r.out)
	r.afterStep()
}

// acceptLearner is called by the net for each connection to the quorum port.
func (r *Replica) acceptLearner(s env.Stream) env.Handler {
	link := r.newLink(s, false)
	r.inbox.Put(evLinkUp{link})
	return link
}

// zabOptions are what either core is told.
func (r *Replica) zabOptions() zab.Options {
	return zab.Options{
		Self: r.cfg.MyID, Observer: r.observes(), Outsider: r.cfg.Shadow, Config: r.ensemble, Reconfig: r.cfg.ReconfigEnabled,
		Tick: r.cfg.Tick, InitLimit: r.cfg.InitLimit, SyncLimit: r.cfg.SyncLimit,
		Accepted: r.accepted, Current: r.current, History: r.history,
		TrustEmpty: r.trusted || r.election.Trusted(), Amnesiac: !r.trusted, ForceSnapshot: r.needSnapshot || r.shadow.spoilt,
		KnownCommitted: r.committed, Secret: r.o.Secret, Appointed: r.appointed,
		EpochWait:    r.cfg.Learners.EpochWait,
		MaxSnapSyncs: r.cfg.Learners.MaxSnapSyncs, MaxDiffSyncs: r.cfg.Learners.MaxDiffSyncs,
		LastCounter: r.o.LastCounter,
	}
}

// initFresh writes the empty snapshot that a data directory begins with, before
// anything can be logged (disk.md 14).
func (r *Replica) initFresh() {
	if r.fresh {
		r.fresh = false
		r.logger.put(logInitFresh{})
	}
}

// stepLeader hands an input to the leader core.
func (r *Replica) stepLeader(in zab.Input) {
	r.leader.Step(r.clock.Now(), in, &r.out)
	r.afterStep()
}

// afterStep deals with what changes the role at once; the rest of the output
// waits for the end of the batch.
func (r *Replica) afterStep() {
	if reason := r.out.StepDown; reason != "" {
		r.needSnapshot = r.out.NeedSnapshot
		next := r.out.Designated
		r.carryOut()
		if r.activating != nil && r.phase == leading {
			// What the new configuration was waiting for is answered first.
			r.activating.stepDown, r.activating.next = reason, next
			return
		}
		if r.designated = next; next != 0 {
			r.noteHandedOver()
			r.partWithPeers()
			r.staying = r.serving && !r.leaving()
		}
		r.leaveRole(reason)
		return
	}
	if r.out.Established {
		r.out.Established = false
		r.carryOut()
		r.established()
	}
	for _, f := range r.takeForwarded() {
		r.onForwarded(f)
	}
}

// takeForwarded empties the list of forwarded requests, which preparing them
// would otherwise change underfoot.
func (r *Replica) takeForwarded() []zab.Forwarded {
	f := r.out.Requests
	r.out.Requests = nil
	return f
}

// established opens the doors: the history is that of a quorum.
func (r *Replica) established() {
	var epoch zk.Epoch
	lead := r.phase == leading
	if lead {
		epoch = r.leader.Epoch()
		r.beginPreparing()
		if o := r.o.Observer; o != nil {
			// The tree has the whole history already, see drained.
			o.Established(true, epoch, r.history.Last())
		}
	} else {
		epoch = r.learner.Epoch()
		r.links[r.leaderLink].SetReadTimeout(r.ticks(r.cfg.SyncLimit))
		r.openMaster()
		if j := r.o.Judge; j != nil {
			j.Following(r.leaderID, epoch)
		}
	}
	r.needSnapshot = false
	if !r.trusted {
		// It is up to date, in an epoch that it had on disk before.
		r.trusted = true
		r.logger.put(logTrust{})
	}
	r.serving = true
	r.election.SetRole(r.role)
	r.election.SetEpoch(epoch)
	r.log.Info("serving", "role", roleNames[r.role], "leader", int64(r.leaderID), "epoch", int64(epoch),
		"zxid", r.history.Last(), "took", r.clock.Now().Sub(r.electionEnd))
	begins := applyEpoch{epoch: epoch, last: r.history.Last(), before: r.history.Before(epoch), lead: lead}
	// Not before what is committed in earlier epochs is applied: the tree is that of the
	// new epoch's beginning from here on, and so is a snapshot of it.
	r.inOrder(func() { r.applier.put(begins) })
	if !lead || r.cfg.LeaderServes {
		r.paused = false
		open := applyServing{service: zk.FullService, term: r.term}
		r.inOrder(func() { r.applier.put(open) })
	}
	r.endPause()
	r.publish()
}

// beginPreparing makes what turns requests into transactions. The tree has the
// whole history: it caught up before the election.
func (r *Replica) beginPreparing() {
	now := r.clock.Now()
	t := r.applier.tree()
	r.beginSessions(t.Sessions(), now)
	if r.ensemble != nil && r.cfg.LocalSessions {
		r.sessions.AllowLocal(r.cfg.MyID)
	}
	r.closing = nil
	r.prep = prep.New(prep.Options{
		Source: applied{r.applier}, Auth: r.o.Auth, Sessions: r.sessions,
		Digest: r.cfg.DigestEnabled, CloseSessionPaths: r.cfg.CloseSessionPaths,
		ExtendedTypes: r.cfg.ExtendedTypes, ReconfigEnabled: r.cfg.ReconfigEnabled,
		MultiAddress: r.cfg.MultiAddress, Members: members{r},
		TreeDigest: r.digest, Owners: owners(r.cfg), TxnMax: r.cfg.MaxBuffer + r.cfg.ExtraSize,
		EnforceQuota: r.cfg.EnforceQuota, NeverUsed: r.cfg.ReapNeverUsed,
		OnExcess: func(e prep.Excess) { r.excesses.add(r.log, r.clock.Now(), e) },
	})
	r.reaper = newReaper(r.cfg.ReapInterval, r.cfg.ReapPerMinute, now)
	if n := t.TTLCount(); n > 0 && !r.cfg.ExtendedTypes {
		r.log.Warn("nodes with a time to live are kept and do not end, because extendedTypesEnabled is off", "count", n)
	}
	r.nextExpiry = now
	r.orphans = true
}

// onForwarded prepares a request that a learner passed on (quorum.md 4.15).
func (r *Replica) onForwarded(f zab.Forwarded) {
	if r.phase != leading || r.prep == nil || r.resigned() {
		return
	}
	q := f.Request
	req := &prep.Request{Session: q.Session, Cxid: q.Cxid, Op: q.Op, Body: q.Body, Auth: f.Auth}
	if q.Op == zk.OpCreateSession {
		req.Timeout = createSessionTimeout(q.Body)
	}
	r.propose(req, f.From)
}

// propose turns a request into a transaction with the next zxid.
func (r *Replica) propose(req *prep.Request, from zk.ServerID) {
	if req.Op == zk.OpCreateSession {
		r.sessions.Add(req.Session, time.Duration(req.Timeout)*time.Millisecond, from, r.clock.Now())
	}
	rec := r.prep.Plan(req, from, r.nextZxid(), r.clock.Wall().UnixMilli())
	if rec.Type == zk.OpCloseSession {
		r.sessions.MarkClosing(rec.Session)
		r.closing = append(r.closing, closingSession{rec.Zxid, rec.Session})
	}
	r.step1(zab.Propose{Record: rec})
}

// nextZxid is the zxid of the next transaction.
func (r *Replica) nextZxid() zk.Zxid {
	if r.phase == solo {
		return r.solo.NextZxid()
	}
	return r.leader.NextZxid()
}

// forgetClosed removes the sessions whose end was applied.
func (r *Replica) forgetClosed() {
	n := 0
	for n < len(r.closing) && r.closing[n].zxid <= r.applied {
		r.sessions.Remove(r.closing[n].id)
		n++
	}
	r.closing = r.closing[n:]
}

// expireSessions renews what was heard of and closes the sessions that are
// silent for too long (client-protocol.md 2.9).
func (r *Replica) expireSessions(now time.Time) {
	if r.prep == nil || now.Before(r.nextExpiry) {
		return
	}
	r.nextExpiry = now.Add(r.cfg.Tick / 2)
	r.carryOut() // who is heard of in this step does not end in it
	r.touch(r.o.Clients.Touched(), now)
	r.awaitDoors(now)
	if r.orphans {
		r.orphans = false
		r.closeOrphans()
	}
	list := r.sessions.Deadlines()
	r.deadlines.Store(&list)
	expired := r.sessions.Expire(now)
	for _, id := range expired {
		r.log.Info("session expired", "session", id)
		if o := r.o.Observer; o != nil {
			o.Expired(id)
		}
		r.closeSession(id)
	}
	r.noteStalls(now)
}

// preparing reports whether this server makes transactions.
func (r *Replica) preparing() bool {
	return (r.phase == leading || r.phase == solo) && r.prep != nil && !r.resigned()
}

// closeSession submits the end of a session on its behalf.
func (r *Replica) closeSession(id zk.SessionID) {
	if r.preparing() {
		r.propose(&prep.Request{Session: id, Op: zk.OpCloseSession}, r.cfg.MyID)
	}
}

// closeOrphans ends the sessions that own ephemerals though nobody knows them: a
// directory of another server may hold such. It is logged like any other change
// (disk.md 5.7, INV-S1).
func (r *Replica) closeOrphans() {
	t := r.applier.tree()
	for _, id := range t.EphemeralOwners() {
		if _, ok := t.HasSession(id); !ok && !r.sessions.Has(id) {
			if zk.Owner(id).LooksTTL353() {
				// What is kept can still be removed; the reverse is not so (decisions.md 21).
				r.log.Warn("nodes that look like those with a time to live of ZooKeeper 3.5.3 are kept; "+
					"extendedTypesEnabled and emulate353TTLNodes make them end", "owner", id, "nodes", len(t.Ephemerals(id)))
				continue
			}
			r.log.Warn("ephemeral nodes of an unknown session are removed", "session", id)
			r.closeSession(id)
		}
	}
}

// touch renews sessions.
func (r *Replica) touch(touched []peerwire.SessionTouch, now time.Time) {
	for _, t := range touched {
		r.sessions.Touch(t.Session, time.Duration(t.Timeout)*time.Millisecond, now)
	}
}

// revalidate decides whether a session may go on at a server, which then owns it.
func (r *Replica) revalidate(id zk.SessionID, timeout int32, at zk.ServerID) bool {
	if !r.sessions.Has(id) || r.sessions.Closing(id) {
		return false
	}
	r.sessions.Touch(id, time.Duration(timeout)*time.Millisecond, r.clock.Now())
	if owner, ok := r.sessions.Owner(id); ok && owner == r.cfg.MyID && at != r.cfg.MyID {
		r.applier.put(applyMoved{session: id})
	}
	r.sessions.SetOwner(id, at)
	return true
}
