package server

import (
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
	s := p.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if limit, text := p.full(stream.Remote().Addr()); limit > 0 {
		s.counts.rejected.Add(1)
		s.warn(&s.rare.refused, "connection refused: "+text, "addr", stream.Remote(), "port", stream.Local().Port(), "limit", limit)
		return nil
	}
	s.accepted++
	c := newConn(s, stream, s.accepted)
	c.port = p
	s.conns[c] = struct{}{}
	p.total++
	p.perAddr[c.remote.Addr()]++
	if d := s.cfg.SessionlessTimeout; d > 0 {
		s.fresh = append(s.fresh, freshConn{c, s.clock.Now().Add(d)})
		if len(s.fresh) == 1 {
			s.clock.WakeAt(s.fresh[0].deadline, s.timerLoop)
		}
	}
	return c
}

// full returns the limit that one more connection would exceed, 0 for none. The
// caller holds Server.mu.
func (p *port) full(addr netip.Addr) (limit int, text string) {
	perAddr, total := p.server.cfg.MaxClientCnxns, p.server.cfg.MaxCnxns
	switch {
	case total > 0 && p.total >= total:
		return total, "too many connections to this port (maxCnxns)"
	case perAddr > 0 && p.perAddr[addr] >= perAddr:
		return perAddr, "too many connections from this address (maxClientCnxns)"
	}
	return 0, ""
}

// left counts a connection that has ended. The caller holds Server.mu.
func (p *port) left(addr netip.Addr) {
	p.total--
	if p.perAddr[addr]--; p.perAddr[addr] == 0 {
		delete(p.perAddr, addr)
	}
}
