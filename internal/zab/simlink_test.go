package zab

import (
	"encoding/binary"
	"fmt"
	"slices"

	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// sendPacket puts a packet on its link.
func (n *node) sendPacket(s *Sent) {
	w := n.w
	l := n.links[s.Link]
	if l == nil || l.down {
		return
	}
	p := simPacket{packet: s.Packet}
	switch s.Packet.Type {
	case peerwire.Diff:
		w.stats.diffs++
	case peerwire.Trunc:
		w.stats.truncs++
	case peerwire.Snap:
		w.stats.snaps++
		p.view, l.views = l.views[0], l.views[1:]
	case peerwire.AckEpoch:
		n.checkPromise(&s.Packet)
	case peerwire.Ack:
		n.checkAck(s.Packet.Zxid)
	}
	if s.Packet.Type != peerwire.Ping {
		to := l.learner.id
		if n == l.learner {
			to = l.leader.id
		}
		w.logf("%d->%d %s", n.id, to, packetText(&s.Packet))
	}
	last := &l.toLearner
	if n == l.learner {
		last = &l.toLeader
	}
	at := w.now.Add(w.between(w.netMin, w.netMax))
	if at.Before(*last) {
		at = *last
	}
	*last = at
	from := n
	w.at(at, func() {
		if l.down {
			return
		}
		if from == l.learner {
			l.leader.arrive(l, p)
		} else {
			l.learner.arrive(l, p)
		}
	})
}

// checkPromise checks R1 at the moment a promise leaves: it is on disk, and made to
// one leader only.
func (n *node) checkPromise(p *peerwire.Packet) {
	w := n.w
	if int32(binary.BigEndian.Uint32(p.Data)) == -1 {
		return
	}
	e := n.learner.Epoch()
	if n.accepted != e {
		w.fail("server %d promises epoch %d, but has %d on disk", n.id, e, n.accepted)
	}
	key := promiseKey{n.id, e}
	if to, ok := w.promises[key]; ok && !n.observer {
		w.fail("server %d promises epoch %d to %d and to %d", n.id, e, to, n.link.leader.id)
	}
	w.promises[key] = n.link.leader.id
}

type promiseKey struct {
	server zk.ServerID
	epoch  zk.Epoch
}

// checkAck checks INV-Z9, INV-Z10 and R2 at the moment an ACK leaves.
func (n *node) checkAck(z zk.Zxid) {
	w := n.w
	if z.Counter() > 0 {
		if !slices.ContainsFunc(n.log, func(r *txn.Record) bool { return r.Zxid == z }) {
			w.fail("server %d acknowledges %v, which is not on its disk", n.id, z)
		}
		return
	}
	e := z.Epoch()
	if n.current != e {
		w.fail("server %d acknowledges NEWLEADER %d with current epoch %d", n.id, e, n.current)
	}
	initial := w.initials[e]
	if len(n.log) < len(initial) {
		w.fail("server %d acknowledges NEWLEADER %d with %d of %d transactions", n.id, e, len(n.log), len(initial))
	}
	for i, rec := range initial {
		if n.log[i].Zxid != rec.Zxid || n.log[i].Cxid != rec.Cxid {
			w.fail("server %d acknowledges NEWLEADER %d with %v in place of %v", n.id, e, n.log[i].Zxid, rec.Zxid)
		}
	}
}

// arrive takes a packet at its end, holding it back behind a TRUNC or SNAP.
func (n *node) arrive(l *simLink, p simPacket) {
	if n.links[l.id] != l || !n.up {
		return
	}
	if l.holding && n == l.learner {
		l.held = append(l.held, p)
		return
	}
	switch p.packet.Type {
	case peerwire.Trunc, peerwire.Snap:
		l.holding = true
	}
	if p.packet.Type == peerwire.NewLeader && n == l.learner && l.leader.leader != nil {
		n.w.initials[p.packet.Zxid.Epoch()] = upTo(l.leader.recs(), l.leader.leader.initial)
	}
	if n.w.arrived != nil {
		n.w.arrived(n, l, &p.packet)
		if n.links[l.id] != l || l.down {
			return
		}
	}
	n.step(Received{Link: l.id, Packet: p.packet})
	if n != l.learner || n.learner == nil {
		return
	}
	switch {
	case p.packet.Type == peerwire.Snap && n.learner.phase == restoring:
		n.install(p.packet.Zxid, p.view)
	case l.holding && n.learner.phase != truncating && n.learner.phase != restoring:
		n.release()
	}
}

// release lets held packets come.
func (n *node) release() {
	l := n.link
	if l == nil {
		return
	}
	l.holding = false
	for len(l.held) > 0 && !l.holding && n.learner != nil {
		p := l.held[0]
		l.held = l.held[1:]
		n.arrive(l, p)
	}
}

var packetNames = map[peerwire.PacketType]string{
	peerwire.Request: "REQUEST", peerwire.Proposal: "PROPOSAL", peerwire.Ack: "ACK", peerwire.Commit: "COMMIT",
	peerwire.Ping: "PING", peerwire.Revalidate: "REVALIDATE", peerwire.Sync: "SYNC", peerwire.Inform: "INFORM",
	peerwire.NewLeader: "NEWLEADER", peerwire.FollowerInfo: "FOLLOWERINFO", peerwire.UpToDate: "UPTODATE",
	peerwire.Diff: "DIFF", peerwire.Trunc: "TRUNC", peerwire.Snap: "SNAP", peerwire.ObserverInfo: "OBSERVERINFO",
	peerwire.LeaderInfo: "LEADERINFO", peerwire.AckEpoch: "ACKEPOCH",
	peerwire.CommitAndActivate: "COMMITANDACTIVATE", peerwire.InformAndActivate: "INFORMANDACTIVATE",
	peerwire.HandOver: "HANDOVER",
}

// packetText is a packet for people.
func packetText(p *peerwire.Packet) string {
	s := fmt.Sprintf("%s %v", packetNames[p.Type], p.Zxid)
	if p.Type == peerwire.AckEpoch && len(p.Data) >= 4 {
		s += fmt.Sprintf(" current %d", int32(binary.BigEndian.Uint32(p.Data)))
	}
	return s
}
