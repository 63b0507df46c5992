package peers

import (
	"net/netip"
	"slices"
	"strings"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// dial opens a connection to a server unless there is a link or a dial under way. Its
// names are resolved anew (quorum.md 2.9).
func (m *Mesh) dial(to zk.ServerID) { m.dialBeside(to, 1) }

// dialBeside is dial with up to most dials under way.
func (m *Mesh) dialBeside(to zk.ServerID, most int) {
	m.mu.Lock()
	p := m.peers[to]
	if p == nil || m.closed || p.dials >= most || p.link != nil || len(p.addrs) == 0 {
		m.mu.Unlock()
		return
	}
	p.dials++
	addrs := p.addrs
	m.mu.Unlock()
	connected := func(s env.Stream, err error) env.Handler { return m.dialled(to, s, err) }
	if len(addrs) == 1 || m.o.Reach <= 0 {
		dialInOrder(m.o.Net, addrs, m.o.DialTimeout, m.streamOptions(), connected)
		return
	}
	DialAny(m.o.Net, addrs, min(m.o.Reach, m.o.DialTimeout), m.streamOptions(), func(s env.Stream, err error) env.Handler {
		if err != nil {
			// None answers so soon: one may still do so given all the time.
			dialInOrder(m.o.Net, addrs, m.o.DialTimeout, m.streamOptions(), connected)
			return nil
		}
		return connected(s, nil)
	})
}

// dialled continues dial once the connection is there, or is not.
func (m *Mesh) dialled(to zk.ServerID, s env.Stream, err error) env.Handler {
	m.mu.Lock()
	p := m.peers[to]
	// It may have ceased to be a member, or a later dial was faster.
	unwanted := m.closed || p == nil || p.link != nil
	if p != nil {
		p.dials--
		if err != nil && p.stranger && p.link == nil {
			delete(m.peers, to)
		}
	}
	m.mu.Unlock()
	if err != nil {
		m.o.Log.Debug("cannot reach server for election", "server", int64(to), "err", err)
		return nil
	}
	if unwanted {
		return nil
	}
	hello := peerwire.InitialMessage{Server: m.o.Self, Addrs: m.o.Advertise}
	if err := s.Send(hello.Append(nil)); err != nil {
		return nil
	}
	h := &meshConn{mesh: m, stream: s, peer: to, greeted: true}
	if !m.track(s) {
		return nil
	}
	if to > m.o.Self {
		// Only the larger id's connection survives; this was the knock that
		// makes it dial (quorum.md 2.4).
		s.CloseAfterFlush()
		return h
	}
	m.adopt(h)
	return h
}

// dialBack answers a knock. A link that stands is replaced: the other side
// knocks only when it has none. A member's configured address is used, since the one
// in the message is nobody's word; a server that is no member any more, or not yet,
// has no other, and only gets to know how things are.
func (m *Mesh) dialBack(id zk.ServerID, addrs []string) {
	welcome, addrs := m.welcome(id), definite(addrs)
	m.mu.Lock()
	p := m.peers[id]
	var old env.Stream
	switch {
	case p != nil:
		if old, p.link = p.link, nil; old != nil {
			m.o.Linked(id, false)
		}
	case welcome && len(addrs) > 0:
		m.peers[id] = &peer{addrs: addrs, stranger: true}
	}
	m.mu.Unlock()
	if old != nil {
		old.Close()
	}
	// It is there now: a dial that began before may wait for where it was.
	m.dialBeside(id, 2)
}

// definite leaves out the addresses that could be anybody's (quorum.md 2.3).
func definite(addrs []string) []string {
	return slices.DeleteFunc(addrs, func(addr string) bool {
		host := strings.Trim(addr[:max(strings.LastIndexByte(addr, ':'), 0)], "[]")
		ip, err := netip.ParseAddr(host)
		return host == "" || err == nil && ip.IsUnspecified()
	})
}
