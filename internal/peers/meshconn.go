package peers

import (
	"encoding/binary"
	"fmt"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// strangersMax bounds how many servers outside the configuration may have a link.
const strangersMax = 64

// A meshConn is one connection on the election port. It is owned by the stream,
// which calls it.
type meshConn struct {
	mesh    *Mesh
	stream  env.Stream
	peer    zk.ServerID
	greeted bool // peer is known
}

// Data implements env.Handler.
func (c *meshConn) Data(b []byte) (int, error) {
	total := 0
	if !c.greeted {
		n, err := c.greet(b)
		if n == 0 || err != nil || !c.greeted {
			return n, err
		}
		total = n
	}
	for {
		n, err := c.notification(b[total:])
		if n == 0 || err != nil {
			return total, err
		}
		total += n
	}
}

// greet reads the initial message of a dialling server and applies the rule of
// one connection for each pair (quorum.md 2.4).
func (c *meshConn) greet(b []byte) (int, error) {
	msg, n, err := peerwire.DecodeInitialMessage(b)
	if err != nil {
		return 0, fmt.Errorf("election port: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	switch self := c.mesh.o.Self; {
	case msg.Server == self:
		return n, fmt.Errorf("election port: %v claims this server's own id %d", c.stream.Remote(), self)
	case msg.Server < self:
		// The smaller side knocked: dial it back.
		c.stream.Close()
		c.mesh.dialBack(msg.Server, msg.Addrs)
		return n, nil
	}
	if !c.mesh.welcome(msg.Server) {
		return n, fmt.Errorf("election port: too many servers outside the configuration; refused %d", msg.Server)
	}
	c.peer, c.greeted = msg.Server, true
	c.mesh.adopt(c)
	return n, nil
}

// notification reads one framed notification.
func (c *meshConn) notification(b []byte) (int, error) {
	if len(b) < 4 {
		return 0, nil
	}
	size := int(int32(binary.BigEndian.Uint32(b)))
	if size < 1 || size > notificationMax {
		return 0, fmt.Errorf("election port: notification of %d bytes from server %d", size, c.peer)
	}
	if len(b) < 4+size {
		return 0, nil
	}
	n, err := peerwire.DecodeNotification(b[4 : 4+size])
	if err != nil {
		// One message that cannot be read is skipped (quorum.md 2.11).
		c.mesh.o.Log.Warn("unreadable election notification", "server", int64(c.peer), "err", err)
		return 4 + size, nil
	}
	c.mesh.o.Received(c.peer, n)
	return 4 + size, nil
}

// Writable implements env.Handler.
func (c *meshConn) Writable() {}

// Closed implements env.Handler.
func (c *meshConn) Closed(err error) {
	c.mesh.gone(c)
	if err != nil {
		c.mesh.o.Log.Debug("election link closed", "server", int64(c.peer), "err", err)
	}
}

// welcome reports whether a server may have a link.
func (m *Mesh) welcome(id zk.ServerID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.peers[id] != nil || len(m.peers) < len(m.o.Addrs)+strangersMax
}
