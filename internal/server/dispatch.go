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
	p := pendingRequest{xid: h.Xid, op: h.Op, body: body, ids: c.identities(), arrived: c.arrival()}
	c.last.seen(h)
	where := classOf(h.Op)
	if where != immediate && !c.admitted(h.Xid) {
		return
	}
	switch where {
	case immediate:
		c.authenticate(h, body)
	case submitted:
		if c.refusedEarly(&p) {
			return
		}
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
	p.charge, c.taking = c.taking, charge{}
	c.pending = append(c.pending, p)
	c.bytes += len(p.body) + len(p.args)
	c.server.outstanding.Add(1)
	if p.xid > 0 {
		c.counted++
	}
	if p.waits {
		c.waiting++
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
	p.body = nil
	if c.limited && p.op != zk.OpCloseSession {
		p.code = zk.NotReadOnly // (2.14)
		c.push(*p)
		c.runReady()
		return
	}
	if p.op == zk.OpSync {
		var r wire.PathRequest
		if err := r.Decode(body); err != nil {
			p.code = zk.MarshallingError
			c.push(*p)
			c.runReady()
			return
		}
		p.body = body // for the reply; the Proposer gets none
		body = nil
	}
	local, done := c.submitLocal(p, body)
	if done {
		return
	}
	p.waits, p.number, p.args, p.local = true, c.server.submitted.Add(1), body, local
	c.push(*p)
	c.propose(p)
}

// propose hands a request that waits to the Proposer. The caller holds mu.
func (c *conn) propose(p *pendingRequest) {
	c.server.o.Proposer.Submit(&Request{
		Session: zk.SessionID(c.session.Load()), Cxid: p.xid, Number: p.number, Op: p.op, Body: p.args, Auth: p.ids, Local: p.local,
		Term: c.term,
	})
}

// closing reports whether a closeSession is on its way. What is in front of it is
// still answered.
func (c *conn) closing() bool {
	n := len(c.pending)
	return n > 0 && c.pending[n-1].op == zk.OpCloseSession
}

// syncing reports whether a sync is on its way. While it is, nothing comes behind it:
// it is answered once a quorum has confirmed the leader, and a write behind it could
// be applied before.
func (c *conn) syncing() bool {
	n := len(c.pending)
	return n > 0 && c.pending[n-1].waits && c.pending[n-1].op == zk.OpSync
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
	c.bytes -= len(p.body) + len(p.args)
	c.server.outstanding.Add(-1)
	if p.xid > 0 {
		c.counted--
	}
	c.discharge(p.charge)
	return p
}

// drain runs reads whose turn has come, one lock at a time so that the apply loop
// need not wait for all of them.
func (c *conn) drain() {
	for c.drainOne() {
	}
	if c.over() {
		c.server.detach(c)
	}
}

// over reports whether the connection has come to its end.
func (c *conn) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase >= ending
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
