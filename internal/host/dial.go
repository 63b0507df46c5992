package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"ostler/internal/env"
)

const (
	// resolveTime is how long a name is looked up at most: a slow name server must not
	// hold up an election (kubernetes.md 4.1).
	resolveTime = 2 * time.Second
	// nextAnswer is when the next of a name's addresses is tried while those before it
	// are silent.
	nextAnswer = 100 * time.Millisecond
)

// A dial under way ends with the host's context, so there is nothing to close.
type dial struct{ _ byte }

func (*dial) Close() {}

// Dial implements env.Net.
func (n network) Dial(addr string, timeout time.Duration, o env.StreamOptions, connected func(env.Stream, error) env.Handler) {
	if !n.h.start(new(dial), func() { n.dial(addr, timeout, o, connected) }) {
		connected(nil, env.ErrClosed)
	}
}

// dial connects; the goroutine goes on as the stream's reader.
func (n network) dial(addr string, timeout time.Duration, o env.StreamOptions, connected func(env.Stream, error) env.Handler) {
	ctx, cancel := n.h.ctx, context.CancelFunc(func() {})
	if timeout != 0 {
		ctx, cancel = context.WithTimeout(ctx, timeout)
	}
	conn, err := connect(ctx, addr)
	cancel()
	if err != nil {
		connected(nil, fmt.Errorf("dial %s: %w", addr, err))
		return
	}
	s, err := newStream(n.h, conn, o)
	if err != nil {
		conn.Close()
		connected(nil, fmt.Errorf("dial %s: %w", addr, err))
		return
	}
	handler := connected(s, nil)
	if handler == nil {
		s.abort()
		return
	}
	s.setHandler(handler)
	if !n.h.start(s, s.run) {
		s.run()
	}
}

// connect makes a connection to whichever address of a host answers first. The name is
// looked up each time: a server that has moved is found where it is now.
func connect(ctx context.Context, addr string) (*net.TCPConn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	answers, err := resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &contest{ctx: ctx, port: port, answers: answers, done: make(chan outcome, len(answers))}
	defer r.end()
	defer cancel()
	return r.run()
}

// resolve looks a name up.
func resolve(ctx context.Context, host string) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return []string{host}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	answers, err := net.DefaultResolver.LookupHost(ctx, host)
	if err == nil && len(answers) == 0 {
		err = errors.New("no such host")
	}
	return answers, err
}

// A contest is a connection that is being made to one of several addresses.
type contest struct {
	ctx     context.Context
	port    string
	answers []string // not dialled yet
	active  int      // dials under way
	done    chan outcome
	errs    []error
}

type outcome struct {
	conn net.Conn
	err  error
}

// run returns the first connection, or why there is none. An address is tried when those
// before it have failed, or are silent.
func (c *contest) run() (*net.TCPConn, error) {
	c.next()
	for c.active > 0 {
		var silent <-chan time.Time
		if len(c.answers) > 0 {
			silent = time.After(nextAnswer)
		}
		select {
		case <-silent:
			c.next()
		case o := <-c.done:
			c.active--
			if o.err == nil {
				return o.conn.(*net.TCPConn), nil
			}
			c.errs = append(c.errs, o.err)
			c.next()
		}
	}
	return nil, errors.Join(c.errs...)
}

// next dials the next address, if there is one.
func (c *contest) next() {
	if len(c.answers) == 0 {
		return
	}
	to := net.JoinHostPort(c.answers[0], c.port)
	c.answers = c.answers[1:]
	c.active++
	go func() {
		d := net.Dialer{KeepAlive: -1}
		conn, err := d.DialContext(c.ctx, "tcp", to)
		c.done <- outcome{conn, err}
	}()
}

// end waits for the dials that are not needed any more.
func (c *contest) end() {
	for ; c.active > 0; c.active-- {
		if o := <-c.done; o.err == nil {
			o.conn.Close()
		}
	}
}
