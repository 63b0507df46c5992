package zab

import (
	"encoding/binary"

	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// onInfo takes an observer's introduction, and offers the epoch at once: it has been
// chosen long ago (quorum.md 4.3, 4.18).
func (r *Relay) onInfo(p *peer, packet *peerwire.Packet, out *Output) {
	if packet.Type != peerwire.ObserverInfo {
		r.close(p, out, "first packet has type %d; only observers may follow a follower", packet.Type)
		return
	}
	info, err := peerwire.DecodeLearnerInfo(packet.Data)
	if err != nil {
		r.close(p, out, "learner info cannot be read: %v", err)
		return
	}
	offer := leaderInfo(r.start(), r.o.Secret)
	switch {
	case len(packet.Data) < 20 || info.Protocol < peerwire.ProtocolVersion:
		r.close(p, out, "server %d speaks a protocol older than ZooKeeper 3.4", info.ServerID)
	case decodeSecret(packet.Data, learnerSecretAt) != r.o.Secret:
		if decodeSecret(packet.Data, learnerSecretAt) != 0 {
			r.send(p, offer, out) // so that it knows too
		}
		r.close(p, out, "server %d: %s", info.ServerID, secretsDiffer)
		out.Close[len(out.Close)-1].Flush = true
	case info.ConfigVersion > r.config.Version:
		r.close(p, out, "server %d has configuration %x, which is newer than %x here",
			info.ServerID, info.ConfigVersion, r.config.Version)
	case info.ServerID == r.o.Self || r.linked(info.ServerID):
		r.close(p, out, "server %d is connected already: two servers may have the same id", info.ServerID)
	default:
		p.server = info.ServerID
		p.stage = awaitPromise
		r.send(p, offer, out)
	}
}

func (r *Relay) linked(id zk.ServerID) bool {
	for _, p := range r.order {
		if p.stage != awaitInfo && p.server == id {
			return true
		}
	}
	return false
}

// onPromise takes ACKEPOCH, and synchronises.
func (r *Relay) onPromise(p *peer, packet *peerwire.Packet, out *Output) {
	if len(packet.Data) < 4 {
		r.close(p, out, "ACKEPOCH has no epoch")
		return
	}
	p.zxid = packet.Zxid
	p.current = zk.Epoch(int32(binary.BigEndian.Uint32(packet.Data)))
	if e := r.past.epoch; p.zxid.Epoch() > e || p.current > e {
		r.close(p, out, "its history ends with %v in epoch %d, beyond epoch %d here: its directory belongs "+
			"to another ensemble, or this server's leader is not the newest", p.zxid, p.current, e)
		return
	}
	r.synchronise(p, out)
}

// plan is past.plan, but what comes after the history here may well be committed.
func (r *Relay) plan(z zk.Zxid) syncPlan {
	last := r.past.history.Last()
	if z > last && z.Counter() > 0 && z.Epoch() == r.past.epoch {
		return syncPlan{reason: "it is ahead of this follower"}
	}
	plan := r.past.plan(z)
	if plan.kind == peerwire.Trunc && plan.base > r.committed {
		return syncPlan{reason: "this follower does not know yet where to cut its history"}
	}
	return plan
}

// synchronise brings an observer to what is committed here, and subscribes it.
func (r *Relay) synchronise(p *peer, out *Output) {
	plan := r.plan(p.zxid)
	if plan.kind != 0 && !admit(p, plan.kind, r.order, &r.o) {
		r.close(p, out, syncsFull)
		return
	}
	switch plan.kind {
	case peerwire.Diff:
		r.send(p, peerwire.Packet{Type: peerwire.Diff, Zxid: max(r.committed, plan.base)}, out)
		r.stream(p, plan.base, out)
	case peerwire.Trunc:
		r.send(p, peerwire.Packet{Type: peerwire.Trunc, Zxid: plan.base}, out)
		r.stream(p, plan.base, out)
	case peerwire.Snap:
		p.stage, p.snapshot = awaitSnapshot, true
		r.extend(p)
		out.Snapshot = append(out.Snapshot, p.link)
	default:
		r.close(p, out, "%s", plan.reason)
	}
}

// sendSnapshot sends the view that was opened at z, and what came after it.
func (r *Relay) sendSnapshot(p *peer, z zk.Zxid, out *Output) {
	z = r.past.upTo(z)
	if z < r.past.history.Floor() || z > r.committed {
		r.close(p, out, "the history after the snapshot at %v is not in memory any more", z)
		return
	}
	out.Send = append(out.Send, Sent{Link: p.link, Packet: peerwire.Packet{Type: peerwire.Snap, Zxid: z}, Snapshot: true})
	r.stream(p, z, out)
}

// stream sends what is committed after base, then NEWLEADER with the configuration in
// force: one that is proposed comes with its transaction.
func (r *Relay) stream(p *peer, base zk.Zxid, out *Output) {
	p.base = base
	for _, rec := range r.past.history.Records(base, r.committed) {
		r.send(p, peerwire.Packet{Type: peerwire.Proposal, Zxid: rec.Zxid, Data: rec.Bytes}, out)
		r.send(p, peerwire.Packet{Type: peerwire.Commit, Zxid: rec.Zxid}, out)
	}
	r.send(p, peerwire.Packet{Type: peerwire.NewLeader, Zxid: r.start(), Data: r.config.Text()}, out)
	p.stage = awaitNewLeader
	r.extend(p)
}

// onAck takes the ACK of NEWLEADER, or of UPTODATE. There are no others from observers.
func (r *Relay) onAck(p *peer, z zk.Zxid, out *Output) {
	switch {
	case !p.subscribed():
		r.close(p, out, "acknowledged %v before it was sent NEWLEADER", z)
	case z != r.start():
		r.close(p, out, "acknowledged %v, but observers acknowledge no transactions", z)
	case p.stage == awaitNewLeader:
		p.stage, p.slot = joined, 0
		r.extend(p)
		r.release(p, out)
	}
}

// release sends UPTODATE to an observer whose whole history is committed (quorum.md R25).
func (r *Relay) release(p *peer, out *Output) {
	if p.stage != joined || p.base > r.committed {
		return
	}
	p.stage = serving
	r.send(p, peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1}, out)
	out.Synced = append(out.Synced, p.server)
	r.heard(p)
}

