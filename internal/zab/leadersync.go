package zab

import (
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// past is what learners are brought up to date from.
func (l *Leader) past() past { return past{history: l.history, epoch: l.epoch, current: l.current} }

// synchronise brings a learner to this leader's history. Deciding what it needs
// and subscribing it to what comes is one step (quorum.md R6).
func (l *Leader) synchronise(p *peer, out *Output) {
	plan := l.past().plan(p.zxid)
	if plan.kind != 0 && !admit(p, plan.kind, l.order, &l.o) {
		l.close(p, out, syncsFull)
		return
	}
	switch plan.kind {
	case peerwire.Diff:
		l.send(p, peerwire.Packet{Type: peerwire.Diff, Zxid: max(l.committed, plan.base)}, out)
		l.stream(p, plan.base, out)
	case peerwire.Trunc:
		l.send(p, peerwire.Packet{Type: peerwire.Trunc, Zxid: plan.base}, out)
		l.stream(p, plan.base, out)
	case peerwire.Snap:
		p.stage = awaitSnapshot
		p.snapshot = true
		l.extend(p)
		out.Snapshot = append(out.Snapshot, p.link)
	default:
		l.close(p, out, "%s", plan.reason)
	}
}

// sendSnapshot sends the view that was opened at z, and what came after it.
func (l *Leader) sendSnapshot(p *peer, z zk.Zxid, out *Output) {
	// The tree of an established leader carries the beginning of the epoch until
	// the first transaction; that is not a place in the history.
	z = l.past().upTo(z)
	if z < l.history.Floor() || z > l.committed {
		l.close(p, out, "the history after the snapshot at %v is not in memory any more", z)
		return
	}
	out.Send = append(out.Send, Sent{Link: p.link, Packet: peerwire.Packet{Type: peerwire.Snap, Zxid: z}, Snapshot: true})
	l.stream(p, z, out)
}

// stream sends the history after base, then NEWLEADER, and subscribes the learner.
// Observers are not shown what is not committed yet; it comes as INFORM.
func (l *Leader) stream(p *peer, base zk.Zxid, out *Output) {
	p.base = base
	for _, rec := range l.history.Records(base, l.committed) {
		l.send(p, peerwire.Packet{Type: peerwire.Proposal, Zxid: rec.Zxid, Data: rec.Bytes}, out)
		l.send(p, peerwire.Packet{Type: peerwire.Commit, Zxid: rec.Zxid}, out)
	}
	if !p.observer {
		for _, rec := range l.history.Records(max(base, l.committed), l.history.Last()) {
			l.send(p, peerwire.Packet{Type: peerwire.Proposal, Zxid: rec.Zxid, Data: rec.Bytes}, out)
			p.time(rec.Zxid, l.now)
		}
	}
	l.send(p, peerwire.Packet{Type: peerwire.NewLeader, Zxid: l.start(), Data: l.text}, out)
	p.stage = awaitNewLeader
	p.given = l.history.Last()
	l.extend(p)
}

// extend gives a learner the time that synchronising may take.
func (l *Leader) extend(p *peer) {
	p.deadline = l.now.Add(l.o.ticks(l.o.InitLimit + l.o.SyncLimit))
}

// onAck takes an ACK: of NEWLEADER, or of proposals. The latter may come first from
// learners of some releases (quorum.md R18); they count once the former is there,
// which says that the learner will stand for them in the next election.
func (l *Leader) onAck(p *peer, z zk.Zxid, out *Output) {
	switch {
	case !p.subscribed():
		l.close(p, out, "acknowledged %v before it was sent NEWLEADER", z)
	case z == l.start():
		if p.stage == awaitNewLeader { // else it acknowledges UPTODATE
			l.join(p, out)
		}
	case z > l.lastProposed():
		l.close(p, out, "acknowledged %v, which was not proposed (last %v)", z, l.lastProposed())
	case z.Counter() > 0:
		l.acked(p, z, out)
	}
}

// join counts a learner that has this leader's history, durably.
func (l *Leader) join(p *peer, out *Output) {
	p.stage = joined
	p.slot = 0
	p.acked = max(p.acked, p.base)
	l.extend(p)
	if l.phase == broadcasting {
		l.commit(out)
		l.release(p, out)
		return
	}
	if p.voter {
		l.confirmed[p.server] = true
	}
	l.checkConfirmed(out)
}

// checkConfirmed establishes the leader once a quorum has its history: from now on
// that history is committed (quorum.md 7.2, the NEWLEADER barrier).
func (l *Leader) checkConfirmed(out *Output) {
	if l.phase != synchronising || !l.hasQuorum(l.confirmed) {
		return
	}
	l.phase = broadcasting
	l.halves = 0
	l.nextHalf = l.now.Add(l.o.Tick / 2)
	out.Established = true
	if l.initial != 0 {
		out.Deliver = append(out.Deliver, Delivery{Commit: l.initial})
	}
	for _, p := range l.atStage(joined) {
		l.release(p, out)
	}
	if l.config.Next != nil {
		// It is part of the history, or the first of all.
		leader := l.designate()
		l.activate(leader, out)
		l.activated(leader, out)
	}
}

// release sends UPTODATE to a learner that may serve: one whose whole history is
// committed (quorum.md R25).
func (l *Leader) release(p *peer, out *Output) {
	if l.phase != broadcasting || p.stage != joined || p.base > l.committed {
		return
	}
	p.stage = serving
	p.timedSince = l.now
	l.send(p, peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1}, out)
	for _, packet := range p.held {
		l.send(p, packet, out)
	}
	p.held = nil
	out.Synced = append(out.Synced, p.server)
	l.heard(p)
}
