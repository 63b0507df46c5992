package zab

import (
	"ostler/internal/ensemble"
	"ostler/internal/invariant"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// onSyncKind takes DIFF, TRUNC or SNAP (quorum.md 4.8).
func (l *Learner) onSyncKind(packet *peerwire.Packet, out *Output) {
	switch packet.Type {
	case peerwire.Diff:
		l.onDiff(out)
	case peerwire.Trunc:
		l.onTrunc(packet.Zxid, out)
	case peerwire.Snap:
		l.onSnap(packet.Zxid, out)
	case peerwire.Ping:
	default:
		l.depart(out, "packet of type %d instead of DIFF, TRUNC or SNAP", packet.Type)
	}
}

// onDiff goes on from the history that is here. The zxid of the packet is not
// adopted: only what is logged counts (quorum.md R5).
func (l *Learner) onDiff(out *Output) {
	if l.o.untrusted() || l.asked() {
		l.depart(out, "the leader sent DIFF to a server that asked for a snapshot")
		return
	}
	l.join(l.history.Last())
}

// asked reports whether a snapshot was asked for.
func (l *Learner) asked() bool { return l.o.ForceSnapshot && l.o.Accepted == l.epoch }

// onTrunc has the history cut, also when nothing seems to be above z: the link waits
// for the answer, and the disk may know more.
func (l *Learner) onTrunc(z zk.Zxid, out *Output) {
	switch {
	case l.cutsCommitted(z, out):
	case z < 0 || z > l.history.Last():
		l.depart(out, "the leader wants the history cut at %v, but it ends with %v", z, l.history.Last())
		out.NeedSnapshot = true
	default:
		l.cut = z
		l.enter(truncating)
		out.Truncate = append(out.Truncate, z)
	}
}

// cutsCommitted leaves a leader that would drop what is known to be committed: it
// may be of another ensemble (quorum.md R20).
func (l *Learner) cutsCommitted(z zk.Zxid, out *Output) bool {
	if l.o.KnownCommitted == 0 || z >= l.o.KnownCommitted {
		return false
	}
	l.depart(out, "the leader wants the history cut at %v, below %v, which is committed: "+
		"it may be the leader of another ensemble", z, l.o.KnownCommitted)
	return true
}

// onTruncated goes on once the history is cut.
func (l *Learner) onTruncated(last zk.Zxid, out *Output) {
	if l.phase != truncating {
		return
	}
	l.history.TruncateAfter(last)
	l.durable = last
	if last != l.cut {
		// The leader's transaction is not in this history, so nothing proves that
		// what is left is its beginning (quorum.md R4b).
		l.depart(out, "the history was to be cut at %v, but the last transaction before is %v", l.cut, last)
		out.NeedSnapshot = true
		return
	}
	l.join(last)
}

// onSnap waits for the stream behind SNAP.
func (l *Learner) onSnap(z zk.Zxid, out *Output) {
	if l.cutsCommitted(z, out) {
		return
	}
	if z < 0 || z.Epoch() > l.epoch {
		l.depart(out, "snapshot at %v from the leader of epoch %d", z, l.epoch)
		return
	}
	l.enter(restoring)
}

// onSnapReceived goes on from the snapshot, which replaced everything.
func (l *Learner) onSnapReceived(z zk.Zxid, out *Output) {
	if l.phase != restoring {
		return
	}
	l.history.Reset(z)
	l.durable = z
	l.snapshot = true
	l.join(z)
}

// join begins to take the leader's transactions after z.
func (l *Learner) join(z zk.Zxid) {
	l.base, l.seen, l.acked = z, z, z
	l.enter(catchingUp)
}

// onSyncing takes a packet between DIFF, TRUNC or SNAP and UPTODATE. Proposals are
// logged at once. What is committed is only noted: it is delivered when the leader
// says that this server may serve.
func (l *Learner) onSyncing(packet *peerwire.Packet, out *Output) {
	switch packet.Type {
	case peerwire.Proposal:
		l.appendProposal(packet.Zxid, packet.Data, out)
	case peerwire.Commit:
		l.note(packet.Zxid, out)
	case peerwire.CommitAndActivate:
		if l.note(packet.Zxid, out) {
			l.activate(packet.Zxid, packet.Data, out)
		}
	case peerwire.Inform, peerwire.InformAndActivate:
		l.inform(packet, out)
	case peerwire.NewLeader:
		l.onNewLeader(packet, out)
	case peerwire.UpToDate:
		l.onUpToDate(out)
	default:
		// Pings need no answer before UPTODATE (quorum.md 4.8).
	}
}

// appendProposal logs a transaction, which must continue the history without a gap
// (quorum.md R8). It reports whether it did.
func (l *Learner) appendProposal(z zk.Zxid, data []byte, out *Output) bool {
	if l.snapshot && z <= l.base && l.phase < following {
		return false // the snapshot holds it
	}
	last := l.history.Last()
	if !z.Follows(last) || z.Epoch() > l.epoch {
		l.depart(out, "the leader proposed %v after %v in epoch %d", z, last, l.epoch)
		// A leader that goes on from elsewhere may have another history: next
		// time, everything is taken from it.
		out.NeedSnapshot = z > last && l.phase < following
		return false
	}
	rec, err := txn.DecodeRecord(data)
	if err != nil {
		l.depart(out, "proposal %v cannot be read: %v", z, err)
		return false
	}
	if rec.Zxid != z {
		l.depart(out, "proposal %v holds transaction %v", z, rec.Zxid)
		return false
	}
	l.history.Append(rec)
	out.Append = append(out.Append, rec)
	return true
}

// note takes a COMMIT, which must be for the next transaction (quorum.md R10). It
// reports whether it was.
func (l *Learner) note(z zk.Zxid, out *Output) bool {
	if z <= l.base && l.phase < following {
		return false
	}
	if next := l.history.Records(l.seen, z); len(next) != 1 || next[0].Zxid != z {
		l.depart(out, "the leader committed %v, but the one to commit comes after %v", z, l.seen)
		return false
	}
	l.seen = z
	return true
}

// inform takes a transaction that is committed already; only observers get such
// (quorum.md 4.12).
func (l *Learner) inform(packet *peerwire.Packet, out *Output) bool {
	if !l.o.Observer {
		l.depart(out, "INFORM to a follower")
		return false
	}
	data := packet.Data
	activate := packet.Type == peerwire.InformAndActivate
	if activate {
		if len(data) < 8 {
			l.depart(out, "INFORMANDACTIVATE of %d bytes", len(data))
			return false
		}
		data = data[8:]
	}
	if !l.appendProposal(packet.Zxid, data, out) || !l.note(packet.Zxid, out) {
		return false
	}
	if activate {
		l.activate(packet.Zxid, packet.Data, out)
	}
	return true
}

// onNewLeader begins to settle: history first, then currentEpoch, then the ACK
// (quorum.md R2).
func (l *Learner) onNewLeader(packet *peerwire.Packet, out *Output) {
	if l.phase != catchingUp || packet.Zxid != zk.MakeZxid(l.epoch, 0) {
		l.depart(out, "NEWLEADER %v from the leader of epoch %d", packet.Zxid, l.epoch)
		return
	}
	if len(packet.Data) > 1 {
		c, err := ensemble.ParseConfig(packet.Data)
		if err != nil {
			l.depart(out, "the configuration in NEWLEADER cannot be read: %v", err)
			return
		}
		l.adopt(c)
	}
	l.target = l.history.Last()
	// What is not committed by now is a proposal under way, which needs an ACK of
	// its own.
	l.acked = l.seen
	l.enter(settling)
	l.settle(out)
}

// settle writes currentEpoch once the history up to NEWLEADER is on disk.
func (l *Learner) settle(out *Output) {
	switch {
	case l.durable < l.target || l.writing:
	case l.o.Current == l.epoch:
		l.confirm(out)
	default:
		invariant.Check(l.epoch > l.o.Current, "epoch %d comes after %d", l.epoch, l.o.Current)
		l.writing = true
		out.Persist = append(out.Persist, Persist{Kind: CurrentEpoch, Epoch: l.epoch})
	}
}

// confirm acknowledges NEWLEADER, and then what is under way.
func (l *Learner) confirm(out *Output) {
	l.o.Current = l.epoch
	l.enter(confirmed)
	l.send(peerwire.Packet{Type: peerwire.Ack, Zxid: zk.MakeZxid(l.epoch, 0)}, out)
	l.acknowledge(out)
}

// onUpToDate opens the doors: the leader is established, and everything it sent
// COMMITs for, and all before synchronising, is committed.
func (l *Learner) onUpToDate(out *Output) {
	if l.phase != confirmed {
		l.depart(out, "UPTODATE before NEWLEADER was acknowledged")
		return
	}
	l.enter(following)
	l.send(peerwire.Packet{Type: peerwire.Ack, Zxid: zk.MakeZxid(l.epoch, 0)}, out)
	out.Established = true
	l.dropProposed()
	l.activateNow(0, out)
	l.deliver(out)
}

// deliver hands everything committed to the apply loop.
func (l *Learner) deliver(out *Output) {
	if l.seen > l.committed {
		l.committed = l.seen
		out.Deliver = append(out.Deliver, Delivery{Commit: l.seen})
	}
}
