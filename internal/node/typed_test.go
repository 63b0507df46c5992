package node_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A session is a client that says what it sends, and wants what it gets.
type session struct {
	t    *testing.T
	conn net.Conn
	id   zk.SessionID
	xid  int32
	last wire.ReplyHeader
}

// open begins a session.
func open(t *testing.T, addr string) *session {
	t.Helper()
	s := &session{t: t, conn: dial(t, addr)}
	s.send(wire.ConnectRequest{Timeout: 20000, Password: make([]byte, zk.PasswordLen), HasReadOnly: true}.Append(nil))
	var r wire.ConnectResponse
	if err := r.Decode(s.receive()); err != nil || r.Session == 0 {
		t.Fatalf("no session at %s: %+v, %v", addr, r, err)
	}
	s.id = r.Session
	return s
}

func (s *session) send(payload []byte) {
	s.t.Helper()
	if _, err := s.conn.Write(wire.AppendFrame(nil, payload)); err != nil {
		s.t.Fatal(err)
	}
}

// receive reads the payload of a frame.
func (s *session) receive() []byte {
	s.t.Helper()
	b, err := readOne(s.conn, false, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return b[wire.FrameHeaderLen:]
}

// raw sends a request with any body and returns the code and the body of its reply.
func (s *session) raw(op zk.OpCode, body []byte) (zk.Code, []byte) {
	s.t.Helper()
	s.xid++
	s.send(append(wire.RequestHeader{Xid: s.xid, Op: op}.Append(nil), body...))
	b := s.receive()
	if err := s.last.Decode(b); err != nil || s.last.Xid != s.xid {
		s.t.Fatalf("%v: reply %x to request %d, %v", op, b, s.xid, err)
	}
	return s.last.Err, b[wire.ReplyHeaderLen:]
}

// want sends a request and wants it to end in code; it returns the reply's body.
func (s *session) want(code zk.Code, op zk.OpCode, body wire.Record) []byte {
	s.t.Helper()
	var b []byte
	if body != nil {
		b = body.Append(nil)
	}
	got, reply := s.raw(op, b)
	if got != code {
		s.t.Fatalf("%v %+v: got %v, want %v", op, body, got, code)
	}
	return reply
}

// wantEnd wants the server to have closed the connection.
func (s *session) wantEnd() {
	s.t.Helper()
	if b, err := io.ReadAll(s.conn); len(b) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
		s.t.Fatalf("got %x, %v, want the end", b, err)
	}
}

func newNode(path string, mode zk.CreateMode) wire.CreateRequest {
	return wire.CreateRequest{Path: path, Data: []byte("x"), ACL: zk.OpenACL(), Flags: mode}
}

func at(path string) wire.PathWatchRequest { return wire.PathWatchRequest{Path: path} }
