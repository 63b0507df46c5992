package server

import (
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/auth"
	"ostler/internal/env"
	"ostler/internal/sasl"
	"ostler/internal/throttle"
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
	port   *port

	onPorch bool // it waits for the doors to open; guarded by Server.mu

	// Read from anywhere.
	session atomic.Int64            // 0 until asked for
	timeout atomic.Int32            // negotiated, ms
	heard   atomic.Bool             // a frame came since the last Touched
	held    atomic.Bool             // it is not read from, or waits at the gate
	ids     atomic.Pointer[[]zk.ID] // identities; the list is never changed
	creates atomic.Bool             // its session is a new one
	local   atomic.Bool             // its session is known to this server only
	counts  counters

	mu       sync.Mutex
	phase    phase
	paused   bool   // its stream is, for back-pressure
	readOnly bool   // the ConnectRequest had the field readOnly
	term     uint64 // of the service that its requests are for
	limited  bool   // only reads are served
	pending  []pendingRequest
	bytes    int    // of bodies in pending
	counted  int    // requests in pending with xid > 0
	waiting  int    // writes and syncs in pending whose end is not known
	draining bool   // it is in the inbox of the drain loop
	buf      []byte // to encode replies in
	last     lastRequest

	// Of the request that is being taken in.
	announced bool                   // its length was looked at
	place     *throttle.Place[*conn] // at the gate; nil: it does not wait there
	arrived   time.Time              // when it came, if it waited
	taking    charge
	exchange  sasl.Exchange // the SASL login; nil before it begins
}

// A pendingRequest is one that is not answered yet.
type pendingRequest struct {
	xid     int32
	op      zk.OpCode
	number  uint64    // of what was submitted
	waits   bool      // for the apply loop to say how it ended
	code    zk.Code   // of a refusal, when it no longer waits
	body    []byte    // of reads, and of sync
	args    []byte    // of what was submitted
	local   bool      // the session was known to this server only
	ids     []zk.ID   // of the connection when the frame was read (7.5)
	arrived time.Time //
	charge  charge    // what it takes up until it is answered
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
			c.logEnd(err)
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
		return c.word(word, b)
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
	return c.oneFrame(b)
}

// holdBack pauses the stream while too much is unanswered: of it, or of all
// connections if something of it is (client-protocol.md 2.16); or while a sync is. A
// connection without waiting requests is never held back, so it can always have one
// in.
func (c *conn) holdBack() {
	if c.phase != open || c.paused || len(c.pending) == 0 {
		return
	}
	if c.overLimit() || len(c.pending) >= pendingMax || c.bytes >= pendingBytes || c.syncing() {
		c.paused = true
		c.held.Store(true) // it cannot be heard while nobody listens
		c.stream.Pause(true)
	}
}

// overLimit reports whether globalOutstandingLimit holds the connection back.
// Requests with xid <= 0 are the client library's own and do not count for that.
func (c *conn) overLimit() bool {
	return c.counted > 0 && c.server.outstanding.Load() > c.server.limits.outstanding
}

// release lets a paused stream go on when enough has been answered. It is called
// for every answer of the connection itself, and a paused connection waits for one
// at least: so none is paused for ever, whatever others do (INV-L3).
func (c *conn) release() {
	if !c.paused || c.phase != open || c.syncing() {
		return
	}
	own := len(c.pending) <= pendingMax/2 && c.bytes <= pendingBytes/2
	if len(c.pending) == 0 || own && !c.overLimit() {
		c.paused = false
		c.heard.Store(true)
		c.held.Store(false)
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
	c.server.outstanding.Add(-int64(len(c.pending)))
	c.dischargeAll()
	c.pending, c.bytes, c.counted, c.waiting, c.buf = nil, 0, 0, 0, nil
}

// Notify implements watch.Watcher.
func (c *conn) Notify(frame []byte) { c.sent(c.stream.SendShared(frame)) }

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
