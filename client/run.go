package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// pauseMax is the longest pause before another round over the servers.
const pauseMax = time.Second

// errNotServing says that a server accepted the connection and closed it: it
// has no quorum, or has seen less than this session.
var errNotServing = errors.New("server is not serving")

// run keeps the session connected until it ends.
func (c *Client) run() {
	defer close(c.done)
	patience := c.o.Patience
	for c.ctx.Err() == nil {
		addr, lastOfRound := c.servers.take()
		began := time.Now()
		established, err := c.attempt(addr)
		switch {
		case errors.Is(err, ErrClosed):
			return // Close or Abandon does the rest
		case errors.Is(err, zk.SessionExpired):
			c.end(Expired)
			return
		case errors.Is(err, zk.AuthFailed):
			c.end(AuthRefused)
			return
		case established:
			patience = c.o.Patience
			c.setState(Disconnected, true)
			if time.Since(began) < pauseMax { // a server that drops everyone
				c.pause()
			}
			continue
		case errors.Is(err, errNotServing):
			patience = max(c.o.Patience, c.o.Timeout/3)
		}
		if !lastOfRound {
			continue
		}
		c.expireQueue(patience)
		patience = c.o.Patience
		c.pause()
	}
}

// pause waits for a random while, so that clients do not all come back at once.
func (c *Client) pause() {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(pauseMax)/2)) + pauseMax/20)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
	}
}

// attempt connects to addr and serves the connection until it ends.
// established tells whether it got as far as a session.
func (c *Client) attempt(addr string) (established bool, err error) {
	limit := max(c.o.Timeout/time.Duration(len(c.servers.addrs)), time.Second)
	ctx, cancel := context.WithTimeout(c.ctx, limit)
	defer cancel()
	stream, err := c.o.Dial(ctx, addr)
	if err != nil {
		return false, fmt.Errorf("dial %s: %w", addr, err)
	}
	defer stream.Close()
	stop := context.AfterFunc(c.ctx, func() { stream.SetDeadline(time.Unix(1, 0)) })
	granted, readOnly, err := c.handshake(stream, time.Now().Add(limit))
	stop()
	if err != nil {
		return false, fmt.Errorf("connect to %s: %w", addr, err)
	}
	return true, c.serve(stream, granted, readOnly)
}

// handshake asks for the session (client-protocol.md 2.1, 2.2).
func (c *Client) handshake(stream net.Conn, deadline time.Time) (granted time.Duration, readOnly bool, err error) {
	stream.SetDeadline(deadline)
	c.mu.Lock()
	asked := wire.ConnectRequest{
		LastZxid: c.last, Timeout: int32(c.o.Timeout.Milliseconds()),
		Session: c.session, Password: c.password, ReadOnly: c.o.ReadOnly, HasReadOnly: true,
	}
	if c.readOnly { // only servers with a quorum know sessions (rule 1)
		asked.Session, asked.Password = 0, make([]byte, zk.PasswordLen)
	}
	c.mu.Unlock()
	if _, err := stream.Write(wire.AppendFrame(nil, asked.Append(nil))); err != nil {
		return 0, false, err
	}
	frame, err := readFrame(stream, c.o.ReplyMax)
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", errNotServing, err)
	}
	var got wire.ConnectResponse
	if err := got.Decode(frame); err != nil {
		return 0, false, fmt.Errorf("connect response: %w", err)
	}
	if got.Timeout <= 0 || got.Session == 0 {
		return 0, false, zk.SessionExpired
	}
	granted = time.Duration(got.Timeout) * time.Millisecond
	c.mu.Lock()
	c.session, c.password, c.timeout, c.readOnly = got.Session, got.Password, granted, got.ReadOnly
	c.mu.Unlock()
	return granted, got.ReadOnly, nil
}

// readFrame reads one frame.
func readFrame(r io.Reader, limit int) ([]byte, error) {
	head := make([]byte, wire.FrameHeaderLen)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := int32(uint32(head[0])<<24 | uint32(head[1])<<16 | uint32(head[2])<<8 | uint32(head[3]))
	if size < 0 || int(size) > limit {
		return nil, fmt.Errorf("%w: %d, limit %d", wire.ErrFrameLength, size, limit)
	}
	frame := make([]byte, size)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, err
	}
	return frame, nil
}
