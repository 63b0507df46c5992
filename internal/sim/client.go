package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"ostler/internal/env"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// frameMax is far above any reply of the workload.
const frameMax = 4 << 20

// patience is how long a request may be without an answer while others are answered and
// events come. It is far above what faults take.
const patience = 12 * time.Second

// The states of a client's connection.
type clientState int

const (
	offline clientState = iota
	dialling
	greeting
	online
)

// A Client is a simulated client: a session that outlives connections, pipelined
// requests, watches of all kinds. It checks all that it is told against the oracle.
type Client struct {
	w       *World
	o       *Oracle
	name    string
	index   int
	servers []string
	rand    *rand.Rand
	env     env.Env
	loop    env.Loop
	load    *Workload

	session  zk.SessionID
	password []byte
	timeout  time.Duration
	asked    int32 // timeout to ask for, ms
	xid      int32
	last     zk.Zxid // greatest zxid that a reply carried
	counter  int     // makes every written value unique
	old      []zk.SessionID

	state  clientState
	server string
	stream env.Stream
	calls  []*call // unanswered, oldest first
	watching
	identity
	replied zk.Zxid // of this connection's replies
	heard   time.Duration
	sent    time.Duration
	out     []byte // the newest frame; its memory is used again
	nextTry time.Duration
	nextOp  time.Duration

	limited bool // the server has no leader
	closing bool // closeSession is on its way
	stopped bool // does nothing any more
	quiet   bool // keeps its session, asks nothing new
	// Answered counts successful replies to requests.
	Answered int
	// meddle, if set, changes what arrives: tests see whether checkers mind.
	meddle func(op zk.OpCode, frame []byte) [][]byte
	cuts   int // connections that somebody else ended
}

// A call is a request without an answer yet.
type call struct {
	op      zk.OpCode
	xid     int32
	path    string
	data    []byte
	version int32
	mode    zk.CreateMode
	acl     []zk.ACL
	ttl     int64
	kind    int32 // mode of addWatch, type of checkWatches and removeWatches
	watch   bool
	parts   []call  // of a multi or multiRead
	ids     []zk.ID // of the connection when this was sent
	wrong   zk.Code // what it must be refused with whatever the state is
	ends    bool    // the connection ends with the answer
	at      time.Duration
	acked   zk.Zxid // newest write acknowledged to anyone when this was called
	led     reign   // how far the leader was then
	sets    []watch
	rel     zk.Zxid
	reg     *registerCall
	then    func(*call, wire.ReplyHeader)
}

// clientMachine adds a machine that runs a client.
func newClient(w *World, o *Oracle, load *Workload, index int, servers []string) *Client {
	c := &Client{
		w: w, o: o, load: load, index: index, name: fmt.Sprintf("client%d", index), servers: servers,
		rand: w.dice(100 + uint64(index)),
	}
	c.shows = load.logins(c)
	c.asked = int32(load.tick/time.Millisecond) * int32(2+c.rand.IntN(18))
	w.AddMachine(c.name, func(e env.Env) (Server, error) {
		c.env = e
		return c, nil
	})
	return c
}

// Start implements Server.
func (c *Client) Start() error {
	c.loop = c.env.Loops.Start("client", c.act)
	c.loop.Wake()
	return nil
}

// Stop implements Server.
func (c *Client) Stop() {}

// act does what time asks for.
func (c *Client) act() func() {
	if c.stopped {
		return nil
	}
	now := c.w.Now()
	switch c.state {
	case offline:
		if now >= c.nextTry {
			c.dial()
		} else {
			c.wakeAt(c.nextTry)
		}
		return nil
	case dialling, greeting:
		return nil
	}
	if now >= c.nextOp && !c.closing && !c.quiet {
		if len(c.calls) < 4 {
			c.load.next(c)
		}
		c.nextOp = now + c.load.think(c.rand)
	}
	if c.state != online || c.closing {
		return nil
	}
	idle := c.timeout / 3
	if now >= c.sent+idle {
		c.send(&call{op: zk.OpPing, xid: wire.XidPing}, nil)
	}
	if c.quiet {
		c.wakeAt(c.sent + idle)
	} else {
		c.wakeAt(min(c.nextOp, c.sent+idle))
	}
	return nil
}

