package host

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

// vanish lets a connection's other side see no answer any more, as if this machine were
// gone: a filter drops every segment that arrives.
func vanish(t *testing.T, conn net.Conn) {
	t.Helper()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
	var failed error
	raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	if failed != nil {
		t.Fatal(failed)
	}
}

// A machine that is gone without a word is found, whether something was sent to it or
// not (quorum.md R23).
func TestAMachineThatIsGoneIsFound(t *testing.T) {
	for name, send := range map[string]bool{"idle": false, "sending": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newTestHost(t)
			closed := make(chan error, 1)
			accepted := make(chan env.Stream, 1)
			l, err := h.Env().Net.Listen("127.0.0.1:0", env.StreamOptions{LostAfter: time.Second}, func(s env.Stream) env.Handler {
				accepted <- s
				return closing(closed)
			})
			if err != nil {
				t.Fatal(err)
			}
			conn := dialTest(t, l.Addr().String())
			s := <-accepted
			vanish(t, conn)
			if send {
				if err := s.Send([]byte("is anybody there?")); err != nil {
					t.Fatal(err)
				}
			}
			select {
			case err := <-closed:
				if err == nil {
					t.Error("the stream ended without an error")
				}
			case <-time.After(time.Minute):
				t.Error("the stream is still open")
			}
		})
	}
}

// A reader that takes its time is not taken for gone, though nothing can be sent to it.
func TestASlowReaderIsNotTakenForGone(t *testing.T) {
	t.Parallel()
	h := newTestHost(t)
	closed := make(chan error, 1)
	accepted := make(chan env.Stream, 1)
	l, err := h.Env().Net.Listen("127.0.0.1:0", env.StreamOptions{LostAfter: time.Second}, func(s env.Stream) env.Handler {
		accepted <- s
		return closing(closed)
	})
	if err != nil {
		t.Fatal(err)
	}
	conn := dialTest(t, l.Addr().String())
	s := <-accepted
	const size = 32 << 20
	if err := s.Send(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-closed:
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(4 * time.Second):
	}
	conn.SetReadDeadline(time.Now().Add(time.Minute))
	for n := 0; n < size; {
		k, err := conn.Read(make([]byte, 1<<20))
		if err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		n += k
	}
}

// closing is a handler that tells how its stream ended.
type closing chan error

func (c closing) Data(b []byte) (int, error) { return len(b), nil }
func (c closing) Writable()                  {}
func (c closing) Closed(err error)           { c <- err }

func dialTest(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
