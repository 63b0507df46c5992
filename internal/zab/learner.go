package zab

import (
	"encoding/binary"
	"fmt"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A learnerPhase is how far a learner has come (quorum.md 4.4, 4.8).
type learnerPhase int

const (
	greeting   learnerPhase = iota // until LEADERINFO
	accepting                      // until acceptedEpoch is on disk
	choosing                       // until DIFF, TRUNC or SNAP
	truncating                     // until the history is cut
	restoring                      // until the snapshot is the durable generation
	catchingUp                     // until NEWLEADER
	settling                       // until the history, then currentEpoch, is on disk
	confirmed                      // until UPTODATE
	following                      // broadcast
	departed
)

// learnerWaits says what a learner waited for when it takes too long.
var learnerWaits = [...]string{
	greeting:   "the leader did not choose an epoch in time",
	accepting:  "the accepted epoch was not written in time",
	choosing:   "the leader did not begin to synchronise in time",
	catchingUp: "the leader went silent while synchronising",
	settling:   "the history or the current epoch was not written in time",
	confirmed:  "the leader was not established in time",
	following:  "the leader went silent",
}

// A Learner is the following half of Zab, for followers and observers (quorum.md
// 4.4, 4.8, 4.11, 4.12).
type Learner struct {
	o       Options
	link    LinkID
	history *History

	phase    learnerPhase
	now      time.Time
	deadline time.Time

	epoch    zk.Epoch // as LEADERINFO told
	snapshot bool     // synchronised by SNAP
	base     zk.Zxid  // where synchronising began: known to the leader
	seen     zk.Zxid  // COMMITs came up to here; at least base
	target   zk.Zxid  // the end of the history at NEWLEADER
	durable  zk.Zxid
	acked    zk.Zxid // proposals up to here are acknowledged or need not be
	writing  bool    // currentEpoch is being written
	cut      zk.Zxid // where TRUNC cuts

	committed zk.Zxid // delivered up to here

	config *ensemble.Config // newer than the one in force, not yet activated; or nil
}

// NewLearner begins to follow the leader at the other end of link, which is up.
func NewLearner(o Options, link LinkID, now time.Time, out *Output) *Learner {
	l := &Learner{o: o, link: link, history: o.History, now: now, durable: o.History.Last()}
	l.enter(greeting)
	info := peerwire.LearnerInfo{
		ServerID: o.Self, Protocol: peerwire.ProtocolVersion, ConfigVersion: o.Config.Version,
	}
	kind := peerwire.FollowerInfo
	if o.Observer {
		kind = peerwire.ObserverInfo
	}
	data := appendAdditions(info.Append(nil), &o)
	l.send(peerwire.Packet{Type: kind, Zxid: zk.MakeZxid(l.acceptedToTell(), 0), Data: data}, out)
	out.WakeAt = l.deadline
	return l
}

// acceptedToTell is the epoch in FOLLOWERINFO. An empty server that does not count
// says -1, unless it has promised something (quorum.md 4.4, R15).
func (l *Learner) acceptedToTell() zk.Epoch {
	if l.o.Outsider || l.o.untrusted() && l.o.Accepted <= 0 {
		return -1
	}
	return max(l.o.Accepted, 0)
}

// Epoch returns the epoch of the leader, once it told.
func (l *Learner) Epoch() zk.Epoch { return l.epoch }

// Committed returns the zxid up to which everything was delivered as committed.
func (l *Learner) Committed() zk.Zxid { return l.committed }

// Step takes one input and appends what it wants done to out, in order.
func (l *Learner) Step(now time.Time, in Input, out *Output) {
	if l.phase == departed {
		out.WakeAt = time.Time{}
		return
	}
	l.now = now
	switch in := in.(type) {
	case Tick:
		if !l.deadline.IsZero() && !now.Before(l.deadline) {
			l.depart(out, "%s", learnerWaits[l.phase])
		}
	case LinkDown:
		if in.Link == l.link {
			l.depart(out, "the link to the leader is lost: %v", in.Err)
		}
	case Received:
		if in.Link == l.link {
			l.receive(&in.Packet, out)
		}
	case Durable:
		l.onDurable(in.Zxid, out)
	case Persisted:
		l.onPersisted(in.Persist, out)
	case Truncated:
		l.onTruncated(in.Last, out)
	case SnapReceived:
		l.onSnapReceived(in.Zxid, out)
	case Failed:
		// If the history cannot be cut as the leader wants, all of it has to come
		// (quorum.md R24).
		out.NeedSnapshot = l.phase == truncating
		l.depart(out, "synchronising failed: %v", in.Err)
	}
	out.WakeAt = l.deadline
}

// enter begins a phase.
func (l *Learner) enter(p learnerPhase) {
	l.phase = p
	l.heard()
}

// heard gives the leader new time (quorum.md 4.17). How long a snapshot or a
// reload of the tree takes depends on the size of the tree: only the link can
// tell then whether the leader is there.
func (l *Learner) heard() {
	switch l.phase {
	case truncating, restoring:
		l.deadline = time.Time{}
	case following:
		l.deadline = l.now.Add(l.o.ticks(l.o.SyncLimit))
	default:
		l.deadline = l.now.Add(l.o.ticks(l.o.InitLimit))
	}
}

// depart leaves the leader.
func (l *Learner) depart(out *Output, format string, args ...any) {
	l.phase = departed
	out.StepDown = fmt.Sprintf(format, args...)
}

// send queues a packet for the leader.
func (l *Learner) send(packet peerwire.Packet, out *Output) {
	out.Send = append(out.Send, Sent{Link: l.link, Packet: packet})
}

// receive takes a packet from the leader.
func (l *Learner) receive(packet *peerwire.Packet, out *Output) {
	l.heard()
	switch l.phase {
	case greeting:
		l.onLeaderInfo(packet, out)
	case choosing:
		l.onSyncKind(packet, out)
	case accepting, truncating, restoring:
		l.depart(out, "packet of type %d came too early", packet.Type)
	case catchingUp, settling, confirmed:
		l.onSyncing(packet, out)
	case following:
		l.onBroadcast(packet, out)
	}
}

// onLeaderInfo takes the epoch that the leader chose, and promises to take part in
// no earlier one; the promise is on disk before it is given (quorum.md 4.4, R1).
func (l *Learner) onLeaderInfo(packet *peerwire.Packet, out *Output) {
	e := packet.Zxid.Epoch()
	switch {
	case packet.Type == peerwire.NewLeader:
		l.depart(out, "the leader speaks a protocol older than ZooKeeper 3.4")
	case packet.Type != peerwire.LeaderInfo || packet.Zxid.Counter() != 0 || e < 1 || e > zk.EpochMax:
		l.depart(out, "packet of type %d with %v instead of LEADERINFO", packet.Type, packet.Zxid)
	case decodeSecret(packet.Data, leaderSecretAt) != l.o.Secret:
		l.depart(out, "the leader: %s", secretsDiffer)
	case e < l.o.Accepted && !l.o.Observer:
		l.depart(out, "the leader's epoch %d is below %d, which was accepted before", e, l.o.Accepted)
	case l.ahead(e) && l.o.ByMaster:
		// It has not noticed yet that its leader is gone.
		l.depart(out, "the observer master is in epoch %d still, while the history ends with %v in epoch %d", e, l.history.Last(), l.o.Current)
	case l.ahead(e):
		l.depart(out, "the leader's epoch %d is below that of the history, %v in epoch %d", e, l.history.Last(), l.o.Current)
	case e <= l.o.Accepted:
		// Promised before: the promise must not be counted again. That of an
		// observer never was, so it does not bind it.
		l.epoch = e
		l.promise(-1, out)
	default:
		l.epoch = e
		l.enter(accepting)
		out.Persist = append(out.Persist, Persist{Kind: AcceptedEpoch, Epoch: e})
	}
}

// ahead reports whether this server has been in a later epoch than e.
func (l *Learner) ahead(e zk.Epoch) bool { return e < l.history.Last().Epoch() || e < l.o.Current }

// onPersisted goes on once an epoch is on disk.
func (l *Learner) onPersisted(p Persist, out *Output) {
	switch {
	case l.phase == accepting && p == Persist{Kind: AcceptedEpoch, Epoch: l.epoch}:
		l.o.Accepted = l.epoch
		l.promise(max(l.o.Current, 0), out)
	case l.phase == settling && p == Persist{Kind: CurrentEpoch, Epoch: l.epoch}:
		l.confirm(out)
	}
}

// promise sends ACKEPOCH: how far this server's history goes, and of which epoch it
// is; -1 for a promise that does not count. Asking for a snapshot is possible
// only then (quorum.md R24).
func (l *Learner) promise(current zk.Epoch, out *Output) {
	last := l.history.Last()
	if l.o.Outsider {
		current = -1
	}
	if l.o.untrusted() || l.o.ForceSnapshot && current == -1 {
		last, current = -1, -1
	}
	l.enter(choosing)
	l.send(peerwire.Packet{
		Type: peerwire.AckEpoch, Zxid: last,
		Data: binary.BigEndian.AppendUint32(nil, uint32(int32(current))),
	}, out)
}

// onDurable goes on once more of the history is on disk.
func (l *Learner) onDurable(z zk.Zxid, out *Output) {
	checkDurable(z, l.history)
	l.durable = max(l.durable, z)
	switch {
	case l.phase == settling:
		l.settle(out)
	case l.phase >= confirmed:
		l.acknowledge(out)
	}
}

// acknowledge sends an ACK for each proposal that is on disk now. Observers have
// no part in deciding (quorum.md 4.12).
func (l *Learner) acknowledge(out *Output) {
	if l.o.Observer || l.durable <= l.acked {
		return
	}
	for _, rec := range l.history.Records(l.acked, l.durable) {
		l.send(peerwire.Packet{Type: peerwire.Ack, Zxid: rec.Zxid}, out)
	}
	l.acked = l.durable
}
