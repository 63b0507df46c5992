package sim

import (
	"io"
	"time"

	"ostler/internal/env"
)

// receive is a segment at this side of the connection.
func (e *end) receive(s *segment) {
	w := e.m.w
	switch {
	case e.state == closed || e.silent:
		// Nobody is there any more. Data is answered with a reset.
		if !s.rst && e.peer.state != closed {
			peer := e.peer
			w.schedule(w.delay(e.m, peer.m), nil, kindNet, "", func() {
				if !w.link(e.m, peer.m).cut {
					peer.fail(errReset)
				}
			})
		}
		return
	case e.state == lingering:
		if s.fin || s.rst {
			e.quit(nil)
		}
		return
	case s.rst:
		e.fail(errReset)
		return
	case s.fin:
		e.eof = io.EOF
	default:
		w.note(kindData, e.m, e.peer.m.from, int64(len(s.data)), "")
		e.rbuf = append(e.rbuf, s.data...)
		e.heard = w.now
	}
	e.planDeliver()
}

func (e *end) planDeliver() {
	if e.planned.deliver || e.paused || e.h == nil || e.state >= lingering {
		return
	}
	e.planned.deliver = true
	e.m.w.schedule(e.m.w.sched.Int64N(10_000), e.p, kindNet, "", e.delivers)
}

// deliver shows the handler what has arrived, sometimes only a part.
func (e *end) deliver() {
	e.planned.deliver = false
	if e.state >= lingering || e.paused {
		return
	}
	rest := e.rbuf[e.read:]
	if len(rest) > e.shown || e.again && len(rest) > 0 {
		e.again = false
		if e.show(rest); e.state >= lingering || e.paused {
			return
		}
	}
	switch left := e.unread(); {
	case left > e.shown:
		e.planDeliver()
	case e.eof != nil:
		e.shut(e.eof)
	}
}

// show calls Data once. The bytes it took are spoilt afterwards, as reused
// buffers are.
func (e *end) show(rest []byte) {
	w := e.m.w
	n := len(rest)
	if n > e.shown+1 && w.net.Uint32()&7 == 0 {
		n = e.shown + 1 + w.net.IntN(n-e.shown-1)
	}
	consumed, err := e.h.Data(rest[:n:n])
	if consumed < 0 || consumed > n {
		w.Failf("%s: handler of %v consumed %d of %d bytes", e.m.name, e.remote, consumed, n)
		return
	}
	for i := range rest[:consumed] {
		rest[i] = 0xdb
	}
	e.read += consumed
	e.shown = n - consumed
	if e.read == len(e.rbuf) {
		e.rbuf, e.read = e.rbuf[:0], 0
	} else if e.read > windowSize {
		e.rbuf = append([]byte(nil), e.rbuf[e.read:]...)
		e.read = 0
	}
	if consumed > 0 && e.peer.queued > 0 {
		e.peer.planFlush()
	}
	if err != nil && e.state < lingering {
		e.shut(err)
	}
}

// Pause implements env.Stream.
func (e *end) Pause(reading bool) {
	if e.paused == reading {
		return
	}
	e.paused = reading
	if !reading {
		e.heard = e.m.w.now
		e.again = true
		e.planDeliver()
		e.armTimeout()
	}
}

// SetReadTimeout implements env.Stream.
func (e *end) SetReadTimeout(d time.Duration) {
	e.timeout = int64(d)
	e.heard = e.m.w.now
	e.armTimeout()
}

// armTimeout plans the next look at the read timeout.
func (e *end) armTimeout() {
	if e.timeout == 0 || e.planned.timer || e.paused || e.state >= lingering {
		return
	}
	e.planned.timer = true
	e.m.w.schedule(e.heard+e.timeout-e.m.w.now, e.p, kindTimer, "", e.checkTimeout)
}

func (e *end) checkTimeout() {
	e.planned.timer = false
	if e.timeout == 0 || e.paused || e.state >= lingering {
		return
	}
	if e.m.w.now-e.heard >= e.timeout {
		e.shut(env.ErrTimeout)
		return
	}
	e.armTimeout()
}