func (c *Client) wakeAt(t time.Duration) {
	c.env.Clock.WakeAt(c.env.Clock.Now().Add(t-c.w.Now()), c.loop)
}

// dial tries a server.
func (c *Client) dial() {
	c.state = dialling
	c.server = c.servers[c.rand.IntN(len(c.servers))]
	c.env.Net.Dial(c.server, c.load.tick*2, env.StreamOptions{}, func(s env.Stream, err error) env.Handler {
		if err != nil || c.stopped {
			c.retry()
			return nil
		}
		c.stream, c.state, c.replied = s, greeting, 0
		c.watching.reconnect()
		c.identity.reconnect(c.w.names[c.name].Addr())
		s.SetReadTimeout(time.Duration(c.asked) * time.Millisecond)
		req := wire.ConnectRequest{
			LastZxid: c.last, Timeout: c.asked, Session: c.session, Password: c.password,
			HasReadOnly: c.index%2 == 0, ReadOnly: c.load.readOnly && c.index%2 == 0,
		}
		if c.session == 0 {
			req.Password = make([]byte, zk.PasswordLen)
		}
		c.sent = c.w.Now()
		s.Send(wire.AppendFrame(nil, req.Append(nil)))
		return c
	})
}

func (c *Client) retry() {
	c.state, c.stream = offline, nil
	c.nextTry = c.w.Now() + c.load.tick/4 + time.Duration(c.rand.Int64N(int64(c.load.tick)))
	if !c.stopped {
		c.loop.Wake()
	}
}

// Data implements env.Handler.
func (c *Client) Data(b []byte) (int, error) {
	total := 0
	for c.w.failure == nil {
		frame, n, err := wire.SplitFrame(b[total:], frameMax)
		if err != nil {
			c.fail("frame: %v", err)
			return total, err
		}
		if n == 0 {
			break
		}
		total += n
		if c.state == greeting {
			c.greeted(frame)
			continue
		}
		for _, f := range c.altered(frame) {
			c.frame(f)
		}
	}
	return total, nil
}

// Writable implements env.Handler.
func (c *Client) Writable() {}

// Closed implements env.Handler. What was not answered has an unknown outcome.
func (c *Client) Closed(err error) {
	if err != nil && !c.closing {
		c.cuts++
	}
	for _, k := range c.calls {
		c.load.lost(k)
		c.watching.keep(k.sets)
	}
	c.calls = nil
	c.load.leases.hungUp(c)
	c.watching.disconnect()
	if c.closing {
		c.forgetSession()
	}
	c.retry()
}

func (c *Client) fail(format string, args ...any) {
	c.w.Failf("%s (session %v at %s): %s", c.name, c.session, c.server, fmt.Sprintf(format, args...))
}

// greeted takes the answer to the connect request.
func (c *Client) greeted(frame []byte) {
	var resp wire.ConnectResponse
	if err := resp.Decode(frame); err != nil {
		c.fail("connect response %x: %v", frame, err)
		return
	}
	c.heard = c.w.Now()
	if resp.Session == 0 {
		if c.session == 0 {
			c.fail("a new session is refused")
		}
		c.w.note(kindClient, nil, c.name+" session expired", int64(c.session), "")
		c.load.expired(c)
		c.forgetSession()
		c.stream.Close()
		return
	}
	if c.session != 0 && resp.Session != c.session {
		c.fail("asked for session %v, got %v", c.session, resp.Session)
		return
	}
	if want := zk.Password(resp.Session); string(want[:]) != string(resp.Password) {
		c.fail("password %x, want %x", resp.Password, want)
	}
	fresh := c.session == 0
	c.session, c.password = resp.Session, append([]byte(nil), resp.Password...)
	c.timeout = time.Duration(resp.Timeout) * time.Millisecond
	c.stream.SetReadTimeout(c.timeout * 2 / 3)
	c.state, c.limited = online, resp.ReadOnly
	if c.limited {
		c.load.Seen["a read-only session had"]++
	} else {
		c.load.leases.attached(c, c.sent)
	}
	c.w.note(kindClient, nil, c.name+" attached to "+c.server, int64(c.session), "")
	for _, who := range c.shows {
		c.authenticate(who)
	}
	if fresh {
		c.watching = watching{}
	} else {
		c.metBehind("a session revalidated")
	}
	c.rewatch()
	c.sent = c.w.Now()
	c.loop.Wake()
}

