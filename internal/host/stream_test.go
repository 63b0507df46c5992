package host

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

// recorder is a Handler that hands everything to the test.
type recorder struct {
	stream env.Stream
	data   func(r *recorder, b []byte) (int, error)
	closed chan error
	drains chan struct{}
}

func (r *recorder) Data(b []byte) (int, error) { return r.data(r, b) }
func (r *recorder) Writable()                  { r.drains <- struct{}{} }
func (r *recorder) Closed(err error)           { r.closed <- err }

// listen opens a port whose connections are handled by data, and returns one
// connection to it with both ends.
func listen(t *testing.T, h *Host, o env.StreamOptions, data func(r *recorder, b []byte) (int, error)) (*recorder, *net.TCPConn) {
	t.Helper()
	accepted := make(chan *recorder, 1)
	l, err := h.Env().Net.Listen("127.0.0.1:0", o, func(s env.Stream) env.Handler {
		r := &recorder{stream: s, data: data, closed: make(chan error, 2), drains: make(chan struct{}, 100)}
		accepted <- r
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return receive(t, accepted, "the connection"), c.(*net.TCPConn)
}

// echo sends back what arrives.
func echo(r *recorder, b []byte) (int, error) { return len(b), r.stream.Send(b) }

// readExactly reads n bytes or fails.
func readExactly(t *testing.T, c io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		t.Fatalf("read %d bytes: %v", n, err)
	}
	return b
}

func TestEchoOfManySizes(t *testing.T) {
	_, c := listen(t, newTestHost(t), env.StreamOptions{}, echo)
	for _, n := range []int{1, 511, 512, 513, 4096, 70000, 1 << 20} {
		want := bytes.Repeat([]byte{byte(n), 1, 2}, n)[:n]
		go c.Write(want)
		if got := readExactly(t, c, n); !bytes.Equal(got, want) {
			t.Fatalf("echo of %d bytes differs", n)
		}
	}
}

func TestUnconsumedBytesComeAgain(t *testing.T) {
	const frame = 100000
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, func(r *recorder, b []byte) (int, error) {
		if len(b) < frame {
			return 0, nil
		}
		return frame, r.stream.Send(b[:frame])
	})
	want := bytes.Repeat([]byte("0123456789"), frame/2)
	go c.Write(want)
	// The rest of what came is delivered with what comes next, so one more byte asks for it.
	got := readExactly(t, c, frame)
	if !bytes.Equal(got, want[:frame]) {
		t.Errorf("the first frame differs")
	}
	r.stream.Close()
	if err := receive(t, r.closed, "Closed"); err != nil {
		t.Errorf("Closed(%v) after an own Close, want nil", err)
	}
}

func TestPauseHoldsBackAndDeliversTheRest(t *testing.T) {
	calls := make(chan string, 10)
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, func(r *recorder, b []byte) (int, error) {
		r.stream.Pause(true)
		calls <- string(b)
		return 1, nil
	})
	c.Write([]byte("abc"))
	for _, want := range []string{"abc", "bc", "c"} {
		if got := receive(t, calls, "Data"); got != want {
			t.Errorf("Data(%q), want %q", got, want)
		}
		r.stream.Pause(false)
	}
	c.Write([]byte("d"))
	if got := receive(t, calls, "Data"); got != "d" {
		t.Errorf("Data(%q), want d", got)
	}
	c.Write([]byte("e"))
	select {
	case got := <-calls:
		t.Errorf("Data(%q) while paused", got)
	case <-time.After(20 * time.Millisecond):
	}
	r.stream.Close()
	receive(t, r.closed, "Closed while paused")
}

