package server

import (
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// Fire is given to tree.Apply: it tells watchers of a change, under the locks of
// the paths concerned.
func (s *Server) Fire(c tree.Change) {
	switch c.Kind {
	case tree.Created:
		s.watches.FireCreated(c.Path, c.Parent, c.Zxid, c.ACL, c.ParentACL)
	case tree.Deleted:
		s.watches.FireDeleted(c.Path, c.Parent, c.Zxid, c.ACL, c.ParentACL)
	case tree.DataChanged:
		s.watches.FireDataChanged(c.Path, c.Zxid, c.ACL)
	}
}

// Applied answers the request that became rec if it came in here, and ends
// connections whose session rec ends.
func (s *Server) Applied(rec *txn.Record, res *tree.Result) {
	if rec.Type == zk.OpCreateSession {
		s.settle(rec.Session, true)
		s.upgraded(rec.Session)
		return
	}
	s.mu.Lock()
	c := s.attached[rec.Session]
	fresh := s.connecting[rec.Session]
	s.mu.Unlock()
	if c != nil && c.applied(rec, res) {
		s.detach(c)
	}
	if fresh != nil && rec.Type == zk.OpError && fresh.creates.Load() {
		s.settle(rec.Session, false) // createSession itself was refused
	}
}

// applied answers a request of the connection. gone says that the connection has
// come to its end.
func (c *conn) applied(rec *txn.Record, res *tree.Result) (gone bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != open {
		return false
	}
	p, mine := c.take(rec.Cxid, rec.Type)
	switch {
	case rec.Type == zk.OpCloseSession && !mine:
		c.end(closed) // expired
		c.stream.Close()
		return true
	case !mine:
		return false
	case rec.Type == zk.OpError && res.Code == zk.SessionMoved:
		c.end(closed) // without a reply (2.12)
		c.stream.Close()
		return true
	}
	c.replyWrite(&p, rec, res)
	c.answered(&p)
	if rec.Type == zk.OpCloseSession {
		c.finish()
		return true
	}
	c.proceed()
	return false
}

// take finds the waiting request that became a transaction and takes it off
// the queue. What it does not know came in through an earlier connection of the
// session.
func (c *conn) take(cxid int32, op zk.OpCode) (pendingRequest, bool) {
	c.runReady()
	if len(c.pending) == 0 {
		return pendingRequest{}, false
	}
	p := c.pending[0]
	if !p.waits || p.xid != cxid || !becomes(p.op, op) {
		return pendingRequest{}, false
	}
	c.pop()
	c.waiting--
	return p, true
}

// becomes reports whether a request may become a transaction of a type: create and
// its kin keep the type that fits the node, and what is refused is an error.
func becomes(request, logged zk.OpCode) bool {
	switch request {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		switch logged {
		case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
			return true
		}
	}
	return request == logged || logged == zk.OpError
}

// replyWrite encodes the answer to a write.
func (c *conn) replyWrite(p *pendingRequest, rec *txn.Record, res *tree.Result) {
	if res.Code != zk.OK && p.op != zk.OpMulti || rec.Type == zk.OpError {
		c.replyError(p.xid, rec.Zxid, res.Code)
		return
	}
	switch p.op {
	case zk.OpCreate:
		c.reply(p.xid, rec.Zxid, wire.PathResponse{Path: res.Path})
	case zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		c.reply(p.xid, rec.Zxid, wire.Create2Response{Path: res.Path, Stat: res.Stat})
	case zk.OpSetData, zk.OpSetACL:
		c.reply(p.xid, rec.Zxid, wire.StatResponse{Stat: res.Stat})
	case zk.OpReconfig:
		r := wire.GetDataResponse{Stat: res.Stat}
		if body, ok := rec.Body.(*txn.SetData); ok {
			r.Data = body.Data
		}
		c.reply(p.xid, rec.Zxid, r)
	case zk.OpMulti:
		c.reply(p.xid, rec.Zxid, multiResponse(res))
	default: // delete, closeSession
		c.replyError(p.xid, rec.Zxid, zk.OK)
	}
}

// multiResponse translates the results of a multi (client-protocol.md 6.2).
func multiResponse(res *tree.Result) wire.MultiResponse {
	r := wire.MultiResponse{Results: make([]wire.MultiResult, len(res.Multi))}
	for i, op := range res.Multi {
		r.Results[i] = wire.MultiResult{Op: wire.ResultOp(op.Op), Code: op.Code, Path: op.Path, Stat: op.Stat}
	}
	return r
}

// Synced completes the sync with that number, in its turn: the session's writes in
// front of it may still be under way (client-protocol.md 9.7).
func (s *Server) Synced(id zk.SessionID, number uint64) {
	s.settled(id, number, zk.OK)
}

// Refused completes the request with that number, which was not passed on, in its
// turn. It may be called from any loop.
func (s *Server) Refused(id zk.SessionID, number uint64, code zk.Code) {
	s.settled(id, number, code)
}

// settled ends the wait of the request with that number.
func (s *Server) settled(id zk.SessionID, number uint64, code zk.Code) {
	s.mu.Lock()
	c := s.attached[id]
	s.mu.Unlock()
	if c != nil {
		c.settled(number, code)
	}
}

func (c *conn) settled(number uint64, code zk.Code) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != open {
		return
	}
	for i := range c.pending {
		p := &c.pending[i]
		if p.waits && p.number == number {
			p.waits, p.code = false, code
			c.waiting--
			break
		}
	}
	c.proceed()
}
