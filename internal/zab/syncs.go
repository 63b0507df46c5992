package zab

import (
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// syncsMax bounds the syncs that wait.
const syncsMax = 1 << 16

// A pendingSync is answered once zxid is committed (quorum.md 4.16) and a quorum
// has been heard to follow after the sync came in (R28): then nobody can have led
// a later epoch before it.
//
// A quorum is asked by PINGs whose zxid is the negative number of the round. Every
// learner, of ZooKeeper too, echoes that number, and none answers a leader that it
// has left. One round runs at a time and serves all syncs that came before it.
type pendingSync struct {
	link  LinkID
	local bool // of the leader's own client
	zxid  zk.Zxid
	round int64
}

// sync takes a sync, of a learner's client or, without a link, of an own one.
func (l *Leader) sync(s pendingSync, out *Output) bool {
	if len(l.syncs) >= syncsMax {
		return false
	}
	s.zxid = max(l.history.Last(), l.committed)
	s.round = l.round + 1
	l.syncs = append(l.syncs, s)
	if p := l.peers[s.link]; p != nil {
		p.syncs = append(p.syncs, s.zxid)
	}
	if l.round == l.confirmedRound {
		l.beginRound(out)
	}
	return true
}

// beginRound asks everybody for a sign that they follow still.
func (l *Leader) beginRound(out *Output) {
	l.round++
	l.roundHeard = map[zk.ServerID]bool{l.o.Self: true}
	l.ping(out)
	l.closeRound(out)
}

// pingZxid is what a PING carries: the last proposal, or the round under way.
func (l *Leader) pingZxid() zk.Zxid {
	if l.round > l.confirmedRound {
		return zk.Zxid(-l.round)
	}
	return l.lastProposed()
}

// heardIn counts the answer to a PING of a round.
func (l *Leader) heardIn(p *peer, ping zk.Zxid, out *Output) {
	if !p.voter || p.stage < joined || l.round == l.confirmedRound || ping != zk.Zxid(-l.round) {
		return
	}
	l.roundHeard[p.server] = true
	l.closeRound(out)
}

// closeRound ends the round once a quorum was heard in it.
func (l *Leader) closeRound(out *Output) {
	if !l.hasQuorum(l.roundHeard) {
		return
	}
	l.confirmedRound = l.round
	l.answerSyncs(out)
	if len(l.syncs) > 0 && l.syncs[len(l.syncs)-1].round > l.round {
		l.beginRound(out)
	}
}

// answerSyncs answers those that have nothing to wait for any more, in their order.
func (l *Leader) answerSyncs(out *Output) {
	n := 0
	for n < len(l.syncs) && l.syncs[n].zxid <= l.committed && l.syncs[n].round <= l.confirmedRound {
		s := l.syncs[n]
		if s.local {
			out.Deliver = append(out.Deliver, Delivery{Sync: true})
		} else if p := l.peers[s.link]; p != nil {
			l.answerSync(p, out)
		}
		n++
	}
	l.syncs = l.syncs[n:]
}

// answerSync answers a learner's oldest sync, and sends the commits that had to wait
// behind it (quorum.md 4.16).
func (l *Leader) answerSync(p *peer, out *Output) {
	p.syncs = p.syncs[1:]
	l.send(p, peerwire.Packet{Type: peerwire.Sync}, out)
	n := 0
	for ; n < len(p.behind) && (len(p.syncs) == 0 || p.behind[n].Zxid <= p.syncs[0]); n++ {
		l.commitAt(p, p.behind[n], out)
	}
	p.behind = p.behind[n:]
}
