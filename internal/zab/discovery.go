package zab

import (
	"encoding/binary"
	"fmt"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// connect counts a voter that told its accepted epoch. The new epoch is above all
// that were told (quorum.md 4.9, getEpochToPropose).
func (l *Leader) connect(id zk.ServerID, accepted zk.Epoch, out *Output) {
	l.epoch = max(l.epoch, accepted+1)
	if !l.config.IsVoter(id) {
		return
	}
	l.connected[id] = true
	if !l.hasQuorum(l.connected) {
		return
	}
	if l.epoch > zk.EpochMax {
		l.resign("the last epoch there can be is used up", out)
		return
	}
	l.number()
	l.enter(promising)
	out.Persist = append(out.Persist, Persist{Kind: AcceptedEpoch, Epoch: l.epoch})
}

// onLooking gives up a leadership that a server which voted for it does not join: it may
// have changed its mind, and waiting for a quorum could be in vain
// (leader.maxTimeToWaitForEpoch, quorum.md 4.9).
func (l *Leader) onLooking(id zk.ServerID, out *Output) {
	if l.phase == discovering && l.now.Sub(l.began) > l.o.EpochWait && !l.connected[id] {
		l.resign(fmt.Sprintf("server %d, which elected this one, is looking for a leader again", id), out)
	}
}

// persisted goes on once an epoch is on disk.
func (l *Leader) persisted(p Persist, out *Output) {
	switch {
	case l.phase == promising && p == Persist{Kind: AcceptedEpoch, Epoch: l.epoch}:
		l.enter(electing)
		l.promised[l.o.Self] = true
		for _, p := range l.atStage(awaitEpoch) {
			l.offer(p, out)
		}
		l.checkPromised(out)
	case l.phase == adopting && p == Persist{Kind: CurrentEpoch, Epoch: l.epoch}:
		l.enter(synchronising)
		l.confirmed[l.o.Self] = true
		for _, p := range l.atStage(awaitSync) {
			l.synchronise(p, out)
		}
		l.checkConfirmed(out)
	}
}

// atStage returns the learners at a stage, in a slice that stays as it is while
// learners move on.
func (l *Leader) atStage(s stage) []*peer {
	var at []*peer
	for _, p := range l.order {
		if p.stage == s {
			at = append(at, p)
		}
	}
	return at
}

// onInfo takes a learner's introduction (quorum.md 4.3).
func (l *Leader) onInfo(p *peer, packet *peerwire.Packet, out *Output) {
	if packet.Type != peerwire.FollowerInfo && packet.Type != peerwire.ObserverInfo {
		l.close(p, out, "first packet has type %d", packet.Type)
		return
	}
	info, err := peerwire.DecodeLearnerInfo(packet.Data)
	if err != nil {
		l.close(p, out, "learner info cannot be read: %v", err)
		return
	}
	accepted := packet.Zxid.Epoch()
	switch {
	case len(packet.Data) < 20 || info.Protocol < peerwire.ProtocolVersion:
		// It would make no promise (quorum.md 4.21, R20).
		l.close(p, out, "server %d speaks a protocol older than ZooKeeper 3.4", info.ServerID)
	case decodeSecret(packet.Data, learnerSecretAt) != l.o.Secret:
		l.refuseSecret(p, packet, info.ServerID, out)
	case info.ConfigVersion > l.config.Newest().Version:
		l.close(p, out, "server %d has configuration %x, which is newer than %x here",
			info.ServerID, info.ConfigVersion, l.config.Newest().Version)
	case info.ServerID == l.o.Self || l.linked(info.ServerID):
		// Two disks must never count as one voter by turns (quorum.md R17).
		l.close(p, out, "server %d is connected already: two servers may have the same id", info.ServerID)
	case accepted >= zk.EpochMax:
		l.close(p, out, "server %d accepted epoch %d, the last there can be", info.ServerID, accepted)
	default:
		p.server = info.ServerID
		p.observer = packet.Type == peerwire.ObserverInfo
		p.voter = !p.observer && l.config.IsVoter(p.server)
		p.accepted = accepted
		p.current, p.burnt = decodeBurnt(packet.Data)
		p.able = decodeAddition(packet.Data, abilitiesAt)&canHandOver != 0
		p.stage = awaitEpoch
		l.introduced(p, out)
	}
}

// introduced counts a learner or, when the epoch is chosen, offers it.
func (l *Leader) introduced(p *peer, out *Output) {
	switch {
	case l.phase > promising:
		l.offer(p, out)
	case l.phase != discovering || p.accepted < 0:
		// An empty server that is not trusted says -1 and does not count
		// (quorum.md R15).
	case p.voter:
		l.connect(p.server, p.accepted, out)
	default:
		if _, member := l.config.Members[p.server]; member {
			l.epoch = max(l.epoch, p.accepted+1)
		}
	}
}

// linked reports whether a server has a link.
func (l *Leader) linked(id zk.ServerID) bool {
	for _, p := range l.order {
		if p.stage != awaitInfo && p.server == id {
			return true
		}
	}
	return false
}

// offer sends LEADERINFO. The epoch is on this server's disk by now.
func (l *Leader) offer(p *peer, out *Output) {
	switch {
	case l.phase == resigned:
		return
	case p.accepted <= l.epoch || p.observer:
	case p.voter && p.burnt && p.current <= l.epoch:
		// Promising as much as it did makes the next epoch high enough at once.
		out.Persist = append(out.Persist, Persist{Kind: AcceptedEpoch, Epoch: p.accepted})
		l.resign(fmt.Sprintf("server %d promised epoch %d to a leader that was never established, and can only "+
			"follow a later one than %d", p.server, p.accepted, l.epoch), out)
		return
	default:
		l.close(p, out, "it accepted epoch %d, above %d here: its directory belongs to another ensemble, "+
			"or it can join after the next election", p.accepted, l.epoch)
		return
	}
	p.stage = awaitPromise
	l.send(p, leaderInfo(l.start(), l.o.Secret), out)
}

// onPromise takes ACKEPOCH (quorum.md 4.9, waitForEpochAck).
func (l *Leader) onPromise(p *peer, packet *peerwire.Packet, out *Output) {
	if len(packet.Data) < 4 {
		l.close(p, out, "ACKEPOCH has no epoch")
		return
	}
	p.zxid = packet.Zxid
	p.current = zk.Epoch(int32(binary.BigEndian.Uint32(packet.Data)))
	if p.zxid.Epoch() > l.epoch || p.current > l.epoch {
		// At any time, not only while a quorum is gathered (quorum.md R20).
		l.close(p, out, "its history ends with %v in epoch %d, beyond this leader's epoch %d: "+
			"its directory belongs to another ensemble, or to a later time", p.zxid, p.current, l.epoch)
		return
	}
	p.stage = awaitSync
	if l.phase == electing && p.current != -1 {
		if p.current > l.current || p.current == l.current && l.past().place(p.zxid) > l.history.Last() {
			l.close(p, out, "its history, %v in epoch %d, is newer than this leader's, %v in epoch %d",
				p.zxid, p.current, l.history.Last(), l.current)
			return
		}
		if p.voter && p.zxid != -1 {
			l.promised[p.server] = true
		}
	}
	if l.phase >= synchronising {
		l.synchronise(p, out)
		return
	}
	l.checkPromised(out)
}

// checkPromised goes on once a quorum promised the epoch.
func (l *Leader) checkPromised(out *Output) {
	if l.phase == electing && l.hasQuorum(l.promised) {
		l.enter(adopting)
		out.Persist = append(out.Persist, Persist{Kind: CurrentEpoch, Epoch: l.epoch})
	}
}
