package zab

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A Relay is what a follower does for observers that follow it instead of the leader
// (quorum.md 4.18, "observer master"): it brings them up to date, tells them what the
// leader commits, and passes on what they ask the leader. It begins when the follower
// is established, and ends with that role.
//
//	leader ──► Learner ──► Delivered ──► Relay ──► INFORM, SYNC …  observers
//	   ▲                                   │ ▲
//	   └──────── REQUEST, REVALIDATE ──────┘ └──── REQUEST, ACK, PING …
//
// An observer may hold more than this follower knows to be committed: it has been at
// another one. It is let in, and serves once that is committed here too; what it holds
// beyond the history here is not judged, it has to come again. All else is as at the
// leader, with what is committed in the place of what is proposed.
type Relay struct {
	o      Options
	past   past
	leader LinkID
	config *ensemble.Config // in force, the observers' too when they come

	now      time.Time
	nextHalf time.Time
	peers    map[LinkID]*peer
	order    []*peer // as they connected

	committed zk.Zxid
	forwarded zk.Zxid     // told to any observer, for PING
	activated *Activation // of the transaction that comes next

	syncs  []LinkID   // whose are on their way to the leader; 0: this server's own
	asked  []question // about sessions, on their way to the leader
	owners map[zk.SessionID]LinkID
}

// A question is one about a session; link 0 is this server itself.
type question struct {
	link    LinkID
	session zk.SessionID
}

// NewRelay begins to serve observers at a follower that is established.
func NewRelay(l *Learner, now time.Time, out *Output) *Relay {
	r := &Relay{
		o: l.o, past: past{history: l.history, epoch: l.epoch, current: l.epoch}, leader: l.link, config: l.o.Config,
		now: now, nextHalf: now.Add(l.o.Tick / 2), peers: make(map[LinkID]*peer), committed: l.committed,
		owners: make(map[zk.SessionID]LinkID),
	}
	out.WakeAt = r.nextHalf
	return r
}

// start is the zxid of NEWLEADER.
func (r *Relay) start() zk.Zxid { return zk.MakeZxid(r.past.epoch, 0) }

// Step takes one input and appends what it wants done to out, in order.
func (r *Relay) Step(now time.Time, in Input, out *Output) {
	r.now = now
	switch in := in.(type) {
	case Tick:
		r.tick(out)
	case LinkUp:
		r.linkUp(in.Link, out)
	case LinkDown:
		r.forget(r.peers[in.Link])
	case Received:
		if p := r.peers[in.Link]; p != nil {
			r.receive(p, &in.Packet, out)
		}
	case SnapshotReady:
		if p := r.peers[in.Link]; p != nil && p.stage == awaitSnapshot {
			r.sendSnapshot(p, in.Zxid, out)
		}
	case Delivered:
		r.delivered(in.Delivery, out)
	case Sync:
		r.syncs = append(r.syncs, 0)
	case Asking:
		r.ask(question{session: in.Session})
	case Revalidated:
		r.answered(in, out)
	}
	out.WakeAt = r.nextHalf
}

// linkUp admits a connection, which has to introduce itself.
func (r *Relay) linkUp(link LinkID, out *Output) {
	if len(r.order) >= linksMax {
		out.Close = append(out.Close, Closed{Link: link, Reason: "too many connections"})
		return
	}
	p := &peer{link: link, observer: true}
	r.extend(p)
	r.peers[link] = p
	r.order = append(r.order, p)
}

// close ends a link.
func (r *Relay) close(p *peer, out *Output, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if p.stage != awaitInfo {
		reason = fmt.Sprintf("observer %d: %s", p.server, reason)
	}
	out.Close = append(out.Close, Closed{Link: p.link, Reason: reason})
	r.forget(p)
}

// forget drops what is known of a link. What is on its way to the leader for it will be
// answered, and keeps its place.
func (r *Relay) forget(p *peer) {
	if p == nil {
		return
	}
	delete(r.peers, p.link)
	r.order = slices.DeleteFunc(r.order, func(o *peer) bool { return o == p })
}

func (r *Relay) send(p *peer, packet peerwire.Packet, out *Output) {
	out.Send = append(out.Send, Sent{Link: p.link, Packet: packet})
}

// receive takes a packet from an observer.
func (r *Relay) receive(p *peer, packet *peerwire.Packet, out *Output) {
	r.heard(p)
	switch {
	case p.stage == awaitInfo:
		r.onInfo(p, packet, out)
	case packet.Type == peerwire.AckEpoch && p.stage == awaitPromise:
		r.onPromise(p, packet, out)
	case packet.Type == peerwire.Ack:
		r.onAck(p, packet.Zxid, out)
	case p.stage < joined:
		r.close(p, out, "packet of type %d before it has synced", packet.Type)
	case packet.Type == peerwire.Ping:
		r.onPing(p, packet, out)
	case packet.Type == peerwire.Request:
		r.onRequest(p, packet, out)
	case packet.Type == peerwire.Revalidate:
		r.onRevalidate(p, packet, out)
	default:
		// Unknown types are ignored, as by every other server (quorum.md 4.11).
	}
}

// heard gives an observer new time, as at the leader.
func (r *Relay) heard(p *peer) {
	until := r.now.Add(r.o.ticks(r.o.SyncLimit))
	if p.stage == serving || until.After(p.deadline) {
		p.deadline = until
	}
}

// extend gives an observer the time that synchronising may take.
func (r *Relay) extend(p *peer) {
	p.deadline = r.now.Add(r.o.ticks(r.o.InitLimit + r.o.SyncLimit))
}

// tick closes the links of observers that are silent, and asks the others for a sign
// of life.
func (r *Relay) tick(out *Output) {
	if r.now.Before(r.nextHalf) {
		return
	}
	r.nextHalf = r.now.Add(r.o.Tick / 2)
	for _, p := range slices.Clone(r.order) {
		switch {
		case p.stage == joined: // it waits for us
			r.extend(p)
		case p.snapshot && p.stage < joined: // only the link can tell whether the stream makes progress
		case r.now.After(p.deadline):
			r.close(p, out, "not heard of in time")
		}
	}
	for _, p := range r.order {
		if p.subscribed() {
			r.send(p, peerwire.Packet{Type: peerwire.Ping, Zxid: r.forwarded}, out)
		}
	}
}

// Observers describes those that follow this server, in the order they connected.
func (r *Relay) Observers() iter.Seq[LearnerStatus] {
	return func(yield func(LearnerStatus) bool) {
		for _, p := range r.order {
			if p.stage == awaitInfo {
				continue
			}
			if !yield(LearnerStatus{Server: p.server, Link: p.link, Observer: true, Synced: p.stage == serving}) {
				return
			}
		}
	}
}
