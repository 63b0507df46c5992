package rawclient

import (
	"errors"
	"fmt"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// ErrExpired says that the servers do not know the session any more. The next
// Attach makes a new one.
var ErrExpired = errors.New("the session has expired")

// A Session goes from connection to connection. It sends no pings: its user calls
// something often enough. Not for concurrent use.
type Session struct {
	Timeout time.Duration

	conn     *Conn
	id       zk.SessionID
	password []byte
	seen     zk.Zxid // no server may be attached to that is behind this
	xid      int32
}

// ID names the session, 0 before the first Attach.
func (s *Session) ID() zk.SessionID { return s.id }

// Attached reports whether there is a connection, as far as is known.
func (s *Session) Attached() bool { return s.conn != nil }

// Attach connects to one server and takes the session there, or makes one. A server
// that does not answer within limit has failed.
func (s *Session) Attach(addr string, limit time.Duration) error {
	s.Detach()
	conn, err := Dial(addr, limit)
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(limit))
	password := s.password
	if s.id == 0 {
		password = make([]byte, zk.PasswordLen)
	}
	r, err := conn.Open(wire.ConnectRequest{
		Timeout: int32(s.Timeout.Milliseconds()), LastZxid: s.seen, Session: s.id, Password: password, HasReadOnly: true,
	})
	if err == nil && r.Session == 0 {
		s.id, s.password, err = 0, nil, ErrExpired
	}
	if err != nil {
		conn.Close()
		return fmt.Errorf("attach to %s: %w", addr, err)
	}
	s.conn, s.id, s.password = conn, r.Session, r.Password
	return nil
}

// Call sends one request, whose body may be nil, and waits for its reply, at most for the session's timeout.
// After an error, which is none of the reply's, there is no connection, and the
// request may have been carried out or not.
func (s *Session) Call(op zk.OpCode, body wire.Record) (h wire.ReplyHeader, reply []byte, err error) {
	h, reply, err = s.call(op, body)
	if err != nil {
		s.Detach()
	}
	return h, reply, err
}

func (s *Session) call(op zk.OpCode, body wire.Record) (h wire.ReplyHeader, reply []byte, err error) {
	if s.conn == nil {
		return h, nil, errors.New("not connected")
	}
	s.conn.SetDeadline(time.Now().Add(s.Timeout))
	s.xid++
	records := []wire.Record{wire.RequestHeader{Xid: s.xid, Op: op}}
	if body != nil {
		records = append(records, body)
	}
	s.conn.Send(records...)
	if err := s.conn.Flush(); err != nil {
		return h, nil, err
	}
	reply, err = s.conn.Next()
	if err != nil {
		return h, nil, err
	}
	if err := h.Decode(reply); err != nil {
		return h, nil, err
	}
	if h.Xid != s.xid {
		return h, nil, fmt.Errorf("reply %+v to request %d", h, s.xid)
	}
	s.seen = max(s.seen, h.Zxid)
	return h, reply[wire.ReplyHeaderLen:], nil
}

// End ends the session, if there is a connection.
func (s *Session) End() {
	s.Call(zk.OpCloseSession, nil)
	s.Detach()
}

// Detach closes the connection; the session goes on.
func (s *Session) Detach() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
