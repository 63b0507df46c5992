package main

import (
	"errors"
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
	session rawclient.Session
	at      int // the server it is connected to, or tries next

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
		c.session.Timeout = sessionTimeout
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
			c.session.Detach()
			return
		default:
		}
		if !c.session.Attached() && !c.connect() {
			c.at = (c.at + 1) % len(c.addrs)
			time.Sleep(backOff)
			continue
		}
		if c.goHome.Load() && c.at != c.home {
			// Again and again: a server that is behind what the client has seen
			// sends it away.
			c.session.Detach()
			c.at = c.home
			continue
		}
		c.goHome.Store(false)
		if !c.write() {
			c.session.Detach()
			c.at = (c.at + 1) % len(c.addrs)
			continue
		}
		if c.load.idle.Load() {
			time.Sleep(idlePause)
		}
	}
}

// connect attaches the session, or makes one.
func (c *client) connect() bool {
	err := c.session.Attach(c.addrs[c.at], connectLimit)
	if errors.Is(err, rawclient.ErrExpired) {
		c.load.expired.Add(1)
	}
	if err != nil {
		return false
	}
	c.mu.Lock()
	c.attached = append(c.attached, time.Now())
	c.mu.Unlock()
	return true
}

// write writes once, and waits for the answer.
func (c *client) write() bool {
	h, _, err := c.session.Call(zk.OpSetData, wire.SetDataRequest{Path: c.path, Data: make([]byte, *size), Version: -1})
	if err == nil && h.Err == zk.NoNode {
		h, _, err = c.session.Call(zk.OpCreate, wire.CreateRequest{Path: c.path, ACL: zk.OpenACL()})
	}
	if err != nil || h.Err != zk.OK {
		return false
	}
	c.mu.Lock()
	c.acks = append(c.acks, ack{time.Now(), h.Zxid.Epoch()})
	c.where = c.at
	c.mu.Unlock()
	return true
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
