package sim

import (
	"net/netip"

	"ostler/internal/env"
)

// defaultSendLimit is that of env.StreamOptions.
const defaultSendLimit = 64 << 20

// The states of an end.
type endState uint8

const (
	open      endState = iota
	flushing           // closed once all that is queued has left
	lingering          // it has left: what comes is not read, until the other side closes too
	closed
)

// lingerTime is how long an end lingers, as package host has it.
const lingerTime = 1_000_000_000

// A segment is bytes under way, or the end of them.
type segment struct {
	at   int64
	data []byte
	fin  bool
	rst  bool
}

// An end is one side of a connection. It implements env.Stream.
//
//	Send ─► queue ─► wire ─(latency, cuts)─► peer.rbuf ─► peer's Handler.Data
type end struct {
	m     *Machine
	p     *process
	conn  uint64
	peer  *end
	index int // in World.ends

	local, remote netip.AddrPort
	limit, low    int

	h       env.Handler
	begun   bool
	state   endState
	told    bool // Closed was called, or will be
	silent  bool // its machine lost power: nothing answers for it
	planned struct{ flush, arrive, deliver, timer bool }
	// flush, arrive and deliver as values, made once.
	flushes, arrives, delivers func()

	// Sending.
	queue     frames
	queued    int
	aboveLow  bool
	wire      []segment
	wireBytes int
	lastAt    int64
	// stuckUntil: a slow network delays even what is sent on a good link.
	stuckUntil int64

	// Receiving.
	rbuf    []byte
	read    int // consumed part of rbuf
	shown   int // of the rest, how much the handler has seen
	again   bool
	eof     error // io.EOF or a reset, once everything before it was read
	paused  bool
	timeout int64
	heard   int64
	// lostAfter is env.StreamOptions.LostAfter; answered is when the other machine last was
	// there to answer.
	lostAfter, answered int64
}

func newEnd(p *process, conn uint64, local, remote netip.AddrPort, o env.StreamOptions) *end {
	e := &end{m: p.m, p: p, conn: conn, local: local, remote: remote, limit: o.SendLimit, low: o.LowWater, lostAfter: int64(o.LostAfter)}
	if e.limit == 0 {
		e.limit = defaultSendLimit
	}
	if e.low == 0 {
		e.low = e.limit / 2
	}
	e.flushes, e.arrives, e.delivers = e.flush, e.arrive, e.deliver
	w := p.m.w
	e.index = len(w.ends)
	w.ends = append(w.ends, e)
	p.ends = append(p.ends, e)
	return e
}

// begin gives the end its handler; nil closes it.
func (e *end) begin(h env.Handler) {
	e.begun = true
	e.heard, e.answered = e.m.w.now, e.m.w.now
	if h == nil {
		e.told = true
		e.Close()
		return
	}
	e.h = h
	if e.state == closed { // while the handler was being made
		e.tellClosed(e.eof)
		return
	}
	e.planDeliver()
	e.armTimeout()
	e.watchLost()
}

// Send implements env.Stream.
func (e *end) Send(frame []byte) error { return e.SendShared(e.m.w.frames.copy(frame)) }

// SendShared implements env.Stream.
func (e *end) SendShared(frame []byte) error {
	w := e.m.w
	if w.cur.blocked > 0 {
		w.telling("sends to " + e.remote.String())
	}
	if e.state != open {
		return env.ErrClosed
	}
	if e.queued+len(frame) > e.limit {
		return env.ErrFull
	}
	if len(frame) == 0 {
		return nil
	}
	e.queue.put(frame)
	e.queued += len(frame)
	if e.queued > e.low {
		e.aboveLow = true
	}
	e.planFlush()
	return nil
}

// SendQueued implements env.Stream.
func (e *end) SendQueued() int { return e.queued }

func (e *end) planFlush() {
	if !e.planned.flush && e.state < lingering {
		e.planned.flush = true
		e.m.w.schedule(e.m.w.sched.Int64N(5_000), e.p, kindNet, "", e.flushes)
	}
}

// flush puts what is queued on the wire as far as the window allows.
func (e *end) flush() {
	e.planned.flush = false
	if e.state >= lingering {
		return
	}
	for e.queue.len() > 0 {
		room := windowSize - e.wireBytes - e.peer.unread()
		if room <= 0 {
			break // arriving and reading make room and come back here
		}
		frame := e.queue.take(room)
		e.queued -= len(frame)
		e.put(segment{data: frame})
	}
	if e.queue.len() == 0 && e.state == flushing {
		e.linger()
		return
	}
	if e.aboveLow && e.queued <= e.low && e.h != nil {
		e.aboveLow = false
		e.h.Writable()
	}
}

// linger says that nothing more comes, and waits for the other side to say the same.
func (e *end) linger() {
	e.put(segment{fin: true})
	e.rbuf, e.read, e.state = e.rbuf[:0], 0, lingering
	if e.eof != nil {
		e.quit(nil)
		return
	}
	e.m.w.schedule(lingerTime, e.p, kindNet, "", func() {
		if e.state == lingering {
			e.quit(nil)
		}
	})
}

func (e *end) unread() int { return len(e.rbuf) - e.read }

