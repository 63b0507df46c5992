package replica

import (
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// historyBytes bounds the transactions kept in memory for learners.
const historyBytes = 64 << 20

// carryOut does what the cores asked for, in the order that zab.Output gives.
func (r *Replica) carryOut() {
	o := &r.out
	for _, p := range o.Persist {
		r.logger.put(logPersist{term: r.term, persist: p})
	}
	if len(o.Append) > 0 {
		r.logger.append(r.term, o.Append)
		for _, rec := range o.Append {
			r.bytesSince += int64(len(rec.Bytes))
		}
		r.txnsSince += len(o.Append)
	}
	for _, to := range o.Truncate {
		r.logger.put(logTruncate{term: r.term, to: to, reload: r.delivered > to})
	}
	r.send(o.Send)
	for _, c := range o.Close {
		r.closeLink(c)
	}
	for _, d := range o.Deliver {
		r.onLearnerDelivery(d)
	}
	for _, link := range o.Snapshot {
		r.applier.put(applyView{term: r.term, link: link})
	}
	if len(o.Touched) > 0 && r.prep != nil {
		r.touch(o.Touched, r.clock.Now())
	}
	for _, v := range o.Revalidate {
		r.onRevalidation(v)
	}
	for _, v := range o.Revalidated {
		r.onRevalidated(v)
	}
	for _, zxid := range o.Pings {
		r.answerPing(zxid)
	}
	if len(o.Synced) > 0 {
		r.onSynced(o.Synced)
	}
	wake := o.WakeAt
	o.Reset()
	o.WakeAt = wake
	r.trimHistory()
	r.maybeSnapshot()
	r.publish()
}

// onSynced tells of learners that are up to date, which have to be heard of more
// often from now on.
func (r *Replica) onSynced(servers []zk.ServerID) {
	for _, id := range servers {
		r.log.Info("learner is up to date", "server", int64(id), "zxid", r.history.Last())
	}
	r.hurry(r.leader.Learners())
	r.noteJoined()
}

// onDelivery passes one thing on to the apply loop.
func (r *Replica) onDelivery(d zab.Delivery) {
	switch {
	case r.activating != nil:
		r.inOrder(func() { r.onDelivery(d) })
		return
	case d.Activate != nil:
		r.beginActivation(d.Activate)
		return
	}
	if d.Commit != 0 {
		r.committed = max(r.committed, d.Commit)
		r.deliver(d.Commit)
		if r.phase == solo {
			r.answerSoloSyncs()
		}
		return
	}
	r.answerSync()
}

// answerSync answers the oldest sync.
func (r *Replica) answerSync() {
	if len(r.syncs) > 0 {
		s := r.syncs[0]
		r.syncs = r.syncs[1:]
		r.applier.put(applySynced{session: s.session, number: s.number})
	}
}

// answerSoloSyncs answers the syncs of a standalone server whose turn has come: in
// order with the writes before them, which wait for the disk.
func (r *Replica) answerSoloSyncs() {
	for len(r.syncs) > 0 && r.syncs[0].after <= r.delivered {
		r.answerSync()
	}
}

// deliver hands the records up to a zxid to the apply loop.
func (r *Replica) deliver(to zk.Zxid) {
	if to <= r.delivered {
		return
	}
	if recs := r.history.Records(r.delivered, to); len(recs) > 0 {
		r.applier.apply(recs)
		r.delivered = recs[len(recs)-1].Zxid
	}
}

// send queues packets. Copies of one packet for several links are encoded once.
func (r *Replica) send(sent []zab.Sent) {
	var last *peerwire.Packet
	var bytes []byte
	for i := range sent {
		s := &sent[i]
		l := r.links[s.Link]
		if l == nil {
			continue
		}
		if last == nil || !samePacket(last, &s.Packet) {
			last, bytes = &s.Packet, s.Packet.Append(nil)
		}
		l.SendBytes(bytes)
		if s.Snapshot {
			r.sendSnapshot(s.Link, l)
		}
	}
}

// samePacket reports whether two packets have the same bytes for sure.
func samePacket(a, b *peerwire.Packet) bool {
	return a.Type == b.Type && a.Zxid == b.Zxid && a.AuthInfo == nil && b.AuthInfo == nil &&
		len(a.Data) == len(b.Data) && (len(a.Data) == 0 && (a.Data == nil) == (b.Data == nil) ||
		len(a.Data) > 0 && &a.Data[0] == &b.Data[0])
}

// sendSnapshot streams the view that was opened for a learner.
func (r *Replica) sendSnapshot(id zab.LinkID, l *peers.Link) {
	v := r.views[id]
	if v == nil {
		l.Close()
		return
	}
	delete(r.views, id)
	// A learner says nothing while it receives a snapshot, however long it takes.
	l.SetReadTimeout(0)
	l.SendSnapshot(newSnapshotWriter(v))
}

// closeLink ends a link for the reason that the core gave.
func (r *Replica) closeLink(c zab.Closed) {
	l := r.links[c.Link]
	if l == nil {
		return
	}
	r.log.Warn("link closed", "addr", l.Remote(), "reason", c.Reason)
	delete(r.links, c.Link)
	r.publishLinks()
	r.noteParted(c.Link)
	if c.Flush {
		l.Finish()
	} else {
		l.Close()
	}
}

// linkOwner tells the replica loop what its links deliver.
type linkOwner struct {
	r        *Replica
	toLeader bool
}

func (o linkOwner) Packet(l *peers.Link, p peerwire.Packet, size int) {
	o.r.inbox.Put(evPacket{l, p, size})
}

func (o linkOwner) Down(l *peers.Link, err error) { o.r.inbox.Put(evLinkDown{l, err}) }
