package peers

import (
	"errors"
	"net/netip"
	"time"

	"ostler/internal/env"
)

// A fakeStream records what is done to it.
type fakeStream struct {
	handler  env.Handler
	sent     []byte
	backlog  int // what SendQueued says
	paused   bool
	closed   bool
	flushing bool // CloseAfterFlush was called
}

func (s *fakeStream) Send(b []byte) error {
	if s.closed {
		return env.ErrClosed
	}
	s.sent = append(s.sent, b...)
	return nil
}
func (s *fakeStream) SendShared(b []byte) error    { return s.Send(b) }
func (s *fakeStream) SendQueued() int              { return s.backlog }
func (s *fakeStream) Pause(on bool)                { s.paused = on }
func (s *fakeStream) SetReadTimeout(time.Duration) {}
func (s *fakeStream) CloseAfterFlush()             { s.flushing = true }
func (s *fakeStream) Remote() netip.AddrPort       { return netip.MustParseAddrPort("127.0.0.1:1") }
func (s *fakeStream) Local() netip.AddrPort        { return netip.MustParseAddrPort("127.0.0.1:2") }
func (s *fakeStream) Close() {
	if !s.closed {
		s.closed = true
		if s.handler != nil {
			s.handler.Closed(nil)
		}
	}
}

// deliver feeds b in pieces of n bytes, as the env does, and returns what stayed.
func (s *fakeStream) deliver(b []byte, n int) (rest []byte, err error) {
	for len(b) > 0 {
		k := min(n, len(b))
		rest, b = append(rest, b[:k]...), b[k:]
		used, err := s.handler.Data(rest)
		if err != nil {
			return rest, err
		}
		rest = rest[used:]
	}
	return rest, nil
}

// A fakeNet remembers dials, which the test answers.
type fakeNet struct {
	accept func(env.Stream) env.Handler
	dials  []fakeDial
	closed bool
	broken map[string]bool // addresses that cannot be listened at
}

type fakeDial struct {
	addr      string
	timeout   time.Duration
	connected func(env.Stream, error) env.Handler
}

func (n *fakeNet) Listen(addr string, _ env.StreamOptions, accept func(env.Stream) env.Handler) (env.Listener, error) {
	if n.broken[addr] {
		return nil, errors.New("no such address")
	}
	n.accept = accept
	return n, nil
}

func (n *fakeNet) Dial(addr string, timeout time.Duration, _ env.StreamOptions, f func(env.Stream, error) env.Handler) {
	n.dials = append(n.dials, fakeDial{addr, timeout, f})
}
func (n *fakeNet) Addr() netip.AddrPort { return netip.AddrPort{} }
func (n *fakeNet) Close()               { n.closed = true }

// incoming is a new connection to the port.
func (n *fakeNet) incoming() *fakeStream {
	s := &fakeStream{}
	s.handler = n.accept(s)
	return s
}

// answer lets the oldest dial succeed.
func (n *fakeNet) answer() *fakeStream {
	s := &fakeStream{}
	d := n.dials[0]
	n.dials = n.dials[1:]
	s.handler = d.connected(s, nil)
	return s
}

// A fakeLoop is clock, loops and the one loop; time passes when step is called.
type fakeLoop struct {
	step  func() func()
	wakes []time.Time
	stops int
}

func (l *fakeLoop) Start(_ string, step func() func()) env.Loop { l.step = step; return l }
func (l *fakeLoop) Parallel(int, func(int))                     {}
func (l *fakeLoop) Wake()                                       {}
func (l *fakeLoop) Stop()                                       { l.stops++ }
func (l *fakeLoop) Now() time.Time                              { return time.Unix(100, 0) }
func (l *fakeLoop) Wall() time.Time                             { return l.Now() }
func (l *fakeLoop) WakeAt(t time.Time, _ env.Waker)             { l.wakes = append(l.wakes, t) }
