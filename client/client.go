package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// Options are the settings of a Client. The zero value is good.
type Options struct {
	// Timeout is the session timeout to ask for, 30 s if 0. The server may
	// grant another.
	Timeout time.Duration

	// Patience is how long requests wait while no server can be reached, 1 s
	// if 0. Then, and when every server was tried, they fail with
	// ConnectionLoss. Servers that answer but have no quorum are given a third
	// of Timeout, since an election takes its time.
	Patience time.Duration

	// ReadOnly accepts a server that has lost its quorum.
	ReadOnly bool

	// TLS, if not nil, secures connections.
	TLS *tls.Config

	// Dial, if not nil, makes connections instead of a net.Dialer.
	Dial func(ctx context.Context, addr string) (net.Conn, error)

	// RequestMax and ReplyMax limit the bytes of a frame: 1,048,575 and 16 MiB
	// if 0.
	RequestMax, ReplyMax int

	// OnEvent, if not nil, hears of every change of the session's state and of
	// every event of a watch, in order, before any reply that came after it. It
	// must neither block nor call the Client.
	OnEvent func(Event)
}

const (
	timeoutDefault    = 30 * time.Second
	patienceDefault   = time.Second
	requestMaxDefault = 0xfffff
	replyMaxDefault   = 16 << 20
	// inflightMax bounds the requests that wait for an answer. A call beyond
	// it waits for its place.
	inflightMax = 4096
)

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = timeoutDefault
	}
	if o.Patience == 0 {
		o.Patience = patienceDefault
	}
	if o.RequestMax == 0 {
		o.RequestMax = requestMaxDefault
	}
	if o.ReplyMax == 0 {
		o.ReplyMax = replyMaxDefault
	}
	if o.Dial == nil {
		dialer := &net.Dialer{}
		secure := o.TLS
		o.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			if secure != nil {
				return (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, "tcp", addr)
			}
			return dialer.DialContext(ctx, "tcp", addr)
		}
	}
	return o
}

// A Client is a session with an ensemble.
type Client struct {
	// Set by New and never changed.
	o      Options
	chroot string // "" or /path
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{} // one for each request that is not yet answered
	done   chan struct{} // closed when the run loop has ended

	// Owned by the run loop.
	servers *rotation

	events sync.Mutex // held while OnEvent runs

	// Guarded by mu.
	mu       sync.Mutex
	changed  chan struct{} // closed and replaced when state changes
	state    State
	readOnly bool // the last server was read-only
	session  zk.SessionID
	password []byte
	timeout  time.Duration // granted
	last     zk.Zxid       // newest zxid of a reply
	xid      int32
	conn     *conn
	queue    []*request // not yet sent
	auths    []auth     // to be sent on every connection
	watches  watchTable
	closing  bool // nothing more is accepted

	abandon bool // Abandon was called: end without closing the session
}

type auth struct {
	scheme string
	data   []byte
}

