package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"ostler/internal/env"
)

// Errors of the simulated network.
var (
	errRefused = errors.New("connection refused")
	errReset   = errors.New("connection reset by peer")
	errDial    = errors.New("connection timed out")
	errNoHost  = errors.New("no such host")
	errInUse   = errors.New("address already in use")
)

// windowSize is how many bytes of a connection may be under way or unread at
// the other side, as the socket buffers of both kernels together.
const windowSize = 128 << 10

// A link is one direction between two machines.
type link struct {
	latency int64 // nanoseconds
	jitter  int64
	cut     bool
	// troubled is until when it was cut, slow or stuck, or its connections were reset.
	troubled int64
}

// growLinks makes room for a new machine.
func (w *World) growLinks() {
	n := len(w.machines)
	for i := range w.links {
		w.links[i] = append(w.links[i], w.newLink())
	}
	row := make([]link, n)
	for i := range row {
		row[i] = w.newLink()
	}
	w.links = append(w.links, row)
}

func (w *World) newLink() link {
	return link{latency: 50_000 + w.net.Int64N(200_000), jitter: 100_000}
}

func (w *World) link(from, to *Machine) *link { return &w.links[from.index][to.index] }

// SetLink sets what bytes from one machine to another take at least, and at most
// more than that.
func (w *World) SetLink(from, to *Machine, latency, jitter time.Duration) {
	w.link(from, to).set(w.now, int64(latency), int64(jitter))
}

// Cut stops what one machine sends to another, in this direction only. Nothing
// is lost: it arrives after Heal, unless the connection ends before.
func (w *World) Cut(from, to *Machine) {
	if from == to {
		return
	}
	w.note(kindFault, from, "cut off from "+to.name, 0, "")
	w.link(from, to).cut = true
}

// Heal undoes Cut.
func (w *World) Heal(from, to *Machine) {
	if !w.link(from, to).cut {
		return
	}
	w.note(kindFault, from, "reaches again "+to.name, 0, "")
	w.link(from, to).cut = false
	w.link(from, to).trouble(w.now)
	for _, e := range w.ends {
		if e.m == from && e.peer != nil && e.peer.m == to && len(e.wire) > 0 {
			e.retransmit()
		}
	}
}

// HealAll undoes every Cut and every Stick.
func (w *World) HealAll() {
	for _, from := range w.machines {
		for _, to := range w.machines {
			w.Heal(from, to)
		}
	}
	for _, e := range w.ends {
		if e.stuckUntil > w.now {
			e.stuckUntil = 0
			e.retransmit()
		}
	}
}

// ResetConnections ends about the given share of the connections between two machines.
func (w *World) ResetConnections(a, b *Machine, share float64) {
	w.link(a, b).trouble(w.now)
	w.link(b, a).trouble(w.now)
	for _, e := range append([]*end(nil), w.ends...) {
		if e.m == a && e.peer != nil && e.peer.m == b && w.Rand.Float64() < share {
			w.note(kindFault, a, "connection reset with "+b.name, int64(e.conn), "")
			peer := e.peer
			e.fail(errReset)
			peer.fail(errReset)
		}
	}
}

// Stick delays what one side of each connection from a to b sends, for d.
func (w *World) Stick(a, b *Machine, d time.Duration) {
	for _, e := range w.ends {
		if e.m == a && e.peer != nil && e.peer.m == b {
			e.stuckUntil = w.now + int64(d)
			w.link(a, b).trouble(e.stuckUntil)
			w.After(d, e.retransmit)
		}
	}
}

// delay draws how long a segment is under way.
func (w *World) delay(from, to *Machine) int64 {
	if from == to {
		return 5_000 + w.net.Int64N(20_000)
	}
	l := w.link(from, to)
	d := l.latency
	if l.jitter > 0 {
		d += w.net.Int64N(l.jitter)
	}
	if w.net.Uint32()&0x1ff == 0 {
		d += w.net.Int64N(20_000_000) // a lost segment, sent again
	}
	return d
}

// A listener is an open port of a process.
type listener struct {
	p      *process
	addr   netip.Addr // zero: all of the machine's
	port   uint16
	o      env.StreamOptions
	accept func(env.Stream) env.Handler
	closed bool
}

// Addr implements env.Listener.
func (l *listener) Addr() netip.AddrPort { return netip.AddrPortFrom(l.p.m.addrs[0], l.port) }

// Close implements env.Listener.
func (l *listener) Close() { l.closed = true }

// procNet is the network as a process sees it.
type procNet struct{ p *process }

