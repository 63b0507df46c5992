package client

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A conn is one connection with an established session: a goroutine that reads
// and one that writes.
type conn struct {
	c       *Client
	stream  net.Conn
	timeout time.Duration
	woken   chan struct{} // of capacity 1: there is something to send

	mu       sync.Mutex
	inflight []*request // sent, oldest first
	greeting [][]byte   // to be sent before any request
	err      error      // why the connection ends
	closed   chan struct{}
}

// serve runs the connection and returns why it ended. Requests that were sent
// and not answered fail with ConnectionLoss: their outcome is unknown.
func (c *Client) serve(stream net.Conn, timeout time.Duration, readOnly bool) error {
	k := &conn{c: c, stream: stream, timeout: timeout, woken: make(chan struct{}, 1), closed: make(chan struct{})}
	state := Connected
	if readOnly {
		state = ConnectedReadOnly
	}
	c.setState(state, true)
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return ErrClosed
	}
	k.greeting = c.greeting()
	c.conn = k
	c.mu.Unlock()

	var writer sync.WaitGroup
	writer.Go(k.write)
	k.close(k.read())
	writer.Wait()

	c.mu.Lock()
	c.conn = nil
	c.mu.Unlock()
	k.mu.Lock()
	lost, err := k.inflight, k.err
	k.inflight = nil
	k.mu.Unlock()
	for _, r := range lost {
		if r.op == zk.OpCloseSession { // the end of the connection is an answer too
			r.finish(wire.ReplyHeader{}, nil, nil)
			err = ErrClosed
			continue
		}
		cause := error(zk.ConnectionLoss)
		if errors.Is(err, zk.AuthFailed) || errors.Is(err, zk.SessionExpired) {
			cause = err
		}
		r.finish(wire.ReplyHeader{}, nil, cause)
	}
	return err
}

// greeting returns the frames that restore identities and watches on a new
// connection, in the order of rule 1; mu is held.
func (c *Client) greeting() [][]byte {
	var frames [][]byte
	for _, a := range c.auths {
		body := wire.AuthRequest{Scheme: a.scheme, Auth: a.data}.Append(nil)
		frames = append(frames, frame(wire.XidAuth, zk.OpAuth, body))
	}
	for _, w := range c.watches.renew(c.last) {
		if len(w.Persistent)+len(w.PersistentRecursive) > 0 {
			frames = append(frames, frame(wire.XidSetWatches, zk.OpSetWatches2, w.Append2(nil)))
		} else {
			frames = append(frames, frame(wire.XidSetWatches, zk.OpSetWatches, w.Append(nil)))
		}
	}
	return frames
}

func frame(xid int32, op zk.OpCode, body []byte) []byte {
	dst, at := wire.BeginFrame(make([]byte, 0, wire.FrameHeaderLen+wire.RequestHeaderLen+len(body)))
	dst = wire.RequestHeader{Xid: xid, Op: op}.Append(dst)
	return wire.EndFrame(append(dst, body...), at)
}

func (k *conn) wake() {
	select {
	case k.woken <- struct{}{}:
	default:
	}
}

// close ends the connection for err, unless it has ended already.
func (k *conn) close(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return
	}
	if err == nil {
		err = zk.ConnectionLoss
	}
	k.err = err
	close(k.closed)
	k.stream.Close()
}

// write sends what is queued, and a ping when nothing was sent for a third of
// the timeout (rule 3).
func (k *conn) write() {
	idle := k.timeout / 3
	ping := time.NewTimer(idle)
	defer ping.Stop()
	out := k.next(nil)
	for {
		if len(out) > 0 {
			k.stream.SetWriteDeadline(time.Now().Add(k.timeout))
			if _, err := k.stream.Write(out); err != nil {
				k.close(fmt.Errorf("send: %w", err))
				return
			}
			ping.Reset(idle)
		}
		select {
		case <-k.closed:
			return
		case <-k.woken:
			out = k.next(out[:0])
		case <-ping.C:
			out = append(out[:0], frame(wire.XidPing, zk.OpPing, nil)...)
		}
	}
}

// batchMax is about how many bytes one write takes.
const batchMax = 64 << 10