// New returns a Client and begins to connect; calls wait until it has. servers
// is host[:port][,host[:port]...][/chroot].
func New(servers string, o Options) (*Client, error) {
	addrs, chroot, err := parseServers(servers)
	if err != nil {
		return nil, err
	}
	c := &Client{
		o: o.withDefaults(), chroot: chroot,
		slots:    make(chan struct{}, inflightMax),
		done:     make(chan struct{}),
		changed:  make(chan struct{}),
		servers:  newRotation(addrs),
		password: make([]byte, zk.PasswordLen),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run()
	return c, nil
}

// Connect is New, and waits until the session stands.
func Connect(ctx context.Context, servers string, o Options) (*Client, error) {
	c, err := New(servers, o)
	if err != nil {
		return nil, err
	}
	if err := c.Wait(ctx); err != nil {
		c.Abandon()
		return nil, fmt.Errorf("connect to %s: %w", servers, err)
	}
	return c, nil
}

// Wait returns when the Client has a server, or cannot get one any more.
func (c *Client) Wait(ctx context.Context) error {
	for {
		c.mu.Lock()
		state, changed := c.state, c.changed
		c.mu.Unlock()
		switch {
		case state == Connected || state == ConnectedReadOnly:
			return nil
		case !state.Alive():
			return c.deathOf(state)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// State returns the state of the session.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// SessionID returns the session's id, 0 before the first connection.
func (c *Client) SessionID() SessionID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Timeout returns the session timeout that the last server granted.
func (c *Client) Timeout() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.timeout
}

// Close ends the session: its ephemeral nodes are deleted. It waits for the
// server's answer or the end of ctx, and stops the Client in any case.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	connected := !c.closing && c.conn != nil
	c.mu.Unlock()
	var err error
	if connected {
		_, err = c.call(ctx, zk.OpCloseSession, "", nil)
	}
	c.end(Closed)
	<-c.done
	return err
}

// Abandon stops the Client without ending the session, which lives on until it
// expires.
func (c *Client) Abandon() {
	c.mu.Lock()
	c.abandon = true
	c.mu.Unlock()
	c.end(Closed)
	<-c.done
}

// end makes state the final one.
func (c *Client) end(state State) {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	c.closing = true
	err := c.deathOf(state)
	queue := c.queue
	c.queue = nil
	c.watches.end(err)
	conn := c.conn
	silent := c.abandon
	c.mu.Unlock()

	c.cancel()
	fail(queue, err)
	if conn != nil {
		conn.close(err)
	}
	c.setState(state, !silent)
}

func (c *Client) deathOf(state State) error {
	switch state {
	case Expired:
		return zk.SessionExpired
	case AuthRefused:
		return zk.AuthFailed
	}
	return ErrClosed
}

// setState changes the state and tells it. A final state stays.
func (c *Client) setState(state State, tell bool) {
	c.mu.Lock()
	if c.state == state || !c.state.Alive() {
		c.mu.Unlock()
		return
	}
	c.state = state
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
	if tell {
		c.emit(Event{Type: EventNone, State: state, Zxid: -1})
	}
}

// emit passes e to OnEvent, one at a time.
func (c *Client) emit(e Event) {
	if c.o.OnEvent == nil {
		return
	}
	c.events.Lock()
	defer c.events.Unlock()
	c.o.OnEvent(e)
}

// A request waits to be sent, or for its answer.
type request struct {
	xid   int32
	op    zk.OpCode
	body  []byte
	since time.Time

	// onReply runs on the reading goroutine before anything that the server
	// sent later is looked at; may be nil.
	onReply func(h wire.ReplyHeader)

	header wire.ReplyHeader
	reply  []byte
	err    error
	done   chan struct{} // closed when the above are set
}

func (r *request) finish(h wire.ReplyHeader, body []byte, err error) {
	if err == nil && r.onReply != nil {
		r.onReply(h)
	}
	r.header, r.reply, r.err = h, body, err
	close(r.done)
}

func fail(requests []*request, err error) {
	for _, r := range requests {
		r.finish(wire.ReplyHeader{}, nil, err)
	}
}

// call sends a request and waits for the body of its reply. A code in the
// reply's header becomes the error.
func (c *Client) call(ctx context.Context, op zk.OpCode, path string, body []byte) ([]byte, error) {
	return c.callWith(ctx, op, path, body, nil)
}

func (c *Client) callWith(ctx context.Context, op zk.OpCode, path string, body []byte, onReply func(wire.ReplyHeader)) ([]byte, error) {
	wrap := func(err error) error { return &Error{Op: op.String(), Path: path, Err: err} }
	if size := wire.RequestHeaderLen + len(body); size > c.o.RequestMax {
		return nil, wrap(fmt.Errorf("%w: %d bytes, limit %d", ErrTooLarge, size, c.o.RequestMax))
	}
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, wrap(ctx.Err())
	}
	r := &request{op: op, body: body, since: time.Now(), onReply: onReply, done: make(chan struct{})}
	if err := c.submit(r); err != nil {
		<-c.slots
		return nil, wrap(err)
	}
	select {
	case <-r.done:
		<-c.slots
	case <-ctx.Done():
		go func() { // the place stays taken until the request is gone
			<-r.done
			<-c.slots
		}()
		return nil, wrap(ctx.Err())
	}
	switch {
	case r.err != nil:
		return nil, wrap(r.err)
	case r.header.Err != zk.OK:
		return r.reply, wrap(r.header.Err)
	}
	return r.reply, nil
}

// submit queues r for sending.
func (c *Client) submit(r *request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		if c.state.Alive() {
			return ErrClosed
		}
		return c.deathOf(c.state)
	}
	c.queue = append(c.queue, r)
	if c.conn != nil {
		c.conn.wake()
	}
	return nil
}

// expireQueue fails the requests that have waited for longer than patience.
func (c *Client) expireQueue(patience time.Duration) {
	limit := time.Now().Add(-patience)
	c.mu.Lock()
	keep := slices.IndexFunc(c.queue, func(r *request) bool { return r.since.After(limit) })
	if keep < 0 {
		keep = len(c.queue)
	}
	failed := c.queue[:keep:keep]
	c.queue = c.queue[keep:]
	c.mu.Unlock()
	fail(failed, zk.ConnectionLoss)
}
