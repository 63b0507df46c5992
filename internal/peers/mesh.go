package peers

import (
	"cmp"
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
	// Listen is where the election port is bound, host:port; Advertise is the
	// election address of this server as its server line has it.
	Listen, Advertise string
	// Addrs are the election addresses of all other members.
	Addrs            map[zk.ServerID]string
	DialTimeout      time.Duration
	HandshakeTimeout time.Duration
	Net              env.Net
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

	mu       sync.Mutex
	listener env.Listener
	peers    map[zk.ServerID]*peer
	streams  map[env.Stream]uint64 // every open one, also in handshake, numbered
	opened   uint64
	closed   bool
}

// A peer is what the mesh knows of one other server; guarded by Mesh.mu.
type peer struct {
	addr     string // "" when it is not known
	stranger bool   // no member; it is forgotten with its link
	link     env.Stream
	dialing  bool
	last     []byte // the newest message, sent again on a new link (quorum.md 2.7)
}

// NewMesh returns a mesh without any connection.
func NewMesh(o MeshOptions) *Mesh {
	m := &Mesh{o: o, peers: make(map[zk.ServerID]*peer), streams: make(map[env.Stream]uint64)}
	for id, addr := range o.Addrs {
		m.peers[id] = &peer{addr: addr}
	}
	return m
}

// Start opens the election port.
func (m *Mesh) Start() error {
	l, err := m.o.Net.Listen(m.o.Listen, env.StreamOptions{SendLimit: meshSendLimit, KeepAlive: true}, m.accept)
	if err != nil {
		return fmt.Errorf("open election port %s: %w", m.o.Listen, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listener = l
	if m.closed {
		l.Close()
	}
	return nil
}

// SetAddrs changes who the other members are, by their election addresses. Links to
// those who are none any more end; those whose address is another are dialled anew.
func (m *Mesh) SetAddrs(addrs map[zk.ServerID]string) {
	m.mu.Lock()
	var gone []env.Stream
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		p := m.peers[id]
		addr, member := addrs[id]
		moved := member && !p.stranger && addr != p.addr
		p.stranger = !member
		if member {
			p.addr = addr
		}
		switch {
		case p.link != nil && moved:
			gone = append(gone, p.link)
		case p.link == nil && !member:
			delete(m.peers, id)
		}
	}
	for id, addr := range addrs {
		if m.peers[id] == nil {
			m.peers[id] = &peer{addr: addr}
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
	l := m.listener
	m.mu.Unlock()
	if l != nil {
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

// dial opens a connection to a server unless there is a link or a dial under way.
func (m *Mesh) dial(to zk.ServerID) {
	m.mu.Lock()
	p := m.peers[to]
	if p == nil || m.closed || p.dialing || p.link != nil || p.addr == "" {
		m.mu.Unlock()
		return
	}
	p.dialing = true
	addr := p.addr
	m.mu.Unlock()
	o := env.StreamOptions{SendLimit: meshSendLimit, KeepAlive: true}
	m.o.Net.Dial(addr, m.o.DialTimeout, o, func(s env.Stream, err error) env.Handler {
		return m.dialled(to, s, err)
	})
}

// dialled continues dial once the connection is there, or is not.
func (m *Mesh) dialled(to zk.ServerID, s env.Stream, err error) env.Handler {
	m.mu.Lock()
	p := m.peers[to]
	closed := m.closed || p == nil // it may have ceased to be a member
	if p != nil {
		p.dialing = false
		if err != nil && p.stranger && p.link == nil {
			delete(m.peers, to)
		}
	}
	m.mu.Unlock()
	if err != nil {
		m.o.Log.Debug("cannot reach server for election", "server", int64(to), "err", err)
		return nil
	}
	if closed {
		return nil
	}
	hello := peerwire.InitialMessage{Server: m.o.Self, Addrs: []string{m.o.Advertise}}
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