// Listen implements env.Net.
func (n *procNet) Listen(addr string, o env.StreamOptions, accept func(env.Stream) env.Handler) (env.Listener, error) {
	m := n.p.m
	host, port, err := splitAddr(addr)
	var at netip.Addr
	if err == nil {
		at, err = m.bind(host)
	}
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	if port == 0 {
		port = m.freePort()
	}
	if n.p.listening(at, port) != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, errInUse)
	}
	l := &listener{p: n.p, addr: at, port: port, o: o, accept: accept}
	n.p.listeners = append(n.p.listeners, l)
	return l, nil
}

// listening is who listens at an address, or at any for the zero address.
func (p *process) listening(addr netip.Addr, port uint16) *listener {
	for _, l := range p.listeners {
		if l.port == port && !l.closed && (l.addr == addr || !l.addr.IsValid() || !addr.IsValid()) {
			return l
		}
	}
	return nil
}

func (m *Machine) freePort() uint16 {
	m.lastPort++
	if m.lastPort < 32768 {
		m.lastPort = 32768
	}
	return m.lastPort
}

// splitAddr cuts host:port.
func splitAddr(addr string) (host string, port uint16, err error) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return "", 0, errors.New("no port in address")
	}
	n, err := strconv.ParseUint(addr[i+1:], 10, 16)
	return strings.Trim(addr[:i], "[]"), uint16(n), err
}

// A dialing is a connection that is being made.
type dialing struct {
	p         *process
	name      string // as it was given
	to        *Machine
	remote    netip.AddrPort
	local     netip.AddrPort
	o         env.StreamOptions
	connected func(env.Stream, error) env.Handler
	deadline  int64
	done      bool
}

// Dial implements env.Net.
func (n *procNet) Dial(addr string, timeout time.Duration, o env.StreamOptions, connected func(env.Stream, error) env.Handler) {
	w := n.p.m.w
	w.telling("dials " + addr)
	if !n.p.alive {
		return
	}
	if timeout <= 0 {
		timeout = 60 * time.Second
	}
	d := &dialing{p: n.p, name: addr, o: o, connected: connected, deadline: w.now + w.cur.blocked + int64(timeout)}
	host, port, err := splitAddr(addr)
	to := n.p.m.resolve(host)
	if err == nil && !to.IsValid() {
		err = fmt.Errorf("%w: %q", errNoHost, host)
	}
	if err != nil {
		w.schedule(100_000, n.p, kindNet, "dial failed", func() { d.fail(err) })
		return
	}
	d.remote, d.local = netip.AddrPortFrom(to, port), netip.AddrPortFrom(n.p.m.source(to), n.p.m.freePort())
	d.to = w.book.owners[to]
	w.schedule(int64(timeout), n.p, kindNet, "", func() { d.fail(errDial) })
	if d.to != nil { // else nobody answers, ever
		w.schedule(w.delay(n.p.m, d.to), nil, kindNet, "", d.arrive)
	}
}

// fail tells the one who dials that there will be no connection.
func (d *dialing) fail(err error) {
	if !d.done {
		d.done = true
		d.connected(nil, fmt.Errorf("dial %s: %w", d.name, err))
	}
}

// arrive is the first segment at the other side.
func (d *dialing) arrive() {
	w := d.p.m.w
	if d.done || !d.p.alive {
		return
	}
	if w.link(d.p.m, d.to).cut || w.link(d.to, d.p.m).cut || !d.to.powered || !w.passes(d.local.Addr(), d.remote.Addr(), d.to) {
		if w.now < d.deadline { // it is sent again
			w.schedule(200_000_000+w.net.Int64N(800_000_000), nil, kindNet, "", d.arrive)
		}
		return
	}
	var l *listener
	if d.to.proc != nil {
		l = d.to.proc.listening(d.remote.Addr(), d.remote.Port())
	}
	back := w.delay(d.to, d.p.m)
	if l == nil {
		w.schedule(back, d.p, kindNet, "dial refused", func() { d.fail(errRefused) })
		return
	}
	d.connect(l, back)
}

// connect makes both ends of a connection.
func (d *dialing) connect(l *listener, back int64) {
	w := d.p.m.w
	w.nextConn++
	a := newEnd(d.p, w.nextConn, d.local, d.remote, d.o)
	b := newEnd(l.p, w.nextConn, d.remote, d.local, l.o)
	a.peer, b.peer = b, a
	w.schedule(0, l.p, kindNet, "accept", func() {
		switch {
		case b.state != open:
		case l.closed:
			b.fail(errReset)
			a.fail(errReset)
		default:
			b.begin(l.accept(b))
		}
	})
	w.schedule(back, d.p, kindNet, "connected", func() {
		switch {
		case d.done: // too late
			a.Close()
		case a.state != open:
			d.fail(errReset)
		default:
			d.done = true
			a.begin(d.connected(a, nil))
		}
	})
}
