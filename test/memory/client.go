package main

import (
	"fmt"
	"sync"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/rawclient"
)

// window is how many requests a connection has under way.
const window = 500

// A client is one connection with its session.
type client struct{ *rawclient.Conn }

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
	conn, err := rawclient.Dial(addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	r, err := conn.Open(wire.ConnectRequest{Timeout: 3600000, Password: make([]byte, 16), HasReadOnly: true})
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s gave no session: %w", addr, err)
	}
	if r.Session == 0 {
		conn.Close()
		return nil, fmt.Errorf("%s refused a session", addr)
	}
	return &client{conn}, nil
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
			c.Send(wire.RequestHeader{Xid: int32(i), Op: op}, body)
		}
		fatal(c.Flush())
		for i := first; i < last; i++ {
			var h wire.ReplyHeader
			b, err := c.Next()
			fatal(err)
			fatal(h.Decode(b))
			if h.Xid != int32(i) || h.Err != zk.OK && h.Err != zk.NoNode {
				fatal(fmt.Errorf("got reply %+v to request %d", h, i))
			}
		}
	}
}
