package sim

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"ostler/internal/env"
)

// A peerEnd records what a stream tells, for tests of the network.
type peerEnd struct {
	stream env.Stream
	got    []byte
	closed int
	err    error
	take   func(b []byte) int // nil: all
	low    int
}

func (p *peerEnd) Data(b []byte) (int, error) {
	n := len(b)
	if p.take != nil {
		n = p.take(b)
	}
	p.got = append(p.got, b[:n]...)
	return n, nil
}

func (p *peerEnd) Writable() { p.low++ }

func (p *peerEnd) Closed(err error) {
	p.closed++
	p.err = err
}

// pair connects two machines.
func pair(t *testing.T, seed uint64, o env.StreamOptions) (w *World, a, b *Machine, ea, eb *peerEnd) {
	t.Helper()
	w = New(Options{Seed: seed})
	ea, eb = &peerEnd{}, &peerEnd{}
	var net env.Net
	a = w.AddMachine("a", func(e env.Env) (Server, error) { net = e.Net; return nopServer{}, nil })
	b = w.AddMachine("b", func(e env.Env) (Server, error) {
		_, err := e.Net.Listen("b:7", o, func(s env.Stream) env.Handler { eb.stream = s; return eb })
		return nopServer{}, err
	})
	a.Boot()
	b.Boot()
	net.Dial("b:7", time.Second, o, func(s env.Stream, err error) env.Handler {
		if err != nil {
			t.Errorf("dial: %v", err)
			return nil
		}
		ea.stream = s
		return ea
	})
	w.Run(100 * time.Millisecond)
	if ea.stream == nil || eb.stream == nil {
		t.Fatal("not connected")
	}
	return w, a, b, ea, eb
}

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7 / 3)
	}
	return b
}

func TestBytesArriveInOrderAndWhole(t *testing.T) {
	for seed := range uint64(20) {
		w, a, b, ea, eb := pair(t, seed, env.StreamOptions{})
		eb.take = func(b []byte) int { return len(b) / 16 * 16 }
		want := pattern(1 << 20)
		for i := 0; i < len(want); i += 1 << 14 {
			if err := ea.stream.Send(want[i : i+1<<14]); err != nil {
				t.Fatal(err)
			}
		}
		w.After(time.Millisecond, func() { w.Cut(a, b) })
		w.After(time.Second, func() { w.Heal(a, b) })
		w.Run(5 * time.Second)
		if string(eb.got) != string(want) {
			t.Errorf("seed %d: %d bytes arrived, want the %d that were sent", seed, len(eb.got), len(want))
		}
	}
}

func TestHowStreamsEnd(t *testing.T) {
	type world struct {
		w      *World
		a, b   *Machine
		ea, eb *peerEnd
	}
	for _, c := range []struct {
		name   string
		do     func(x world)
		ea, eb error // nil in ea: own Close
	}{
		{"close tells the other side", func(x world) { x.ea.stream.Close() }, nil, io.EOF},
		{"a killed process", func(x world) { x.a.Kill() }, nil, nil},
		{"silence for the read timeout", func(x world) { x.eb.stream.SetReadTimeout(time.Second) }, io.EOF, env.ErrTimeout},
		{"a machine without power says nothing", func(x world) {
			x.a.PowerOff()
			x.eb.stream.SetReadTimeout(time.Second)
		}, nil, env.ErrTimeout},
		{"sending to a machine that came back is answered with a reset", func(x world) {
			x.a.PowerOff()
			x.a.Boot()
			x.eb.stream.Send([]byte("hello"))
		}, nil, errReset},
		{"reset", func(x world) { x.w.ResetConnections(x.a, x.b, 1) }, errReset, errReset},
		{"close after flush delivers everything", func(x world) {
			x.ea.stream.Send(pattern(300 << 10))
			x.ea.stream.CloseAfterFlush()
		}, nil, io.EOF},
	} {
		w, a, b, ea, eb := pair(t, 3, env.StreamOptions{})
		c.do(world{w, a, b, ea, eb})
		w.Run(10 * time.Second)
		if eb.closed != 1 || c.eb != nil && !errors.Is(eb.err, c.eb) {
			t.Errorf("%s: the other side was told %d times, %v; want once, %v", c.name, eb.closed, eb.err, c.eb)
		}
		if a.Running() && a.boots == 1 && (ea.closed != 1 || !errors.Is(ea.err, c.ea)) {
			t.Errorf("%s: this side was told %d times, %v; want once, %v", c.name, ea.closed, ea.err, c.ea)
		}
		if strings.Contains(c.name, "flush") && len(eb.got) != 300<<10 {
			t.Errorf("%s: %d bytes arrived", c.name, len(eb.got))
		}
	}
}

func TestBackPressure(t *testing.T) {
	w, _, _, ea, eb := pair(t, 5, env.StreamOptions{SendLimit: 1 << 20, LowWater: 1 << 18})
	eb.stream.Pause(true)
	sent := 0
	for ea.stream.Send(pattern(1<<16)) == nil {
		sent += 1 << 16
		w.Run(time.Millisecond)
	}
	if sent < 1<<20 || sent > 1<<20+windowSize+1<<16 {
		t.Errorf("a paused reader let %d bytes through; want the limit and the window", sent)
	}
	if ea.low != 0 {
		t.Errorf("writable was told while the queue is full")
	}
	eb.stream.Pause(false)
	w.Run(5 * time.Second)
	if len(eb.got) != sent || ea.low != 1 || ea.stream.SendQueued() != 0 {
		t.Errorf("after resuming %d of %d bytes, writable told %d times, %d queued; want all, once, none",
			len(eb.got), sent, ea.low, ea.stream.SendQueued())
	}
}

func TestDialErrors(t *testing.T) {
	w := New(Options{Seed: 1})
	var net env.Net
	a := w.AddMachine("a", func(e env.Env) (Server, error) { net = e.Net; return nopServer{}, nil })
	b := w.AddMachine("b", func(env.Env) (Server, error) { return nopServer{}, nil })
	off := w.AddMachine("off", func(env.Env) (Server, error) { return nopServer{}, nil })
	cut := w.AddMachine("cut", func(env.Env) (Server, error) { return nopServer{}, nil })
	for _, m := range []*Machine{a, b, off, cut} {
		m.Boot()
	}
	off.PowerOff()
	w.Cut(cut, a)
	for addr, want := range map[string]error{"b:1": errRefused, "off:1": errDial, "cut:1": errDial, "nobody:1": errNoHost} {
		var got error
		net.Dial(addr, 3*time.Second, env.StreamOptions{}, func(_ env.Stream, err error) env.Handler {
			got = err
			return nil
		})
		w.Run(5 * time.Second)
		if !errors.Is(got, want) {
			t.Errorf("dial %s: got %v, want %v", addr, got, want)
		}
	}
}
