//go:build interop

package differ

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// How long a server may take to answer: by default, and once it is known that one
// takes for ever.
const (
	patience   = 30 * time.Second
	impatience = 3 * time.Second
)

// A gotKind says what came from a server.
type gotKind int

const (
	greeted gotKind = iota // a ConnectResponse
	replied
	event
	silent // a later request was answered, this one was not
	closed // the server ended the connection
)

// A got is one thing that came from a server.
type got struct {
	kind gotKind
	req  request // what was answered, or not
	head wire.ReplyHeader
	body []byte // behind the header; the whole of a ConnectResponse
}

// last reports whether the server closes the connection behind g
// (client-protocol.md 2.2, 2.10, 3.5, 7.5).
func (g got) last() bool {
	switch {
	case g.kind == greeted:
		var r wire.ConnectResponse
		return r.Decode(g.body) == nil && r.Session == 0
	case g.kind != replied:
		return false
	}
	return g.req.op == zk.OpCloseSession || g.head.Err == zk.AuthFailed || g.head.Err == zk.Unimplemented && g.head.Zxid == -1
}

// A link is one connection to one server.
type link struct {
	conn    net.Conn
	in      *bufio.Reader
	greet   bool      // the ConnectResponse is still to come
	waiting []request // sent and not answered
	open    bool
	limit   time.Duration // for answers
}

func dial(addr string, limit time.Duration) (*link, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	return &link{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), greet: true, open: true, limit: limit}, nil
}

// send sends bytes that hold these requests, and a ping behind them. That the
// server has gone shows when the answers are read.
func (l *link) send(b []byte, reqs []request) {
	l.conn.SetDeadline(time.Now().Add(l.limit))
	l.waiting = append(l.waiting, reqs...)
	l.waiting = append(l.waiting, marker)
	b = marker.append(b, nil)
	if half := len(b) / 2; half%4 == 1 { // frames may come in pieces
		l.conn.Write(b[:half])
		b = b[half:]
	}
	l.conn.Write(b)
}

// marker ends every step.
var marker = request{xid: wire.XidPing, op: zk.OpPing, mark: true}

// collect reads until the marker is answered, or the connection ends. Behind an
// answer that is a connection's last, the marker may or may not be answered.
func (l *link) collect() ([]got, error) {
	var list []got
	ending := false
	for {
		payload, err := l.frame()
		if err != nil {
			if e, ok := err.(net.Error); ok && e.Timeout() {
				return list, fmt.Errorf("no answer within %v; waiting for %v", l.limit, l.waiting)
			}
			l.close()
			return append(list, got{kind: closed}), nil
		}
		more, done := l.take(payload)
		if done && ending {
			continue
		}
		list = append(list, more...)
		if done {
			return list, nil
		}
		ending = ending || slices.ContainsFunc(more, got.last)
	}
}

func (l *link) frame() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(l.in, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > 64<<20 {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(l.in, b)
	return b, err
}

// take finds out what a frame is. done says that the marker was answered.
func (l *link) take(b []byte) (list []got, done bool) {
	if l.greet || len(l.waiting) > 0 && l.waiting[0].op == zk.OpCreateSession && isGreeting(b) {
		if !l.greet {
			l.waiting = l.waiting[1:]
		}
		l.greet = false
		return []got{{kind: greeted, body: b}}, false
	}
	var h wire.ReplyHeader
	if h.Decode(b) != nil {
		return []got{{kind: replied, body: b}}, false
	}
	if h.Xid == wire.XidNotification {
		return []got{{kind: event, head: h, body: b[wire.ReplyHeaderLen:]}}, false
	}
	for len(l.waiting) > 0 {
		r := l.waiting[0]
		l.waiting = l.waiting[1:]
		if h.Xid == wire.XidPing && r.op != zk.OpPing {
			list = append(list, got{kind: silent, req: r})
			continue
		}
		return append(list, got{kind: replied, req: r, head: h, body: b[wire.ReplyHeaderLen:]}), r.mark
	}
	return []got{{kind: replied, head: h, body: b[wire.ReplyHeaderLen:]}}, false
}

// isGreeting tells a ConnectResponse from a reply.
func isGreeting(b []byte) bool {
	var r wire.ConnectResponse
	return r.Decode(b) == nil && len(r.Password) == zk.PasswordLen
}

func (l *link) close() {
	if l.open {
		l.open = false
		l.conn.Close()
	}
}
