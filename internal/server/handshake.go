package server

import (
	"errors"
	"fmt"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// errNotServing and the others are why a connection is closed without an answer.
var (
	errNotServing = errors.New("not serving")
	errReadOnly   = errors.New("only read-only clients are served")
	errGlobal     = errors.New("a session of the whole ensemble, or a new one, needs a leader")
	errZxidAhead  = errors.New("client has seen a later zxid")
)

// first takes the ConnectRequest. The caller holds mu.
func (c *conn) first(b []byte) (int, error) {
	if len(b) < wire.FrameHeaderLen {
		return 0, nil
	}
	if kind := foreignOf([wire.FrameHeaderLen]byte(b), c.server.limits.frame); kind != notForeign {
		return c.turnAway(kind, b)
	}
	service, err := c.server.atTheDoor(c)
	if err != nil || service == zk.NoService {
		return 0, err
	}
	frame, n, err := c.split(b)
	if err != nil || n == 0 {
		return 0, err
	}
	var r wire.ConnectRequest
	if err := r.Decode(frame); err != nil {
		return 0, fmt.Errorf("decode connect request: %w", err)
	}
	c.counts.received.Add(1)
	c.server.counts.received.Add(1)
	return n, c.connect(&r, service)
}

// isWord returns the four-letter word that a connection begins with.
func (c *conn) isWord(b []byte) (string, bool) {
	if c.server.o.Words == nil || len(b) < wire.FrameHeaderLen {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != opening {
		return "", false
	}
	return wire.FourLetterWord([4]byte(b))
}

// word answers a four-letter word, once what must follow it is there too, and
// closes (client-protocol.md 1.5). The answer is made without mu, since it may
// describe this connection too.
func (c *conn) word(word string, b []byte) (int, error) {
	words, rest := c.server.o.Words, b[wire.FrameHeaderLen:]
	if len(rest) < words.Argument(word) {
		return 0, nil
	}
	answer, ok := words.Word(word, rest, c.remote)
	if ok && len(answer) > 0 {
		if err := c.stream.SendShared(answer); err != nil {
			c.stream.Close()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finish()
	return len(b), nil
}

// Service says which clients are welcome.
func (s *Server) Service() zk.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.service
}

// connect follows the order of client-protocol.md 2.3. service is the one that the
// client found at the door: if that is over before the client is enlisted, there may be
// nobody left to answer it, so it is not asked for again. The caller holds mu.
func (c *conn) connect(r *wire.ConnectRequest, service zk.Service) error {
	s := c.server
	if err := c.withinRate(r); err != nil {
		return err
	}
	c.limited = service == zk.ReadOnly
	if c.limited && !r.ReadOnly {
		return errReadOnly
	}
	if t := s.tree.Load(); t == nil || r.LastZxid > t.LastZxid() {
		return errZxidAhead
	}
	timeout := s.limits.timeout(r.Timeout)
	c.timeout.Store(timeout)
	c.readOnly = r.HasReadOnly
	if r.Session != 0 && !s.o.Passwords.Valid(r.Session, r.Password) {
		c.refuse() // before anything of the session is touched: H7
		return nil
	}
	local := s.isLocal(r.Session)
	if c.limited && !local {
		// Without a leader nobody knows whether the session lives, so it is not
		// called expired (INV-S6); nor can one of the ensemble begin (H8).
		return errGlobal
	}
	id, old, err := s.enlist(c, r.Session, service)
	if err != nil {
		return err
	}
	c.phase = connecting
	c.creates.Store(r.Session == 0)
	c.local.Store(local)
	c.stream.Pause(true)
	if old != nil {
		// Closing calls back into the stream only, never into this connection.
		old.drop()
	}
	switch {
	case local:
		s.local.open(id, timeout)
		s.attach(id, c)
		c.welcome(id)
	case r.Session == 0:
		s.o.Proposer.Submit(&Request{Session: id, Op: zk.OpCreateSession, Timeout: timeout, Auth: c.identities(), Term: c.term})
	default:
		s.o.Proposer.Revalidate(id, timeout)
	}
	return nil
}

// isLocal reports whether a session is, or a new one would be, known to this
// server only.
func (s *Server) isLocal(id zk.SessionID) bool {
	return s.local != nil && (id == 0 || s.local.has(id))
}

// enlist makes c wait for a session, a new one if id is 0. old is the
// connection that has it so far.
func (s *Server) enlist(c *conn, id zk.SessionID, service zk.Service) (zk.SessionID, *conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service != service {
		return 0, nil, errNotServing
	}
	if id == 0 {
		id = s.ids.Next()
	}
	old := s.attached[id]
	if old == nil {
		old = s.connecting[id]
	}
	delete(s.attached, id)
	s.connecting[id] = c
	c.term = s.term
	c.session.Store(int64(id))
	return id, old, nil
}

// refuse answers that the session does not exist, and closes (2.2). The caller
// holds mu.
func (c *conn) refuse() {
	c.respond(0, 0, make([]byte, zk.PasswordLen))
	c.finish()
}

// respond sends the ConnectResponse.
func (c *conn) respond(id zk.SessionID, timeout int32, password []byte) {
	r := wire.ConnectResponse{
		Timeout: timeout, Session: id, Password: password, ReadOnly: c.limited, HasReadOnly: c.readOnly,
	}
	b, at := wire.BeginFrame(nil)
	c.sent(c.stream.Send(wire.EndFrame(r.Append(b), at)))
}

// settle ends the handshake of a connection that waits for session id.
func (s *Server) settle(id zk.SessionID, valid bool) {
	s.mu.Lock()
	c := s.connecting[id]
	delete(s.connecting, id)
	if c != nil && valid {
		s.attached[id] = c
	}
	s.mu.Unlock()
	if c != nil && !c.conclude(id, valid) {
		s.detach(c)
	}
}

// attach makes c the connection of a session that waits for nothing.
func (s *Server) attach(id zk.SessionID, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connecting, id)
	s.attached[id] = c
}

// conclude answers the ConnectRequest. It reports false when the connection has
// no session now.
func (c *conn) conclude(id zk.SessionID, valid bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != connecting {
		return false
	}
	if !valid {
		c.refuse()
		return false
	}
	c.welcome(id)
	return true
}

// welcome lets the client's requests in. The caller holds mu.
func (c *conn) welcome(id zk.SessionID) {
	password := c.server.o.Passwords.Of(id)
	timeout := c.timeout.Load()
	c.phase = open
	c.heard.Store(true)
	c.respond(id, timeout, password[:])
	c.stream.SetReadTimeout(time.Duration(timeout)*time.Millisecond + c.server.limits.idleSlack)
	c.stream.Pause(false)
}

// Revalidated answers whether a session may be attached here.
func (s *Server) Revalidated(id zk.SessionID, valid bool) { s.settle(id, valid) }

// Moved says that a session is attached to another server now.
func (s *Server) Moved(id zk.SessionID) {
	s.mu.Lock()
	c := s.attached[id]
	s.mu.Unlock()
	if c != nil {
		c.drop()
	}
}