func TestSendFromAnotherGoroutineKeepsOrder(t *testing.T) {
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, echo)
	var want []byte
	for i := range 2000 {
		b := bytes.Repeat([]byte{byte(i)}, i%1500+1)
		want = append(want, b...)
		var err error
		if i%2 == 0 {
			err = r.stream.Send(b)
		} else {
			err = r.stream.SendShared(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := readExactly(t, c, len(want)); !bytes.Equal(got, want) {
		t.Errorf("what was sent arrived in another order")
	}
}

func TestFullQueueAndWritable(t *testing.T) {
	const limit = 32 << 20
	r, c := listen(t, newTestHost(t), env.StreamOptions{SendLimit: limit, LowWater: 1 << 10}, echo)
	block := make([]byte, 1<<20)
	sent := 0
	for {
		err := r.stream.SendShared(block)
		if errors.Is(err, env.ErrFull) {
			break
		}
		if err != nil || sent > 4*limit {
			t.Fatalf("after %d bytes: %v", sent, err)
		}
		sent += len(block)
	}
	if q := r.stream.SendQueued(); q > limit {
		t.Errorf("%d bytes are queued, more than the limit %d", q, limit)
	}
	io.CopyN(io.Discard, c, int64(sent))
	receive(t, r.drains, "Writable")
}

func TestReadTimeout(t *testing.T) {
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, echo)
	r.stream.Pause(true)
	r.stream.SetReadTimeout(30 * time.Millisecond)
	select {
	case err := <-r.closed:
		t.Fatalf("Closed(%v) although time while paused does not count", err)
	case <-time.After(60 * time.Millisecond):
	}
	r.stream.Pause(false)
	if err := receive(t, r.closed, "Closed"); !errors.Is(err, env.ErrTimeout) {
		t.Errorf("Closed(%v), want ErrTimeout", err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a stream that timed out", n)
	}
}

func TestOtherSideCloses(t *testing.T) {
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, echo)
	c.Close()
	if err := receive(t, r.closed, "Closed"); !errors.Is(err, io.EOF) {
		t.Errorf("Closed(%v), want EOF", err)
	}
	if err := r.stream.Send([]byte("x")); !errors.Is(err, env.ErrClosed) {
		t.Errorf("Send after the end: %v, want ErrClosed", err)
	}
}

func TestErrorOfDataEndsTheStream(t *testing.T) {
	bad := errors.New("bad frame")
	r, c := listen(t, newTestHost(t), env.StreamOptions{}, func(*recorder, []byte) (int, error) { return 0, bad })
	c.Write([]byte("x"))
	if err := receive(t, r.closed, "Closed"); err != bad {
		t.Errorf("Closed(%v), want the error of Data", err)
	}
}

func TestCloseAfterFlushDeliversAll(t *testing.T) {
	for _, inside := range []bool{true, false} {
		answer := make([]byte, 8<<20)
		r, c := listen(t, newTestHost(t), env.StreamOptions{}, func(r *recorder, b []byte) (int, error) {
			if inside {
				r.stream.SendShared(answer)
				r.stream.CloseAfterFlush()
			}
			return 4, nil // what is behind stays unread
		})
		c.Write([]byte("ruok and more"))
		if !inside {
			r.stream.SendShared(answer)
			r.stream.CloseAfterFlush()
		}
		got, err := io.ReadAll(c)
		if err != nil || len(got) != len(answer) {
			t.Errorf("read %d bytes, %v; want %d and the end", len(got), err, len(answer))
		}
		c.Close()
		if err := receive(t, r.closed, "Closed"); err != nil {
			t.Errorf("Closed(%v), want nil", err)
		}
	}
}

func TestRefusedConnectionIsReset(t *testing.T) {
	h := newTestHost(t)
	l, err := h.Env().Net.Listen("127.0.0.1:0", env.StreamOptions{}, func(env.Stream) env.Handler { return nil })
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if errors.Is(err, unix.ECONNRESET) {
		return // so soon that the dial saw it
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes from a refused connection", n)
	}
}

func TestDial(t *testing.T) {
	h := newTestHost(t)
	n := h.Env().Net
	l, err := n.Listen("localhost:0", env.StreamOptions{}, func(s env.Stream) env.Handler {
		return &recorder{stream: s, data: echo, closed: make(chan error, 1)}
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	client := &recorder{closed: make(chan error, 1), data: func(r *recorder, b []byte) (int, error) {
		got <- string(b)
		return len(b), nil
	}}
	n.Dial(l.Addr().String(), time.Second, env.StreamOptions{KeepAlive: true}, func(s env.Stream, err error) env.Handler {
		if err != nil {
			t.Errorf("dial: %v", err)
			return nil
		}
		client.stream = s
		if err := s.Send([]byte("hello")); err != nil {
			t.Errorf("send: %v", err)
		}
		return client
	})
	if s := receive(t, got, "the echo"); s != "hello" {
		t.Errorf("got %q", s)
	}
	addr := l.Addr()
	l.Close()
	failed := make(chan error, 1)
	n.Dial(addr.String(), time.Second, env.StreamOptions{}, func(s env.Stream, err error) env.Handler {
		failed <- err
		return nil
	})
	if err := receive(t, failed, "the refusal"); err == nil {
		t.Errorf("a dial to a closed port succeeded")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	h := New(slog.New(slog.DiscardHandler))
	r, c := listen(t, h, env.StreamOptions{}, echo)
	paused, _ := listen(t, h, env.StreamOptions{}, echo)
	paused.stream.Pause(true)
	h.Close()
	receive(t, r.closed, "Closed")
	receive(t, paused.closed, "Closed")
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d bytes after Close", n)
	}
	if _, err := h.Env().Net.Listen("127.0.0.1:0", env.StreamOptions{}, nil); err == nil {
		t.Errorf("Listen after Close succeeded")
	}
	failed := make(chan error, 1)
	h.Env().Net.Dial("127.0.0.1:1", time.Second, env.StreamOptions{}, func(_ env.Stream, err error) env.Handler {
		failed <- err
		return nil
	})
	if err := receive(t, failed, "the refusal"); err == nil {
		t.Errorf("Dial after Close succeeded")
	}
}

func TestMappedAddressIsPlain(t *testing.T) {
	got := addrPort(&net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.1"), Port: 7})
	if want := netip.MustParseAddrPort("10.0.0.1:7"); got != want {
		t.Errorf("addrPort = %v, want %v", got, want)
	}
}