// delivered passes on what the leader said.
func (r *Relay) delivered(d Delivery, out *Output) {
	switch {
	case d.Activate != nil:
		r.config, r.activated = d.Activate.Config, d.Activate
	case d.Sync:
		r.synced(out)
	default:
		r.commitTo(d.Commit, out)
	}
}

// commitTo tells the observers of everything up to z.
func (r *Relay) commitTo(z zk.Zxid, out *Output) {
	for _, rec := range r.past.history.Records(r.committed, z) {
		packet := r.inform(rec)
		for _, p := range r.order {
			if p.subscribed() && rec.Zxid > p.base {
				r.send(p, packet, out)
				r.forwarded = rec.Zxid
			}
		}
		if rec.Type == zk.OpCloseSession {
			delete(r.owners, rec.Session)
		}
	}
	r.committed = max(r.committed, z)
	for _, p := range r.order {
		r.release(p, out)
	}
}

// inform is the packet for a committed transaction.
func (r *Relay) inform(rec *txn.Record) peerwire.Packet {
	a := r.activated
	if a == nil || zk.Zxid(a.Config.Version) != rec.Zxid {
		return peerwire.Packet{Type: peerwire.Inform, Zxid: rec.Zxid, Data: rec.Bytes}
	}
	r.activated = nil
	data := binary.BigEndian.AppendUint64(nil, uint64(a.Leader))
	return peerwire.Packet{Type: peerwire.InformAndActivate, Zxid: rec.Zxid, Data: append(data, rec.Bytes...)}
}
