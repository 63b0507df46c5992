package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/rawclient"
)

// How long a client waits for what: between attempts to connect, and for a server
// that takes the connection and says nothing.
const (
	backOff        = 5 * time.Millisecond
	connectLimit   = 2 * time.Second
	sessionTimeout = 40 * time.Second
	idlePause      = 500 * time.Millisecond
)

// A client keeps one write under way, without a pause. When its connection breaks
// it goes to the next server at once.
type client struct {
	addrs []string
	home  int // the server where it begins, and is sent back to
	path  string
	load  *load

	// Owned by run.
	conn     *rawclient.Conn
	at       int // the server it is connected to, or tries next
	session  wire.ConnectResponse
	lastZxid zk.Zxid
	xid      int32

	goHome atomic.Bool

	mu       sync.Mutex
	acks     []ack
	attached []time.Time // when it was given its session again
	where    int         // the server of the last acknowledgement
}

// An ack is an acknowledged write.
type ack struct {
	at    time.Time
	epoch zk.Epoch // of the leader that made it
}

// A load is all clients of a cluster.
type load struct {
	clients []*client
	idle    atomic.Bool // write now and then only, so that the sessions live
	expired atomic.Int64
	stop    chan struct{}
	wg      sync.WaitGroup
}

// startLoad starts n clients of each server.
func startLoad(addrs []string, n int) *load {
	l := &load{stop: make(chan struct{})}
	for i := range n * len(addrs) {
		c := &client{addrs: addrs, home: i % len(addrs), at: i % len(addrs), path: fmt.Sprintf("/load-%03d", i), load: l}
		l.clients = append(l.clients, c)
		l.wg.Go(c.run)
	}
	return l
}

func (l *load) end() {
	close(l.stop)
	l.wg.Wait()
}

func (c *client) run() {
	for {
		select {
		case <-c.load.stop:
			c.disconnect()
			return
		default:
		}
		if c.conn == nil && !c.connect() {
			c.at = (c.at + 1) % len(c.addrs)
			time.Sleep(backOff)
			continue
		}
		if c.goHome.Load() && c.at != c.home {
			// Again and again: a server that is behind what the client has seen
			// sends it away.
			c.disconnect()
			c.at = c.home
			continue
		}
		c.goHome.Store(false)
		if !c.write() {
			c.disconnect()
			c.at = (c.at + 1) % len(c.addrs)
			continue
		}
		if c.load.idle.Load() {
			time.Sleep(idlePause)
		}
	}
}

func (c *client) disconnect() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// connect attaches the session, or makes one.
func (c *client) connect() bool {
	conn, err := rawclient.Dial(c.addrs[c.at], connectLimit)
	if err != nil {
		return false
	}
	conn.SetDeadline(time.Now().Add(connectLimit))
	password := c.session.Password
	if password == nil {
		password = make([]byte, zk.PasswordLen)
	}
	r, err := conn.Open(wire.ConnectRequest{
		Timeout: int32(sessionTimeout.Milliseconds()), LastZxid: c.lastZxid, Session: c.session.Session, Password: password, HasReadOnly: true,
	})
	if err == nil && r.Session == 0 {
		c.load.expired.Add(1)
		c.session = wire.ConnectResponse{}
	}
	if err != nil || r.Session == 0 {
		conn.Close()
		return false
	}
	c.session, c.conn = r, conn
	conn.SetDeadline(time.Now().Add(time.Hour))
	c.mu.Lock()
	c.attached = append(c.attached, time.Now())
	c.mu.Unlock()
	return true
}

// write writes once, and waits for the answer.
func (c *client) write() bool {
	code, zxid, err := c.call(zk.OpSetData, wire.SetDataRequest{Path: c.path, Data: make([]byte, *size), Version: -1})
	if err == nil && code == zk.NoNode {
		code, zxid, err = c.call(zk.OpCreate, wire.CreateRequest{Path: c.path, ACL: zk.OpenACL()})
	}
	if err != nil || code != zk.OK {
		return false
	}
	c.lastZxid = zxid
	c.mu.Lock()
	c.acks = append(c.acks, ack{time.Now(), zxid.Epoch()})
	c.where = c.at
	c.mu.Unlock()
	return true
}

func (c *client) call(op zk.OpCode, body wire.Record) (zk.Code, zk.Zxid, error) {
	c.xid++
	c.conn.Send(wire.RequestHeader{Xid: c.xid, Op: op}, body)
	if err := c.conn.Flush(); err != nil {
		return 0, 0, err
	}
	b, err := c.conn.Next()
	if err != nil {
		return 0, 0, err
	}
	var h wire.ReplyHeader
	if err := h.Decode(b); err != nil || h.Xid != c.xid {
		return 0, 0, fmt.Errorf("reply %+v to request %d: %w", h, c.xid, err)
	}
	return h.Err, h.Zxid, nil
}

// take returns what was recorded since the last take, and forgets it.
func (c *client) take() (acks []ack, attached []time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	acks, attached = c.acks, c.attached
	c.acks, c.attached = nil, nil
	return acks, attached
}

// last returns the last acknowledgement, and which server gave it; false if there
// was none since take.
func (c *client) last() (a ack, where int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.acks) == 0 {
		return ack{}, 0, false
	}
	return c.acks[len(c.acks)-1], c.where, true
}
