package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// window is how many requests a connection has under way.
const window = 500

// A client is one connection with its session.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
}

// connect opens n sessions, some at a time.
func connect(addr string, n int) []*client {
	clients := make([]*client, n)
	parallel(clients, func(i int, _ *client) {
		c, err := open(addr)
		fatal(err)
		clients[i] = c
	})
	return clients
}

// open opens a session. A server that does not serve yet closes the connection.
func open(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn, in: bufio.NewReaderSize(conn, 64)}
	c.send(wire.ConnectRequest{Timeout: 3600000, Password: make([]byte, 16), HasReadOnly: true})
	c.flush()
	b, err := c.next()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s gave no session: %w", addr, err)
	}
	var r wire.ConnectResponse
	fatal(r.Decode(b))
	if r.Session == 0 {
		return nil, fmt.Errorf("%s refused a session", addr)
	}
	return c, nil
}

// parallel calls f for every client, for 50 at a time.
func parallel(clients []*client, f func(i int, c *client)) {
	var wg sync.WaitGroup
	free := make(chan struct{}, 50)
	for i, c := range clients {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			f(i, c)
		})
	}
	wg.Wait()
}

// pipeline sends n requests, and wants that each is answered: with success, or
// that there is no such node.
func (c *client) pipeline(n int, request func(i int) (zk.OpCode, wire.Record)) {
	for first := 0; first < n; first += window {
		last := min(first+window, n)
		for i := first; i < last; i++ {
			op, body := request(i)
			c.send(wire.RequestHeader{Xid: int32(i), Op: op}, body)
		}
		c.flush()
		for i := first; i < last; i++ {
			var h wire.ReplyHeader
			b, err := c.next()
			fatal(err)
			fatal(h.Decode(b))
			if h.Xid != int32(i) || h.Err != zk.OK && h.Err != zk.NoNode {
				fatal(fmt.Errorf("got reply %+v to request %d", h, i))
			}
		}
	}
}

// send queues one frame.
func (c *client) send(records ...wire.Record) {
	b, at := wire.BeginFrame(c.out)
	for _, r := range records {
		b = r.Append(b)
	}
	c.out = wire.EndFrame(b, at)
}

func (c *client) flush() {
	_, err := c.conn.Write(c.out)
	fatal(err)
	c.out = nil
}

// next reads one frame.
func (c *client) next() ([]byte, error) {
	var n [4]byte
	if _, err := io.ReadFull(c.in, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(c.in, b)
	return b, err
}

func (c *client) close() { c.conn.Close() }
