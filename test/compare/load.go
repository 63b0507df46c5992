package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A load is a set of client connections, each with a node of its own.
type load struct{ clients []*loadClient }

// A loadClient keeps a fixed number of requests under way on one connection.
type loadClient struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
	path string
	xid  int32
}

// newLoad connects and creates the nodes.
func newLoad(addrs []string) *load {
	l := &load{}
	for i := range *connections {
		conn, err := net.Dial("tcp", addrs[i%len(addrs)])
		fatal(err)
		c := &loadClient{
			conn: conn, in: bufio.NewReaderSize(conn, 64<<10), out: bufio.NewWriterSize(conn, 64<<10),
			path: fmt.Sprintf("/load-%03d", i),
		}
		c.handshake()
		l.clients = append(l.clients, c)
	}
	return l
}

func (l *load) close() {
	for _, c := range l.clients {
		c.conn.Close()
	}
}

func (c *loadClient) handshake() {
	req := wire.ConnectRequest{Timeout: 40000, Password: make([]byte, zk.PasswordLen), HasReadOnly: true}
	c.frame(req.Append(nil))
	c.flush()
	c.reply()
	create := wire.CreateRequest{Path: c.path, Data: make([]byte, *size), ACL: zk.OpenACL()}
	c.request(zk.OpCreate, create.Append(nil))
	c.flush()
	c.reply()
}

func (c *loadClient) frame(payload []byte) {
	c.out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(payload))))
	c.out.Write(payload)
}

func (c *loadClient) request(op zk.OpCode, body []byte) {
	c.xid++
	h := wire.RequestHeader{Xid: c.xid, Op: op}
	c.frame(append(h.Append(nil), body...))
}

func (c *loadClient) flush() { fatal(c.out.Flush()) }

// reply reads one frame and checks that it tells of success.
func (c *loadClient) reply() {
	var head [4]byte
	_, err := io.ReadFull(c.in, head[:])
	fatal(err)
	n := int(binary.BigEndian.Uint32(head[:]))
	b, err := c.in.Peek(min(n, 16))
	fatal(err)
	if c.xid > 0 {
		if code := int32(binary.BigEndian.Uint32(b[12:])); code != 0 {
			fatal(fmt.Errorf("request failed: %v", zk.Code(code)))
		}
	}
	_, err = c.in.Discard(n)
	fatal(err)
}

// run runs a workload for a time and returns how many operations there were, how
// long they took, and their latencies.
func (l *load) run(workload string, d time.Duration) (int, time.Duration, []time.Duration) {
	start := time.Now()
	all := make([][]time.Duration, len(l.clients))
	var wg sync.WaitGroup
	for i, c := range l.clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			all[i] = c.run(workload, start.Add(d))
		}()
	}
	wg.Wait()
	took := time.Since(start)
	var latencies []time.Duration
	for _, a := range all {
		latencies = append(latencies, a...)
	}
	return len(latencies), took, latencies
}

func (c *loadClient) run(workload string, until time.Time) []time.Duration {
	op, body := c.operation(workload)
	var latencies []time.Duration
	sent := make([]time.Time, 0, *outstanding) // a ring of the requests under way
	for range *outstanding {
		sent = append(sent, time.Now())
		c.request(op, body)
	}
	c.flush()
	under := *outstanding
	for oldest := 0; under > 0; oldest = (oldest + 1) % *outstanding {
		c.reply()
		now := time.Now()
		latencies = append(latencies, now.Sub(sent[oldest]))
		if now.Before(until) {
			sent[oldest] = now
			c.request(op, body)
		} else {
			under--
		}
		if c.in.Buffered() == 0 {
			c.flush()
		}
	}
	return latencies
}

// operation returns the opcode and body of a workload's request.
func (c *loadClient) operation(workload string) (zk.OpCode, []byte) {
	switch workload {
	case "get":
		r := wire.PathWatchRequest{Path: c.path}
		return zk.OpGetData, r.Append(nil)
	case "set":
		r := wire.SetDataRequest{Path: c.path, Data: make([]byte, *size), Version: -1}
		return zk.OpSetData, r.Append(nil)
	}
	panic("no workload called " + workload)
}
