package host

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

func TestBacklog(t *testing.T) { // clientPortListenBacklog, operations.md 8.1
	h := newTestHost(t)
	for _, want := range []int{3, 70} {
		l, err := h.Env().Net.Listen("127.0.0.1:0", env.StreamOptions{Backlog: want}, func(env.Stream) env.Handler { return nil })
		if err != nil {
			t.Fatal(err)
		}
		raw, err := l.(*listener).Listener.(*net.TCPListener).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil || int(info.Sacked) != want { // of a listener: its backlog
				t.Errorf("backlog is %+v, %v; want %d", info, err, want)
			}
		})
		l.Close()
	}
}
