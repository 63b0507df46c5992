package zab

import (
	"slices"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// onPing takes the sessions that gave a sign of life at an observer; the leader hears of
// them with this server's own (quorum.md 4.13, 4.18).
func (r *Relay) onPing(p *peer, packet *peerwire.Packet, out *Output) {
	touches, err := peerwire.DecodeTouches(packet.Data)
	if err != nil {
		r.close(p, out, "touched sessions cannot be read: %v", err)
		return
	}
	out.Touched = append(out.Touched, touches...)
}

// onRequest passes a request on to the leader. To the leader all of this follower's
// observers are one place, so that a request of one that has lost its session to another
// is dropped here (INV-S7). Its client is gone. A sync does no harm.
func (r *Relay) onRequest(p *peer, packet *peerwire.Packet, out *Output) {
	req, err := peerwire.DecodeForwardedRequest(packet.Data)
	switch {
	case err != nil:
		r.close(p, out, "request cannot be read: %v", err)
		return
	case req.Op == zk.OpSync && len(r.syncs) >= syncsMax:
		r.close(p, out, "too many syncs wait")
		return
	case req.Op == zk.OpSync:
		r.syncs = append(r.syncs, p.link)
	case req.Op == zk.OpCreateSession:
		r.owners[req.Session] = p.link
	case r.lost(req.Session, p.link):
		return
	}
	r.toLeader(*packet, out)
}

// lost reports whether a session is attached elsewhere than at link.
func (r *Relay) lost(id zk.SessionID, link LinkID) bool {
	owner, known := r.owners[id]
	return known && owner != link
}

// Lost reports whether a session that was attached at this server itself is attached at
// one of its observers now.
func (r *Relay) Lost(id zk.SessionID) bool { return r.lost(id, 0) }

// onRevalidate asks the leader about a session on behalf of an observer.
func (r *Relay) onRevalidate(p *peer, packet *peerwire.Packet, out *Output) {
	session, _, err := peerwire.DecodeRevalidate(packet.Data)
	switch {
	case err != nil:
		r.close(p, out, "session to revalidate cannot be read: %v", err)
	case len(r.asked) >= syncsMax:
		r.close(p, out, "too many sessions to revalidate")
	default:
		r.ask(question{link: p.link, session: session})
		r.toLeader(*packet, out)
	}
}

// ask notes a question to the leader. From now on the session is where it is asked for:
// what comes for it from elsewhere is late.
func (r *Relay) ask(q question) {
	r.asked = append(r.asked, q)
	r.owners[q.session] = q.link
}

func (r *Relay) toLeader(packet peerwire.Packet, out *Output) {
	out.Send = append(out.Send, Sent{Link: r.leader, Packet: packet})
}

// answered gives the leader's answer about a session to who asked first for it
// (quorum.md 4.14): answers come in the order of the questions.
func (r *Relay) answered(a Revalidated, out *Output) {
	i := slices.IndexFunc(r.asked, func(q question) bool { return q.session == a.Session })
	if i < 0 {
		return
	}
	link := r.asked[i].link
	r.asked = slices.Delete(r.asked, i, i+1)
	if !a.Valid && !r.lost(a.Session, link) {
		delete(r.owners, a.Session)
	}
	if link == 0 {
		out.Revalidated = append(out.Revalidated, a)
		return
	}
	if a.Valid {
		out.Moved = append(out.Moved, a.Session)
	}
	if p := r.peers[link]; p != nil {
		r.send(p, peerwire.Packet{
			Type: peerwire.Revalidate, Zxid: -1, Data: peerwire.AppendRevalidated(nil, a.Session, a.Valid),
		}, out)
	}
}

// synced gives the answer to the oldest sync to whose it is (quorum.md 4.16). What was
// committed before it has been told on the same link.
func (r *Relay) synced(out *Output) {
	if len(r.syncs) == 0 {
		return
	}
	link := r.syncs[0]
	r.syncs = r.syncs[1:]
	if link == 0 {
		out.Deliver = append(out.Deliver, Delivery{Sync: true})
	} else if p := r.peers[link]; p != nil {
		r.send(p, peerwire.Packet{Type: peerwire.Sync}, out)
	}
}
