package zab

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// Times of a planned hand-over.
const (
	// handOverTime is how long a leader waits for what is under way to be committed, and
	// for a follower that has it all.
	handOverTime = time.Second
	// appointedTime is how long a server that was appointed waits for a quorum. Who did
	// not hear of it is looking, and cannot find it by an election.
	appointedTime = 2 * time.Second
)

// A handOver is a leadership that ends as planned.
type handOver struct {
	why      string
	leaving  bool // this server goes
	away     bool // another one is to lead
	deadline time.Time
}

// beginHandOver ends the leadership in an order in which nobody waits for an election.
// Nothing is proposed any more. When all that was is committed, and a follower has it,
// everybody is told who leads from now on: they leave, and go to it at once. It makes
// its way through discovery and synchronisation like any leader, so a hand-over that
// goes wrong costs time and no more.
//
// ZooKeeper's servers do not know HANDOVER. If it takes them to make a quorum, the
// leader ends when everything is committed, and an election follows.
func (l *Leader) beginHandOver(why string, leaving, away bool, out *Output) {
	switch {
	case l.handing != nil:
		l.handing.leaving = l.handing.leaving || leaving
		l.handing.away = l.handing.away || away
	case l.phase != broadcasting:
		l.resign(why+", before the leader was established", out)
	default:
		l.handing = &handOver{why: why, leaving: leaving, away: away, deadline: l.now.Add(handOverTime)}
	}
}

// HandingOver reports whether the leadership is about to end as planned: nothing may be
// proposed any more.
func (l *Leader) HandingOver() bool { return l.handing != nil }

// tryHandOver ends the leadership if it is time.
func (l *Leader) tryHandOver(out *Output) {
	h := l.handing
	if h == nil || l.phase != broadcasting {
		return
	}
	late := !l.now.Before(h.deadline)
	if l.committed < l.history.Last() && !late {
		return
	}
	to, wait := l.successor()
	switch {
	case l.committed < l.history.Last():
		l.resign(h.why+", and what is under way was not committed in time", out)
	case to != 0:
		l.handTo(to, out)
	case !wait || late:
		l.resign(h.why+", and nobody can take over without an election", out)
	}
}

// successor returns who leads next, 0 if there is nobody; wait says that there may be
// soon.
func (l *Leader) successor() (to zk.ServerID, wait bool) {
	able := make(map[zk.ServerID]bool)
	if !l.handing.leaving {
		able[l.o.Self] = true
	}
	for _, p := range l.order {
		if p.able && p.voter && p.stage == serving && !l.now.After(p.deadline) {
			able[p.server] = true
		}
	}
	if !l.config.ContainsQuorum(func(id zk.ServerID) bool { return able[id] }) {
		return 0, false
	}
	if !l.handing.away {
		return l.o.Self, false
	}
	for _, p := range l.order {
		if p.server == l.o.Self || !able[p.server] || l.config.Weight(p.server) == 0 {
			continue
		}
		wait = true
		if max(p.acked, p.given) >= l.history.Last() {
			to = max(to, p.server)
		}
	}
	return to, wait
}

// handTo tells everybody who leads next, and ends.
func (l *Leader) handTo(to zk.ServerID, out *Output) {
	for _, p := range slices.Clone(l.order) {
		if p.able && p.stage == serving {
			data := binary.BigEndian.AppendUint64(nil, uint64(to))
			l.send(p, peerwire.Packet{Type: peerwire.HandOver, Zxid: l.committed, Data: data}, out)
		}
	}
	l.resign(fmt.Sprintf("%s: server %d leads from now on", l.handing.why, to), out)
	out.Designated = to
}

// onHandOver leaves for the leader that was named. All that was committed came before.
func (l *Learner) onHandOver(packet *peerwire.Packet, out *Output) {
	if len(packet.Data) != 8 || packet.Zxid != l.seen {
		l.depart(out, "HANDOVER of %d bytes at %v, but the last commit was %v", len(packet.Data), packet.Zxid, l.seen)
		return
	}
	to := zk.ServerID(binary.BigEndian.Uint64(packet.Data))
	if !l.o.Config.IsVoter(to) {
		l.depart(out, "the leader hands over to server %d, which has no vote here", to)
		return
	}
	l.depart(out, "the leader hands over to server %d", to)
	out.Designated = to
}
