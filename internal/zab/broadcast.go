package zab

import (
	"cmp"
	"fmt"
	"slices"

	"ostler/internal/invariant"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A vote is up to where a voter has the history on disk.
type vote struct {
	server zk.ServerID
	acked  zk.Zxid
}

// propose broadcasts a transaction; the own log and the followers work on it at the
// same time.
func (l *Leader) propose(rec *txn.Record, out *Output) {
	invariant.Check(l.phase == broadcasting, "an established leader proposes")
	if l.usedUp() {
		l.resign("the counter of this epoch is used up", out)
		return
	}
	checkNext(rec.Zxid, l.NextZxid())
	l.history.Append(rec)
	out.Append = append(out.Append, rec)
	l.proposeConfig(rec)
	if l.usedUp() {
		// The next epoch begins when this is committed (quorum.md R13).
		l.beginHandOver(fmt.Sprintf("the counter of epoch %d is used up", l.epoch), false, false, out)
	}
	for _, p := range l.order {
		if p.subscribed() && !p.observer {
			l.send(p, peerwire.Packet{Type: peerwire.Proposal, Zxid: rec.Zxid, Data: rec.Bytes}, out)
			p.time(rec.Zxid, l.now)
		}
	}
}

// usedUp reports whether the last counter of the epoch was given away.
func (l *Leader) usedUp() bool {
	last := uint32(counterLast)
	if l.o.LastCounter != 0 {
		last = min(last, l.o.LastCounter)
	}
	return l.lastProposed().Counter() >= last
}

// acked records that a learner has everything up to z on disk. A server that has a
// transaction has all before it, since proposals travel a link in order.
func (l *Leader) acked(p *peer, z zk.Zxid, out *Output) {
	p.acked = max(p.acked, z)
	if p.timed != 0 && z >= p.timed {
		p.timed = 0
		if last := l.history.Last(); last > z && !p.observer {
			p.time(last, l.now)
		}
	}
	if p.stage >= joined && p.voter {
		l.commit(out)
	}
}

// commit commits what a quorum has on disk (quorum.md 4.10).
func (l *Leader) commit(out *Output) {
	if l.phase != broadcasting || l.history.Last() <= l.committed {
		return
	}
	l.votes = append(l.votes[:0], vote{l.o.Self, l.durable})
	for _, p := range l.order {
		if p.voter && p.stage >= joined {
			l.votes = append(l.votes, vote{p.server, p.acked})
		}
	}
	slices.SortFunc(l.votes, func(a, b vote) int { return cmp.Compare(b.acked, a.acked) })
	for i, v := range l.votes {
		if v.acked <= l.committed {
			return
		}
		if l.config.ContainsQuorum(func(id zk.ServerID) bool { return contains(l.votes[:i+1], id) }) || v.server == l.o.Self && l.alone() {
			l.commitTo(v.acked, out)
			return
		}
	}
}

// commitTo commits up to z, which a quorum has of each configuration that counts. A
// reconfiguration comes into force before what follows it is committed.
func (l *Leader) commitTo(z zk.Zxid, out *Output) {
	if l.pending == 0 || z < l.pending {
		l.advance(z, out)
		return
	}
	leader := l.designate()
	l.activate(leader, out)
	l.advance(l.pending, out)
	l.activated(leader, out)
	l.commit(out)
}

func contains(votes []vote, id zk.ServerID) bool {
	for _, v := range votes {
		if v.server == id {
			return true
		}
	}
	return false
}

// advance commits everything up to z, in zxid order, and answers the syncs that
// waited for it.
func (l *Leader) advance(z zk.Zxid, out *Output) {
	checkHeld(z, l.history)
	for _, rec := range l.history.Records(l.committed, z) {
		for _, p := range l.order {
			l.announce(p, rec, out)
		}
	}
	l.committed = z
	out.Deliver = append(out.Deliver, Delivery{Commit: z})
	l.answerSyncs(out)
	for _, p := range l.atStage(joined) {
		l.release(p, out)
	}
}

// announce tells a learner that rec is committed.
func (l *Leader) announce(p *peer, rec *txn.Record, out *Output) {
	switch {
	case !p.subscribed() || rec.Zxid <= p.base:
	case rec.Zxid == l.pending:
		l.announceConfig(p, rec, out)
	case p.observer:
		l.tell(p, peerwire.Packet{Type: peerwire.Inform, Zxid: rec.Zxid, Data: rec.Bytes}, out)
	default:
		l.tell(p, peerwire.Packet{Type: peerwire.Commit, Zxid: rec.Zxid}, out)
	}
}

// tell sends a commit in its place among the answers to the learner's syncs. A learner
// of ZooKeeper takes both for answers to its clients' requests in the order in which it
// passed them on, and answers nobody any more once that is broken.
func (l *Leader) tell(p *peer, packet peerwire.Packet, out *Output) {
	if len(p.syncs) > 0 && packet.Zxid > p.syncs[0] {
		p.behind = append(p.behind, packet)
		return
	}
	l.commitAt(p, packet, out)
}

// commitAt sends a commit to a follower, behind UPTODATE: between NEWLEADER and that,
// followers of ZooKeeper before 3.9.3 fail at a commit of what came before NEWLEADER,
// again and again while clients write (quorum.md 7.5, 4394).
func (l *Leader) commitAt(p *peer, packet peerwire.Packet, out *Output) {
	if p.stage < serving && !p.observer {
		p.held = append(p.held, packet)
		return
	}
	l.send(p, packet, out)
}
