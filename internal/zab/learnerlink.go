package zab

import "ostler/internal/peerwire"

// onBroadcast takes a packet after UPTODATE (quorum.md 4.11, 4.12).
func (l *Learner) onBroadcast(packet *peerwire.Packet, out *Output) {
	switch packet.Type {
	case peerwire.Proposal:
		if !l.o.Observer {
			l.appendProposal(packet.Zxid, packet.Data, out)
		}
	case peerwire.Commit:
		if !l.o.Observer && l.note(packet.Zxid, out) {
			l.deliver(out)
		}
	case peerwire.CommitAndActivate:
		if !l.o.Observer && l.note(packet.Zxid, out) {
			l.activate(packet.Zxid, packet.Data, out)
			l.deliver(out)
		}
	case peerwire.Inform, peerwire.InformAndActivate:
		if l.inform(packet, out) {
			l.deliver(out)
		}
	case peerwire.Sync:
		out.Deliver = append(out.Deliver, Delivery{Sync: true})
	case peerwire.Ping:
		out.Pings = append(out.Pings, packet.Zxid)
	case peerwire.Revalidate:
		l.onRevalidated(packet, out)
	case peerwire.HandOver:
		l.onHandOver(packet, out)
	default:
		// Unknown types are ignored (quorum.md 4.11).
	}
}

// onRevalidated passes on whether a session may be attached here.
func (l *Learner) onRevalidated(packet *peerwire.Packet, out *Output) {
	session, valid, err := peerwire.DecodeRevalidated(packet.Data)
	if err != nil {
		l.depart(out, "answer about a session cannot be read: %v", err)
		return
	}
	out.Revalidated = append(out.Revalidated, Revalidated{Session: session, Valid: valid})
}