// put puts a segment on the wire.
func (e *end) put(s segment) {
	w := e.m.w
	at := max(w.now+w.cur.blocked+w.delay(e.m, e.peer.m), e.lastAt, e.stuckUntil)
	e.lastAt = at
	s.at = at
	e.wire = append(e.wire, s)
	e.wireBytes += len(s.data)
	e.planArrive()
}

func (e *end) planArrive() {
	if !e.planned.arrive && len(e.wire) > 0 {
		e.planned.arrive = true
		w := e.m.w
		ev := w.heap.get()
		ev.run = e.arrives
		w.push(ev, max(e.wire[0].at, w.now), nil, kindData, "")
	}
}

// blockedWire reports whether what is under way cannot arrive now.
func (e *end) blockedWire() bool {
	w := e.m.w
	return w.link(e.m, e.peer.m).cut || e.stuckUntil > w.now || !e.peer.m.powered || !w.passes(e.local.Addr(), e.remote.Addr(), e.peer.m)
}

// arrive moves what has arrived to the other side. On a cut link it waits for
// retransmit.
func (e *end) arrive() {
	e.planned.arrive = false
	w := e.m.w
	if len(e.wire) == 0 || e.blockedWire() {
		return
	}
	peer := e.peer
	n := 0
	for n < len(e.wire) && e.wire[n].at <= w.now {
		s := &e.wire[n]
		e.wireBytes -= len(s.data)
		peer.receive(s)
		n++
	}
	e.wire = append(e.wire[:0], e.wire[n:]...)
	if e.queued > 0 {
		e.planFlush()
	}
	e.planArrive()
	e.forget()
}

// retransmit sends again what a cut link has kept.
func (e *end) retransmit() {
	w := e.m.w
	if len(e.wire) == 0 || e.peer == nil || e.blockedWire() {
		return
	}
	e.lastAt = max(w.now+w.delay(e.m, e.peer.m)+w.net.Int64N(200_000_000), e.wire[0].at)
	for i := range e.wire {
		e.wire[i].at = max(e.wire[i].at, e.lastAt)
	}
	e.lastAt = e.wire[len(e.wire)-1].at
	e.planned.arrive = false // a second event for the old time does no harm
	e.planArrive()
}

// Close implements env.Stream.
func (e *end) Close() {
	switch e.state {
	case closed:
	case lingering:
		e.quit(nil)
	default:
		e.shut(nil)
	}
}

// CloseAfterFlush implements env.Stream.
func (e *end) CloseAfterFlush() {
	if e.state == open {
		e.state = flushing
		e.planFlush()
	}
}

// Remote implements env.Stream.
func (e *end) Remote() netip.AddrPort { return e.remote }

// Local implements env.Stream.
func (e *end) Local() netip.AddrPort { return e.local }

// shut closes this side and tells the other: in order, or with a reset when
// something it sent was not read.
func (e *end) shut(err error) {
	rude := e.unread() > 0 && e.m.w.net.Uint32()&1 == 0
	e.put(segment{fin: !rude, rst: rude})
	e.quit(err)
}

// fail is an end that the network brought.
func (e *end) fail(err error) {
	if e.state != closed {
		e.quit(err)
	}
}

// quit closes this side without a word to the other.
func (e *end) quit(err error) {
	e.state = closed
	e.queue, e.queued = frames{}, 0
	e.eof = err
	if e.h != nil {
		e.tellClosed(err)
	}
	e.forget()
}

// tellClosed calls Closed, once.
func (e *end) tellClosed(err error) {
	if e.told {
		return
	}
	e.told = true
	e.m.w.schedule(e.m.w.sched.Int64N(10_000), e.p, kindNet, "closed", func() { e.h.Closed(err) })
}

// abandon is the end of the process. With silent the machine has lost power.
func (e *end) abandon(silent bool) {
	e.told, e.silent = true, silent
	if e.state == closed {
		e.forget()
		return
	}
	w := e.m.w
	if silent {
		e.state = closed
		e.queue, e.queued, e.wire = frames{}, 0, nil
		e.forget()
		return
	}
	if e.state < lingering {
		rude := w.net.Uint32()&1 == 0
		e.put(segment{fin: !rude, rst: rude})
	}
	e.quit(nil)
}

// forget removes the end from the world's list once nothing can happen to it.
func (e *end) forget() {
	if e.state != closed || len(e.wire) > 0 || e.index < 0 {
		return
	}
	w := e.m.w
	last := len(w.ends) - 1
	w.ends[e.index] = w.ends[last]
	w.ends[e.index].index = e.index
	w.ends[last] = nil
	w.ends = w.ends[:last]
	e.index = -1
	for i, o := range e.p.ends {
		if o == e {
			e.p.ends = append(e.p.ends[:i], e.p.ends[i+1:]...)
			break
		}
	}
}

// wakeSleepers sends again what other machines have for this one, which was
// without power.
func (m *Machine) wakeSleepers() {
	for _, e := range m.w.ends {
		if e.peer != nil && e.peer.m == m && len(e.wire) > 0 {
			e.retransmit()
		}
	}
}

var (
	_ env.Stream   = (*end)(nil)
	_ env.Listener = (*listener)(nil)
	_ env.Net      = (*procNet)(nil)
)
