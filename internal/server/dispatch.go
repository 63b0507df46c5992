package server

import (
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A class says where a request is dealt with.
type class uint8

const (
	unknown   class = iota // refused, and the connection closed
	read                   // here, in its turn
	submitted              // by the Proposer
	immediate              // here, at once
)

// classOf sorts the operations that a client may send (client-protocol.md 3.6).
// What it may not, it must not get through: check alone, and the operations that
// servers use among themselves, H4 and H5.
func classOf(op zk.OpCode) class {
	switch op {
	case zk.OpExists, zk.OpGetData, zk.OpGetACL, zk.OpGetChildren, zk.OpGetChildren2, zk.OpPing,
		zk.OpCheckWatches, zk.OpRemoveWatches, zk.OpMultiRead, zk.OpSetWatches, zk.OpSetWatches2,
		zk.OpGetEphemerals, zk.OpGetAllChildrenNumber, zk.OpAddWatch, zk.OpWhoAmI:
		return read
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData,
		zk.OpSetACL, zk.OpMulti, zk.OpReconfig, zk.OpCloseSession, zk.OpSync:
		return submitted
	case zk.OpAuth, zk.OpSASL:
		return immediate
	}
	return unknown
}

// request deals with a frame of an open connection. The body is only valid during
// the call. The caller holds mu.
func (c *conn) request(h wire.RequestHeader, body []byte) {
	p := pendingRequest{xid: h.Xid, op: h.Op, body: body, arrived: c.server.clock.Now()}
	c.last.seen(h)
	switch classOf(h.Op) {
	case immediate:
		c.authenticate(h, body)
	case submitted:
		c.submit(&p)
	case read:
		c.runReady()
		if len(c.pending) == 0 {
			c.execute(&p)
			return
		}
		p.body = append([]byte(nil), body...)
		c.push(p)
	default:
		c.replyError(h.Xid, -1, zk.Unimplemented)
		c.finish()
	}
}

// push queues a request that cannot be answered yet.
func (c *conn) push(p pendingRequest) {
	c.pending = append(c.pending, p)
	c.bytes += len(p.body)
	if p.waits {
		c.waiting++
		c.server.outstanding.Add(1)
	}
}

// submit hands a write or sync to the Proposer. Reads in front of it that could
// run are run first: they must not see it.
func (c *conn) submit(p *pendingRequest) {
	c.runReady()
	if c.phase != open {
		return
	}
	body := append([]byte(nil), p.body...)
	p.waits = true
	p.body = nil
	if p.op == zk.OpSync {
		var r wire.PathRequest
		if err := r.Decode(body); err != nil {
			p.waits, p.code = false, zk.MarshallingError
			c.push(*p)
			c.runReady()
			return
		}
		p.body = body // for the reply; the Proposer gets none
		body = nil
	}
	c.push(*p)
	c.server.o.Proposer.Submit(&Request{
		Session: zk.SessionID(c.session.Load()), Cxid: p.xid, Op: p.op, Body: body, Auth: c.identities(),
	})
}

// closing reports whether a closeSession is on its way. What is in front of it is
// still answered.
func (c *conn) closing() bool {
	n := len(c.pending)
	return n > 0 && c.pending[n-1].op == zk.OpCloseSession
}

// runReady answers what is at the front of the queue and waits for nothing. The
// caller holds mu.
func (c *conn) runReady() {
	for len(c.pending) > 0 && !c.pending[0].waits && c.phase == open {
		p := c.pop()
		if p.code != zk.OK {
			c.replyError(p.xid, c.server.tree.Load().LastZxid(), p.code)
			c.answered(&p)
			continue
		}
		c.execute(&p)
	}
}

// pop takes the oldest request off the queue.
func (c *conn) pop() pendingRequest {
	p := c.pending[0]
	c.pending[0] = pendingRequest{}
	c.pending = c.pending[1:]
	if len(c.pending) == 0 {
		c.pending = nil
	}
	c.bytes -= len(p.body)
	return p
}

// drain runs reads whose turn has come, one lock at a time so that the apply loop
// need not wait for all of them.
func (c *conn) drain() {
	for c.drainOne() {
	}
}

// drainOne runs one read; more says that there is another.
func (c *conn) drainOne() (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != open || len(c.pending) == 0 || c.pending[0].waits {
		c.draining = false
		c.release()
		return false
	}
	p := c.pop()
	if p.code != zk.OK {
		c.replyError(p.xid, c.server.tree.Load().LastZxid(), p.code)
		c.answered(&p)
	} else {
		c.execute(&p)
	}
	return true
}

// proceed lets the requests behind an answered write go on: at once if another
// write is behind them, since that must not be applied first, else on the
// drain loop.
func (c *conn) proceed() {
	if c.waiting > 0 {
		c.runReady()
	} else if len(c.pending) > 0 && !c.draining && c.phase == open {
		c.draining = true
		c.server.drainable.Put(c)
	}
	c.release()
}

// authenticate deals with auth and sasl, ahead of the queue (client-protocol.md
// 7.5, 7.7).
func (c *conn) authenticate(h wire.RequestHeader, body []byte) {
	if h.Op == zk.OpSASL {
		c.sasl(h.Xid, body)
		return
	}
	var r wire.AuthRequest
	if err := r.Decode(body); err != nil {
		c.finish() // without a reply, as ZooKeeper
		return
	}
	ids, err := c.server.o.Auth.Authenticate(r.Scheme, r.Auth, c.remote.Addr())
	if err != nil {
		c.replyError(h.Xid, 0, zk.AuthFailed)
		c.finish()
		return
	}
	c.addIdentities(ids)
	c.replyError(h.Xid, 0, zk.OK)
}

// sasl answers as a server without SASL configuration does: a null token, and
// nobody is authenticated.
func (c *conn) sasl(xid int32, body []byte) {
	var r wire.SASLToken
	if err := r.Decode(body); err != nil || r.Token == nil {
		c.finish()
		return
	}
	c.reply(xid, 0, wire.SASLToken{})
}
