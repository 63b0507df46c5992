package server

import (
	"encoding/binary"
	"fmt"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A charge is what a request takes up of the server's limits until it is answered.
type charge struct {
	inside int // 1: it went through the gate
	large  int // bytes in the account of large requests
}

// split takes a frame off the front of b; n is 0 when it is not whole yet, or not
// welcome (client-protocol.md 1.6, operations.md 8.4). A frame that is too long is
// not answered, as its sender cannot be told apart from one that is out of step.
func (c *conn) split(b []byte) (frame []byte, n int, err error) {
	frame, n, err = wire.SplitFrame(b, c.server.limits.frame)
	switch {
	case err != nil:
		err = c.tooLong(b)
	case n > 0:
		c.announced = false
	case len(b) >= wire.FrameHeaderLen && !c.announced:
		c.announced = true
		err = c.announce(int(binary.BigEndian.Uint32(b)))
	}
	return frame, n, err
}

// tooLong says what the frame was that is refused.
func (c *conn) tooLong(b []byte) error {
	size, op := int32(binary.BigEndian.Uint32(b)), "unknown"
	if head := b[wire.FrameHeaderLen:]; len(head) >= wire.RequestHeaderLen && c.phase == open {
		var h wire.RequestHeader
		if h.Decode(head) == nil {
			op = h.Op.String()
		}
	}
	return &refusal{
		line: &c.server.rare.frame, text: "the length of a frame is out of range; for larger requests raise jute.maxbuffer on all servers and clients",
		args: []any{"op", op, "bytes", size, "jute.maxbuffer", c.server.limits.frame},
	}
}

// announce looks at the length of a request before its body is there.
func (c *conn) announce(n int) error {
	s := c.server
	if !s.large.Large(n) {
		return nil
	}
	s.largeMu.Lock()
	defer s.largeMu.Unlock()
	if !s.large.Fits(n) {
		return c.tooLarge(n)
	}
	return nil
}

// tooLarge turns a large request away. The caller holds Server.largeMu.
func (c *conn) tooLarge(n int) error {
	s := c.server
	s.counts.large.Add(1)
	return &refusal{
		line: &s.rare.large, text: "too many bytes of large requests at once (largeRequestMaxBytes)",
		args: []any{"bytes", n, "others", s.large.Used(), "largeRequestMaxBytes", s.large.Max},
	}
}

// admit asks the limits for a whole request of n bytes. What it takes up is in
// c.taking then. The caller holds mu.
func (c *conn) admit(op zk.OpCode, n int) (verdict, error) {
	c.heard.Store(true)
	s := c.server
	v, err := c.pass(op)
	if v == waits || !s.large.Large(n) {
		return v, err
	}
	s.largeMu.Lock()
	defer s.largeMu.Unlock()
	if !s.large.Take(n) {
		return waits, c.tooLarge(n)
	}
	c.taking.large = n
	return v, nil
}

// taken gives back what a request took up that was answered at once; one that was
// queued has its charge with it.
func (c *conn) taken() {
	c.discharge(c.taking)
	c.taking = charge{}
}

// discharge gives back what a request took up.
func (c *conn) discharge(k charge) {
	if k.inside > 0 {
		c.server.gate.leave(k.inside)
	}
	if k.large > 0 {
		c.server.largeMu.Lock()
		c.server.large.Release(k.large)
		c.server.largeMu.Unlock()
	}
}

// dischargeAll gives back everything when the connection ends. What it has
// submitted goes on, but nobody waits for it. The caller holds mu.
func (c *conn) dischargeAll() {
	all := c.taking
	for i := range c.pending {
		all.inside += c.pending[i].charge.inside
		all.large += c.pending[i].charge.large
	}
	c.taking = charge{}
	if c.place != nil {
		c.server.gate.giveUp(c.place)
		c.place = nil
	}
	c.discharge(all)
}

// throttled answers a request that waited too long at the gate, in its turn
// (client-protocol.md 2.16).
func (c *conn) throttled(h wire.RequestHeader) {
	c.last.seen(h)
	c.push(pendingRequest{xid: h.Xid, op: h.Op, code: zk.ThrottledOp, arrived: c.arrival()})
	c.runReady()
}

// arrival is when the request came that is being taken in.
func (c *conn) arrival() time.Time {
	if at := c.arrived; !at.IsZero() {
		c.arrived = time.Time{}
		return at
	}
	return c.server.clock.Now()
}

// oneFrame takes one request of an open connection. The caller holds mu.
func (c *conn) oneFrame(b []byte) (int, error) {
	frame, n, err := c.split(b)
	if err != nil || n == 0 {
		return 0, err
	}
	if len(frame) < wire.RequestHeaderLen {
		return 0, errFrame
	}
	var h wire.RequestHeader
	if err := h.Decode(frame); err != nil {
		return 0, fmt.Errorf("decode request header: %w", err)
	}
	v, err := c.admit(h.Op, len(frame))
	if v == waits {
		return 0, err
	}
	c.counts.received.Add(1)
	c.server.counts.received.Add(1)
	if v == late {
		c.throttled(h)
	} else {
		c.request(h, frame[wire.RequestHeaderLen:])
	}
	c.taken()
	c.holdBack()
	return n, nil
}