// forgetSession makes the next connection ask for a new session.
func (c *Client) forgetSession() {
	if c.session != 0 {
		c.old = append(c.old, c.session)
	}
	c.session, c.password, c.last, c.xid = 0, nil, 0, 0
	c.watching = watching{}
	c.closing = false
}

// abandon leaves a session to expire.
func (c *Client) abandon() {
	c.forgetSession()
	if c.stream != nil {
		c.stream.Close()
	}
}

// request sends an ordinary request.
func (c *Client) request(k *call, body wire.Record) {
	c.xid++
	k.xid = c.xid
	c.send(k, body)
}

// ask sends an ordinary request with the body that belongs to it.
func (c *Client) ask(k *call) { c.request(k, k.record()) }

func (c *Client) send(k *call, body wire.Record) {
	k.at, k.acked, k.ids, k.led = c.w.Now(), c.load.acked, c.ids, c.o.reign()
	c.calls = append(c.calls, k)
	c.write(k, body)
}

// write puts a request on the stream.
func (c *Client) write(k *call, body wire.Record) {
	c.sent = c.w.Now()
	if c.state == online && !c.limited {
		c.load.leases.sent(c)
	}
	b, at := wire.BeginFrame(c.out[:0])
	b = wire.RequestHeader{Xid: k.xid, Op: k.op}.Append(b)
	if body != nil {
		b = body.Append(b)
	}
	c.out = wire.EndFrame(b, at)
	c.stream.Send(c.out)
}

// altered is what the client gets to see of a frame.
func (c *Client) altered(frame []byte) [][]byte {
	if c.meddle == nil {
		return [][]byte{frame}
	}
	var h wire.ReplyHeader
	op := zk.OpNotification
	switch err := h.Decode(frame); {
	case err != nil || h.Xid == wire.XidNotification:
	case h.Xid == wire.XidAuth:
		op = zk.OpAuth
	case len(c.calls) > 0 && c.calls[0].xid == h.Xid:
		op = c.calls[0].op
	default:
		return [][]byte{frame}
	}
	return c.meddle(op, frame)
}

// frame takes a reply or an event.
func (c *Client) frame(frame []byte) {
	var h wire.ReplyHeader
	if err := h.Decode(frame); err != nil {
		c.fail("reply %x: %v", frame, err)
		return
	}
	c.heard = c.w.Now()
	if len(c.calls) > 0 && c.heard-c.calls[0].at > patience {
		c.fail("%v %d has no answer after %v, though the server talks (INV-L3)", c.calls[0].op, c.calls[0].xid, patience)
		return
	}
	body := frame[wire.ReplyHeaderLen:]
	if h.Xid == wire.XidNotification {
		var e wire.WatcherEvent
		if err := e.Decode(body); err != nil {
			c.fail("event %x: %v", frame, err)
			return
		}
		c.notified(h.Zxid, e)
		return
	}
	if h.Xid == wire.XidAuth {
		c.authenticated(h)
		return
	}
	if i := slices.IndexFunc(c.calls, func(k *call) bool { return k.ends && k.xid == h.Xid }); i >= 0 {
		c.turnedOut(c.calls[i], h)
		c.calls = slices.Delete(c.calls, i, i+1)
		return
	}
	if len(c.calls) == 0 || c.calls[0].xid != h.Xid {
		c.fail("reply to %d, but there are %d requests and that is not the oldest (INV-O4)", h.Xid, len(c.calls))
		return
	}
	k := c.calls[0]
	c.calls = c.calls[1:]
	c.reply(k, h, body)
	if k.op != zk.OpPing && h.Zxid > c.last {
		c.last = h.Zxid
	}
	if c.state == online {
		c.loop.Wake()
	}
}
