package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

// network implements env.Net with TCP.
type network struct{ h *Host }

// acceptPause is how long accepting rests after an error such as a lack of
// file descriptors.
const acceptPause = 50 * time.Millisecond

// A listener accepts on a goroutine of its own.
type listener struct {
	net.Listener
	h      *Host
	o      env.StreamOptions
	accept func(env.Stream) env.Handler
	quit   context.CancelFunc
	ctx    context.Context
}

// Listen implements env.Net.
func (n network) Listen(addr string, o env.StreamOptions, accept func(env.Stream) env.Handler) (env.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1} // set for each stream
	ln, err := lc.Listen(n.h.ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if o.Backlog > 0 {
		if err := setBacklog(ln.(*net.TCPListener), o.Backlog); err != nil {
			ln.Close()
			return nil, fmt.Errorf("set backlog of %s to %d: %w", addr, o.Backlog, err)
		}
	}
	l := &listener{Listener: ln, h: n.h, o: o, accept: accept}
	l.ctx, l.quit = context.WithCancel(n.h.ctx)
	if !n.h.start(l, l.run) {
		l.Close()
		return nil, env.ErrClosed
	}
	return l, nil
}

// setBacklog changes how many connections may wait: a second listen on an open
// port does only that.
func setBacklog(ln *net.TCPListener, n int) error {
	raw, err := ln.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.Listen(int(fd), n) }); err != nil {
		return err
	}
	return failed
}

// run accepts until the listener is closed.
func (l *listener) run() {
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			l.serve(conn.(*net.TCPConn))
		case l.ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			return
		default:
			l.h.log.Warn("cannot accept", "addr", l.Addr(), "err", err)
			l.rest()
		}
	}
}

// rest waits before the next try.
func (l *listener) rest() {
	ctx, cancel := context.WithTimeout(l.ctx, acceptPause)
	defer cancel()
	<-ctx.Done()
}

// serve starts a stream, or resets the connection when it is not wanted.
func (l *listener) serve(conn *net.TCPConn) {
	s, err := newStream(l.h, conn, l.o)
	if err != nil {
		conn.Close()
		return
	}
	handler := l.accept(s)
	if handler == nil {
		conn.SetLinger(0)
		s.abort()
		return
	}
	s.setHandler(handler)
	if !l.h.start(s, s.run) {
		s.run() // closed at once; the handler is told
	}
}

// Addr implements env.Listener.
func (l *listener) Addr() netip.AddrPort { return addrPort(l.Listener.Addr()) }

// Close implements env.Listener.
func (l *listener) Close() {
	l.quit()
	l.Listener.Close()
}

// addrPort returns a TCP address as a value; IPv4 in its plain form.
func addrPort(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}
