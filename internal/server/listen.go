package server

import (
	"fmt"
	"net/netip"

	"ostler/internal/env"
)

// A port is one that clients connect to. The limits of client-protocol.md 2.15
// hold for each port.
type port struct {
	server *Server

	// Guarded by Server.mu.
	total   int
	perAddr map[netip.Addr]int
}

func (s *Server) newPort() *port { return &port{server: s, perAddr: make(map[netip.Addr]int)} }

// Listen opens a client port.
func (s *Server) Listen(net env.Net, addr string) (env.Listener, error) {
	o := env.StreamOptions{SendLimit: sendLimit, KeepAlive: s.cfg.ClientKeepAlive, Backlog: s.cfg.Backlog}
	return net.Listen(addr, o, s.newPort().accept)
}

// accept takes a connection unless there are too many. What it will ask for, a
// session or a four-letter word, is not known yet.
func (p *port) accept(stream env.Stream) env.Handler {
	c, limit := p.enlist(stream)
	if c != nil {
		return c
	}
	if s := p.server; limit != "" {
		s.counts.rejected.Add(1)
		s.warn(&s.rare.refused, "connection refused: too many connections ("+limit+")", "addr", stream.Remote(), "port", stream.Local().Port())
	}
	return nil
}

// enlist makes a connection, or names the setting that it would exceed.
func (p *port) enlist(stream env.Stream) (c *conn, limit string) {
	s, addr := p.server, stream.Remote().Addr()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ""
	case s.cfg.MaxCnxns > 0 && p.total >= s.cfg.MaxCnxns:
		return nil, fmt.Sprintf("maxCnxns=%d", s.cfg.MaxCnxns)
	case s.cfg.MaxClientCnxns > 0 && p.perAddr[addr] >= s.cfg.MaxClientCnxns:
		return nil, fmt.Sprintf("maxClientCnxns=%d", s.cfg.MaxClientCnxns)
	}
	s.accepted++
	c = newConn(s, stream, s.accepted)
	c.port = p
	s.conns[c] = struct{}{}
	p.total++
	p.perAddr[addr]++
	if d := s.cfg.SessionlessTimeout; d > 0 {
		s.forgetFresh()
		s.fresh = append(s.fresh, freshConn{c, s.clock.Now().Add(d)})
		s.awaitFresh()
	}
	return c, ""
}

// left counts a connection that has ended. The caller holds Server.mu.
func (p *port) left(addr netip.Addr) {
	p.total--
	if p.perAddr[addr]--; p.perAddr[addr] == 0 {
		delete(p.perAddr, addr)
	}
}
