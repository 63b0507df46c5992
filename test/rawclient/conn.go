// Package rawclient speaks the client protocol for measurements, without the
// retries and pauses of a client library.
package rawclient

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"ostler/internal/wire"
)

// frameMax is longer than any reply that a measurement asks for.
const frameMax = 16 << 20

// A Conn is one client connection. Its user says when each frame goes out.
type Conn struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

// Dial connects to a server.
func Dial(addr string, limit time.Duration) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, limit)
	if err != nil {
		return nil, err
	}
	return &Conn{conn: conn, in: bufio.NewReaderSize(conn, 64)}, nil
}

// Open asks for a session. A server that does not serve closes the connection; one
// that knows no such session answers with timeout 0.
func (c *Conn) Open(req wire.ConnectRequest) (r wire.ConnectResponse, err error) {
	c.Send(req)
	if err := c.Flush(); err != nil {
		return r, err
	}
	b, err := c.Next()
	if err != nil {
		return r, err
	}
	err = r.Decode(b)
	return r, err
}

// Send queues one frame.
func (c *Conn) Send(records ...wire.Record) {
	b, at := wire.BeginFrame(c.out)
	for _, r := range records {
		b = r.Append(b)
	}
	c.out = wire.EndFrame(b, at)
}

// Flush writes what was queued.
func (c *Conn) Flush() error {
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

// Next reads one frame.
func (c *Conn) Next() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > frameMax {
		return nil, fmt.Errorf("frame of %d bytes", n)
	}
	b := make([]byte, n)
	_, err := io.ReadFull(c.in, b)
	return b, err
}

// SetDeadline bounds all that follows.
func (c *Conn) SetDeadline(at time.Time) { c.conn.SetDeadline(at) }

// Close closes the connection; the session goes on.
func (c *Conn) Close() { c.conn.Close() }
