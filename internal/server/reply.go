package server

import (
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// keepBuffer is the largest encoding buffer that an idle connection keeps.
const keepBuffer = 512

// begin starts a reply in the connection's buffer. The caller holds mu.
func (c *conn) begin(xid int32, zxid zk.Zxid, code zk.Code) (b []byte, at int) {
	b, at = wire.BeginFrame(c.buf[:0])
	return wire.ReplyHeader{Xid: xid, Zxid: zxid, Err: code}.Append(b), at
}

// send queues a reply that begin started.
func (c *conn) send(b []byte, at int) {
	b = wire.EndFrame(b, at)
	c.sent(c.stream.Send(b))
	if c.buf = b; cap(b) > keepBuffer {
		c.buf = nil
	}
}

// reply sends a successful answer.
func (c *conn) reply(xid int32, zxid zk.Zxid, body wire.Record) {
	c.replyCode(xid, zxid, zk.OK, body)
}

// replyCode sends an answer with a body whatever the code.
func (c *conn) replyCode(xid int32, zxid zk.Zxid, code zk.Code, body wire.Record) {
	b, at := c.begin(xid, zxid, code)
	c.send(body.Append(b), at)
	c.last.answered(zxid)
}

// replyError sends an answer without a body: a refusal, or plain success.
func (c *conn) replyError(xid int32, zxid zk.Zxid, code zk.Code) {
	c.send(c.begin(xid, zxid, code))
	c.last.answered(zxid)
}

// answered counts a request that has its reply.
func (c *conn) answered(p *pendingRequest) {
	took := c.server.clock.Now().Sub(p.arrived)
	c.counts.took(took)
	c.server.counts.took(took)
}