// next appends the frames that are to be sent next, and moves their requests to
// those that wait for an answer.
func (k *conn) next(dst []byte) []byte {
	k.c.mu.Lock()
	defer k.c.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.greeting {
		dst = append(dst, f...)
	}
	k.greeting = nil
	if k.err != nil {
		return dst
	}
	queue := k.c.queue
	for len(queue) > 0 && len(dst) < batchMax {
		r := queue[0]
		queue = queue[1:]
		r.xid = k.c.nextXid(r.op)
		dst = append(dst, frame(r.xid, r.op, r.body)...)
		r.body = nil
		k.inflight = append(k.inflight, r)
	}
	if k.c.queue = queue; len(queue) > 0 {
		k.wake()
	} else {
		k.c.queue = nil
	}
	return dst
}

// nextXid returns the xid of the next request; mu is held.
func (c *Client) nextXid(op zk.OpCode) int32 {
	if op == zk.OpAuth {
		return wire.XidAuth
	}
	if c.xid++; c.xid <= 0 {
		c.xid = 1
	}
	return c.xid
}

// read takes frames from the server until the connection ends. A server that
// says nothing for two thirds of the timeout is given up.
func (k *conn) read() error {
	in := bufio.NewReader(k.stream)
	for {
		k.stream.SetReadDeadline(time.Now().Add(k.timeout * 2 / 3))
		f, err := readFrame(in, k.c.o.ReplyMax)
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		var h wire.ReplyHeader
		if err := h.Decode(f); err != nil {
			return fmt.Errorf("reply header: %w", err)
		}
		if err := k.handle(h, f[wire.ReplyHeaderLen:]); err != nil {
			return err
		}
	}
}

func (k *conn) handle(h wire.ReplyHeader, body []byte) error {
	switch h.Xid {
	case wire.XidPing, wire.XidSetWatches:
		return nil
	case wire.XidNotification:
		return k.c.notified(h, body)
	case wire.XidAuth:
		return k.authenticated(h)
	}
	r, err := k.answered(h.Xid)
	if err != nil {
		return err
	}
	if h.Zxid > 0 {
		k.c.mu.Lock()
		k.c.last = max(k.c.last, h.Zxid)
		k.c.mu.Unlock()
	}
	r.finish(h, body, nil)
	switch {
	case h.Err == zk.SessionExpired:
		return zk.SessionExpired
	case r.op == zk.OpCloseSession:
		return ErrClosed
	}
	return nil
}

// answered takes the request that a reply belongs to: the oldest that is not an
// auth, whose replies come out of turn.
func (k *conn) answered(xid int32) (*request, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, r := range k.inflight {
		if r.op == zk.OpAuth {
			continue
		}
		if r.xid != xid {
			return nil, fmt.Errorf("reply with xid %d where %d was due", xid, r.xid)
		}
		k.inflight = append(k.inflight[:i], k.inflight[i+1:]...)
		return r, nil
	}
	return nil, fmt.Errorf("reply with xid %d to no request", xid)
}

// authenticated handles the reply to an auth packet, of a call or of the
// greeting. A refusal is final for the session (rule 12).
func (k *conn) authenticated(h wire.ReplyHeader) error {
	if h.Err != zk.OK {
		return fmt.Errorf("auth: %w", zk.AuthFailed)
	}
	k.mu.Lock()
	var found *request
	for i, r := range k.inflight {
		if r.op == zk.OpAuth {
			found = r
			k.inflight = append(k.inflight[:i], k.inflight[i+1:]...)
			break
		}
	}
	k.mu.Unlock()
	if found != nil {
		found.finish(h, nil, nil)
	}
	return nil
}

// notified delivers an event of the server.
func (c *Client) notified(h wire.ReplyHeader, body []byte) error {
	var w wire.WatcherEvent
	if err := w.Decode(body); err != nil {
		return fmt.Errorf("notification: %w", err)
	}
	c.mu.Lock()
	e := Event{Type: w.Type, State: c.state, Path: c.strip(w.Path), Zxid: h.Zxid}
	c.watches.fire(w.Path, e)
	c.mu.Unlock()
	c.emit(e)
	return nil
}
