package peers

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// notificationMax is the largest notification body, in bytes (quorum.md 2.6).
const notificationMax = 512 << 10

// meshSendLimit bounds what waits for one peer. A peer that reads so little is
// cut off; the last message is sent again on its next link.
const meshSendLimit = 2 << 20

// MeshOptions are what a mesh is told when it is made.
type MeshOptions struct {
	Self zk.ServerID
	// Listen is where the election port is bound, each host:port; Advertise are the
	// election addresses of this server as its server line has them.
	Listen, Advertise []string
	// Outsider: nobody dials this server, and no port is opened.
	Outsider bool
	// Addrs are the election addresses of all other members.
	Addrs            map[zk.ServerID][]string
	DialTimeout      time.Duration
	HandshakeTimeout time.Duration
	// Reach is how long all addresses of a server that has several are dialled at
	// once, before they are dialled one by one; 0: one by one from the start.
	Reach time.Duration
	// Every is how often servers without a link are dialled; LostAfter is when the
	// machine at the other end of a link is given up.
	Every, LostAfter time.Duration
	Net              env.Net
	Clock            env.Clock
	Loops            env.Loops
	Log              *slog.Logger
	// Received is told each notification, in order for each sender.
	Received func(from zk.ServerID, n peerwire.Notification)
	// Linked is told that there is a link to a server, or that it was lost. It must not
	// call the mesh.
	Linked func(to zk.ServerID, up bool)
}

// A Mesh holds one link to each other server for notifications. All methods may
// be called from any goroutine.
type Mesh struct {
	o MeshOptions

	mu        sync.Mutex
	prober    env.Loop // set by Start
	listeners []env.Listener
	peers     map[zk.ServerID]*peer
	streams   map[env.Stream]uint64 // every open one, also in handshake, numbered
	opened    uint64
	closed    bool
}

// A peer is what the mesh knows of one other server; guarded by Mesh.mu.
type peer struct {
	addrs    []string // none when they are not known
	stranger bool     // no member; it is forgotten with its link
	link     env.Stream
	dials    int    // under way
	last     []byte // the newest message, sent again on a new link (quorum.md 2.7)
}

// NewMesh returns a mesh without any connection.
func NewMesh(o MeshOptions) *Mesh {
	m := &Mesh{o: o, peers: make(map[zk.ServerID]*peer), streams: make(map[env.Stream]uint64)}
	for id, addrs := range o.Addrs {
		m.peers[id] = &peer{addrs: addrs}
	}
	return m
}

// Start opens the election port at all addresses of this server. One that cannot be
// had, as while one of its networks is down, is left out as long as there is another.
func (m *Mesh) Start() error {
	if m.o.Outsider {
		return nil
	}
	var failed []error
	for _, addr := range m.o.Listen {
		l, err := m.o.Net.Listen(addr, m.streamOptions(), m.accept)
		if err != nil {
			failed = append(failed, fmt.Errorf("open election port %s: %w", addr, err))
			continue
		}
		m.listen(l)
	}
	if len(failed) == len(m.o.Listen) {
		return errors.Join(failed...)
	}
	for _, err := range failed {
		m.o.Log.Warn("an address of this server is left out", "err", err)
	}
	m.startProbing(m.o.Loops, m.o.Clock)
	return nil
}

// listen keeps an open port.
func (m *Mesh) listen(l env.Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = append(m.listeners, l)
	if m.closed {
		l.Close()
	}
}

// streamOptions are those of every election link.
func (m *Mesh) streamOptions() env.StreamOptions {
	return env.StreamOptions{SendLimit: meshSendLimit, KeepAlive: true, LostAfter: m.o.LostAfter}
}

// SetAddrs changes who the other members are, by their election addresses. Links to
// those who are none any more end; those whose address is another are dialled anew.
func (m *Mesh) SetAddrs(members map[zk.ServerID][]string) {
	m.mu.Lock()
	var gone []env.Stream
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		p := m.peers[id]
		addrs, member := members[id]
		moved := member && !p.stranger && !slices.Equal(addrs, p.addrs)
		p.stranger = !member
		if member {
			p.addrs = addrs
		}
		switch {
		case p.link != nil && moved:
			gone = append(gone, p.link)
		case p.link == nil && !member:
			delete(m.peers, id)
		}
	}
	for id, addrs := range members {
		if m.peers[id] == nil {
			m.peers[id] = &peer{addrs: addrs}
		}
	}
	m.mu.Unlock()
	for _, s := range gone {
		s.Close()
	}
}

// Close ends all connections and the port.
func (m *Mesh) Close() {
	m.mu.Lock()
	m.closed = true
	open := m.takeStreams()
	listeners, prober := m.listeners, m.prober
	m.mu.Unlock()
	if prober != nil {
		prober.Stop()
	}
	for _, l := range listeners {
		l.Close()
	}
	for _, s := range open {
		s.Close()
	}
}

// takeStreams returns the open streams, oldest first; the caller holds mu.
func (m *Mesh) takeStreams() []env.Stream {
	return slices.SortedFunc(maps.Keys(m.streams), func(a, b env.Stream) int {
		return cmp.Compare(m.streams[a], m.streams[b])
	})
}

// Send hands n to the link to a server. Without a link, n waits as the
// newest message while one is dialled; an older message is forgotten.
func (m *Mesh) Send(to zk.ServerID, n peerwire.Notification) {
	frame := n.Append(nil)
	m.mu.Lock()
	p := m.peers[to]
	if p == nil || m.closed {
		m.mu.Unlock()
		return
	}
	p.last = frame
	link := p.link
	m.mu.Unlock()
	if link == nil {
		m.dial(to)
		return
	}
	if err := link.Send(frame); err != nil {
		link.Close()
	}
}

// Reconnect dials every given server that has no link (quorum.md R23).
func (m *Mesh) Reconnect(servers []zk.ServerID) {
	for _, id := range servers {
		if id != m.o.Self {
			m.dial(id)
		}
	}
}

// Connected reports whether there is a link to a server.
func (m *Mesh) Connected(id zk.ServerID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[id]
	return p != nil && p.link != nil
}

// track remembers an open stream, so that Close can end it.
func (m *Mesh) track(s env.Stream) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false
	}
	m.opened++
	m.streams[s] = m.opened
	return true
}

// accept is called for each connection to the election port.
func (m *Mesh) accept(s env.Stream) env.Handler {
	if !m.track(s) {
		return nil
	}
	s.SetReadTimeout(m.o.HandshakeTimeout)
	return &meshConn{mesh: m, stream: s}
}

// adopt makes h the link to its peer, in place of an older one, and sends the
// newest message on it.
func (m *Mesh) adopt(h *meshConn) {
	m.mu.Lock()
	p := m.peers[h.peer]
	if p == nil {
		// A stranger: it may ask, and gets answers on its link while that lasts.
		p = &peer{stranger: true}
		m.peers[h.peer] = p
	}
	old, last := p.link, p.last
	p.link = h.stream
	m.o.Linked(h.peer, true)
	m.mu.Unlock()
	h.stream.SetReadTimeout(0)
	if old != nil {
		old.Close()
	}
	if last != nil {
		if err := h.stream.Send(last); err != nil {
			h.stream.Close()
		}
	}
}

// gone forgets a stream that ended.
func (m *Mesh) gone(h *meshConn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.streams, h.stream)
	if p := m.peers[h.peer]; p != nil && p.link == h.stream {
		p.link = nil
		m.o.Linked(h.peer, false)
		if p.stranger {
			delete(m.peers, h.peer)
		}
	}
}
