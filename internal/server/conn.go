package server

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/auth"
	"ostler/internal/env"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A phase is how far a connection has come.
type phase uint8

const (
	opening    phase = iota // nothing is known of it yet
	connecting              // it waits for its session
	open                    // it has one
	ending                  // closeSession was sent, or a last answer; the rest is ignored
	closed
)

// A conn is one client connection. It is the handler of its stream and the
// watcher of its watches.
type conn struct {
	// Set when it is made.
	server *Server
	stream env.Stream
	remote netip.AddrPort
	number uint64
	since  time.Time

	// Read from anywhere.
	session atomic.Int64            // 0 until asked for
	timeout atomic.Int32            // negotiated, ms
	heard   atomic.Bool             // a frame came since the last Touched
	ids     atomic.Pointer[[]zk.ID] // identities; the list is never changed
	creates atomic.Bool             // its session is a new one
	counts  counters

	// eventMu makes adding a watch and queueing the reply one act for events.
	eventMu sync.Mutex

	mu       sync.Mutex
	phase    phase
	paused   bool // its stream is, for back-pressure
	readOnly bool // the ConnectRequest had the field readOnly
	pending  []pendingRequest
	bytes    int    // of bodies in pending
	waiting  int    // writes and syncs in pending whose end is not known
	syncs    int    // those that are syncs
	draining bool   // it is in the inbox of the drain loop
	buf      []byte // to encode replies in
	last     lastRequest
}

// A pendingRequest is one that is not answered yet.
type pendingRequest struct {
	xid     int32
	op      zk.OpCode
	waits   bool    // for the apply loop to say how it ended
	held    bool    // to be submitted once the sync in front of it is done
	code    zk.Code // of a refusal, when it no longer waits
	body    []byte  // of reads, of sync, and of what is held
	ids     []zk.ID // of the connection when the frame was read (7.5)
	arrived time.Time
}

func newConn(s *Server, stream env.Stream, number uint64) *conn {
	c := &conn{server: s, stream: stream, remote: stream.Remote(), number: number, since: s.clock.Now()}
	c.ids.Store(&[]zk.ID{auth.IPID(c.remote.Addr())})
	return c
}

// errFrame says that a frame was too short to hold a request.
var errFrame = errors.New("frame is too short")

// Data implements env.Handler.
func (c *conn) Data(b []byte) (int, error) {
	total := 0
	for {
		n, err := c.next(b[total:])
		if err != nil {
			c.server.log.Debug("connection closed", "addr", c.remote, "session", zk.SessionID(c.session.Load()), "err", err)
			c.drop()
			return total, err
		}
		if n == 0 {
			return total, nil
		}
		total += n
	}
}

// next consumes one frame, or nothing: when it is not whole yet, or not its time.
func (c *conn) next(b []byte) (int, error) {
	if word, ok := c.isWord(b); ok {
		c.word(word)
		return len(b), nil
	}
	c.mu.Lock()
	before := c.phase
	n, err := c.frame(b)
	over := before < ending && c.phase >= ending
	c.mu.Unlock()
	if over {
		c.server.detach(c)
	}
	return n, err
}

// frame does what next does. The caller holds mu.
func (c *conn) frame(b []byte) (int, error) {
	switch c.phase {
	case ending, closed:
		return len(b), nil
	case connecting:
		return 0, nil
	case opening:
		return c.first(b)
	}
	if c.paused {
		return 0, nil
	}
	if c.closing() {
		return len(b), nil // what comes behind closeSession is dropped (2.10)
	}
	frame, n, err := wire.SplitFrame(b, c.server.limits.frame)
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
	c.heard.Store(true)
	c.counts.received.Add(1)
	c.server.counts.received.Add(1)
	c.request(h, frame[wire.RequestHeaderLen:])
	c.holdBack()
	return n, nil
}

// holdBack pauses the stream while too much of it is unanswered
// (client-protocol.md 2.16). A connection without waiting requests is never
// held back, so it can always have one in.
func (c *conn) holdBack() {
	if c.phase != open || c.paused || len(c.pending) == 0 {
		return
	}
	global := c.server.outstanding.Load() > c.server.limits.outstanding
	if global || len(c.pending) >= pendingMax || c.bytes >= pendingBytes {
		c.paused = true
		c.stream.Pause(true)
	}
}

// release lets a paused stream go on when enough has been answered.
func (c *conn) release() {
	if !c.paused || c.phase != open {
		return
	}
	own := len(c.pending) <= pendingMax/2 && c.bytes <= pendingBytes/2
	global := c.server.outstanding.Load() <= c.server.limits.outstanding
	if len(c.pending) == 0 || own && global {
		c.paused = false
		c.heard.Store(true) // it could not be heard while nobody listened
		c.stream.Pause(false)
	}
}

// Writable implements env.Handler. Nothing waits for it: a client that takes too
// little is cut off.
func (c *conn) Writable() {}

// Closed implements env.Handler.
func (c *conn) Closed(err error) {
	if err != nil {
		c.server.log.Debug("connection ended", "addr", c.remote, "session", zk.SessionID(c.session.Load()), "err", err)
	}
	c.drop()
	c.server.gone(c)
}

// drop ends the connection at once. Its writes go on; nobody hears of them.
func (c *conn) drop() {
	c.mu.Lock()
	c.end(closed)
	c.mu.Unlock()
	c.stream.Close()
	c.server.detach(c)
}

// finish ends the connection once everything queued has left. The caller holds
// mu, and sees to it that detach is called without.
func (c *conn) finish() {
	c.end(ending)
	c.stream.CloseAfterFlush()
}

// end forgets what is pending. The caller holds mu.
func (c *conn) end(p phase) {
	c.phase = max(c.phase, p)
	c.server.outstanding.Add(-int64(c.waiting))
	c.pending, c.bytes, c.waiting, c.syncs, c.buf = nil, 0, 0, 0, nil
}

// identities returns the connection's identities; the list is never changed.
func (c *conn) identities() []zk.ID { return *c.ids.Load() }

// addIdentities adds to the set of identities (client-protocol.md 7.5).
func (c *conn) addIdentities(more []zk.ID) {
	ids := slices.Clone(c.identities())
	for _, id := range more {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	c.ids.Store(&ids)
}

// Notify implements watch.Watcher.
func (c *conn) Notify(frame []byte) {
	c.eventMu.Lock()
	defer c.eventMu.Unlock()
	c.sent(c.stream.SendShared(frame))
}

// CanRead implements watch.Watcher.
func (c *conn) CanRead(acl []zk.ACL) bool {
	return c.server.o.Auth.Check(acl, zk.PermRead, c.identities())
}

// sent counts a frame; a client that does not take what it is sent is cut
// off, since no event may be dropped. What comes after a last answer is for
// nobody.
func (c *conn) sent(err error) {
	switch {
	case errors.Is(err, env.ErrClosed):
		return
	case err != nil:
		c.stream.Close()
		return
	}
	c.counts.sent.Add(1)
	c.server.counts.sent.Add(1)
}
