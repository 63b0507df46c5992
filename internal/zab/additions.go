package zab

import (
	"encoding/binary"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// Ostler's servers tell each other more than ZooKeeper's do, behind what
// those read of the same packets (quorum.md 4.2, 9 hint 10).
const (
	burntAt         = 20 // in the learner info: the current epoch, or -1
	learnerSecretAt = 28 // in the learner info: the fingerprint of the secret, or 0
	abilitiesAt     = 36 // in the learner info: what the learner can, a bit each
	leaderSecretAt  = 4  // in LEADERINFO: the leader's
)

// canHandOver is the ability to follow, or to be, the leader that a HANDOVER names.
const canHandOver uint64 = 1

// secretsDiffer says why two servers cannot be in one ensemble: a session that moved
// from one to the other would be taken for one that has expired.
const secretsDiffer = "the other side derives session passwords in another way; session.passwordSecretFile " +
	"must hold the same secret on all members, or be set on none, and ZooKeeper's servers have none"

// appendAdditions adds Ostler's own to a learner info.
func appendAdditions(info []byte, o *Options) []byte {
	current := zk.Epoch(-1)
	if burnt := o.Accepted > o.Current && !o.untrusted(); burnt {
		current = max(o.Current, 0)
	}
	info = binary.BigEndian.AppendUint64(info, uint64(current))
	info = binary.BigEndian.AppendUint64(info, o.Secret)
	return binary.BigEndian.AppendUint64(info, canHandOver)
}

// appendSecret adds the fingerprint of the secret behind session passwords, if
// there is one.
func appendSecret(b []byte, fingerprint uint64) []byte {
	if fingerprint == 0 {
		return b
	}
	return binary.BigEndian.AppendUint64(b, fingerprint)
}

// leaderInfo offers an epoch.
func leaderInfo(start zk.Zxid, secret uint64) peerwire.Packet {
	data := binary.BigEndian.AppendUint32(nil, uint32(peerwire.ProtocolVersion))
	return peerwire.Packet{Type: peerwire.LeaderInfo, Zxid: start, Data: appendSecret(data, secret)}
}

// decodeSecret reads a fingerprint, 0 if there is none.
func decodeSecret(b []byte, at int) uint64 { return decodeAddition(b, at) }

// decodeAddition reads eight bytes, 0 if they are not there.
func decodeAddition(b []byte, at int) uint64 {
	if len(b) < at+8 {
		return 0
	}
	return binary.BigEndian.Uint64(b[at:])
}

// refuseSecret turns away a learner whose secret is not the leader's. One that has a
// secret is told the leader's fingerprint, so that it knows too; the epoch beside it is
// never promised.
func (l *Leader) refuseSecret(p *peer, packet *peerwire.Packet, id zk.ServerID, out *Output) {
	if decodeSecret(packet.Data, learnerSecretAt) != 0 {
		l.send(p, leaderInfo(zk.MakeZxid(1, 0), l.o.Secret), out)
	}
	l.close(p, out, "server %d: %s", id, secretsDiffer)
	out.Close[len(out.Close)-1].Flush = true
}

// A promise is burnt when its leader was never established: acceptedEpoch is then
// ahead of currentEpoch. Should the epoch of the leader at hand be lower, the server
// could not follow it, nor any other until the next election. So it tells its
// current epoch, and a leader that knows the addition makes room by an election. A
// server of another ensemble has a high current epoch too, and is refused.
func decodeBurnt(info []byte) (current zk.Epoch, ok bool) {
	if len(info) < burntAt+8 {
		return 0, false
	}
	current = zk.Epoch(binary.BigEndian.Uint64(info[burntAt:]))
	return current, current >= 0
}
