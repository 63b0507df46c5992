package replica

import (
	"encoding/binary"

	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/tree"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// Submit hands over a write, a sync, or the beginning or end of a session. It
// never blocks, and may be called from anywhere; the answer comes through Clients.
func (r *Replica) Submit(req *prep.Request) { r.inbox.Put(evRequest{req}) }

// Revalidate asks whether a session may be attached to this server; the answer
// comes through Clients. timeout is in ms.
func (r *Replica) Revalidate(id zk.SessionID, timeout int32) {
	r.inbox.Put(evRevalidate{id, timeout})
}

// onRequest passes a request of this server's clients on. While the server does not
// serve, its clients' connections are closed, so nobody waits for an answer; or there is
// a pause, after which the request comes again, in another term.
func (r *Replica) onRequest(req *prep.Request) {
	switch {
	case !r.serving || r.resigned() || req.Term != 0 && req.Term != r.term:
	case r.phase == learning:
		r.forward(req)
	case req.Op == zk.OpSync && r.phase == leading:
		r.syncs = append(r.syncs, pendingSync{session: req.Session, number: req.Number})
		r.stepLeader(zab.Sync{})
	case req.Op == zk.OpSync:
		r.syncs = append(r.syncs, pendingSync{req.Session, req.Number, r.history.Last()})
		r.answerSoloSyncs()
	default:
		r.propose(req, r.cfg.MyID)
	}
}

// forward sends a request to the leader (quorum.md 4.15). What cannot be decoded
// is refused here, so that no leader sees it (client-protocol.md H1).
func (r *Replica) forward(req *prep.Request) {
	if code := r.mayForward(req); code != zk.OK {
		r.o.Clients.Refused(req.Session, req.Number, code)
		return
	}
	if req.Op != zk.OpSync && req.Op != zk.OpCreateSession && r.lost(req.Session) {
		return // its connection is being closed
	}
	ids := req.Auth
	body := req.Body
	switch req.Op {
	case zk.OpSync:
		r.syncs = append(r.syncs, pendingSync{session: req.Session, number: req.Number})
		r.stepMaster(zab.Sync{})
	case zk.OpCreateSession:
		ids = nil
		body = binary.BigEndian.AppendUint32(nil, uint32(req.Timeout))
	case zk.OpCloseSession:
		body = nil
	}
	q := peerwire.ForwardedRequest{Session: req.Session, Cxid: req.Cxid, Op: req.Op, Body: body}
	r.sendLeader(peerwire.Packet{Type: peerwire.Request, Zxid: -1, Data: q.Append(nil), AuthInfo: ids})
}

// mayForward says why a request must not reach the leader. A multi that would make
// an ephemeral for a local session is the leader's to refuse (client-protocol.md 2.13).
func (r *Replica) mayForward(req *prep.Request) zk.Code {
	if code := prep.Validate(req.Op, req.Body); code != zk.OK {
		return code
	}
	if req.Local && req.Op != zk.OpMulti && prep.MakesEphemeral(req.Op, req.Body) {
		return zk.EphemeralOnLocalSession
	}
	return zk.OK
}

// onRevalidate decides about a session, or asks the leader. One that has ceased to lead
// answers neither its own clients nor learners: each would be let in, and sent away again
// a moment later, perhaps with a request under way. Their connections end with the role.
func (r *Replica) onRevalidate(id zk.SessionID, timeout int32) {
	switch {
	case !r.serving || r.resigned():
	case r.phase == learning:
		r.stepMaster(zab.Asking{Session: id})
		r.sendLeader(peerwire.Packet{Type: peerwire.Revalidate, Zxid: -1, Data: peerwire.AppendRevalidate(nil, id, timeout)})
	default:
		r.applier.put(applyRevalidated{session: id, valid: r.revalidate(id, timeout, r.cfg.MyID)})
	}
}

// onRevalidation answers a learner that asks about a session (quorum.md 4.14).
func (r *Replica) onRevalidation(v zab.Revalidation) {
	if r.resigned() {
		return
	}
	valid := r.prep != nil && r.revalidate(v.Session, v.Timeout, v.From)
	if l := r.links[v.Link]; l != nil {
		l.Send(&peerwire.Packet{Type: peerwire.Revalidate, Zxid: -1, Data: peerwire.AppendRevalidated(nil, v.Session, valid)})
	}
}

// createSessionTimeout reads the body of a forwarded createSession, ms.
func createSessionTimeout(body []byte) int32 {
	if len(body) < 4 {
		return 0
	}
	return int32(binary.BigEndian.Uint32(body))
}

// applied is the state that prep looks at below the changes under way. The tree
// may be replaced, but not while requests are prepared.
type applied struct{ a *applyLoop }

func (s applied) Info(path string) (tree.Info, bool)  { return s.a.tree().Info(path) }
func (s applied) Ephemerals(id zk.SessionID) []string { return s.a.tree().Ephemerals(id) }

func (s applied) QuotaOf(path string) (tree.Quota, bool) { return s.a.tree().QuotaOf(path) }
