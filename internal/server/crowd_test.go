package server

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// Under limits that nearly always hold somebody back, every request of many
// connections is answered exactly once and in order, or its connection closed
// (INV-L3, client-protocol.md 9), and nothing stays charged to anybody.
func TestCrowdUnderTinyLimits(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { runCrowd(t, seed) })
	}
}

func runCrowd(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	doors := seed%4 == 3 // the server stops serving in between
	r := newRig(t, func(c *config.Config) {
		c.Requests = config.RequestThrottle{Max: 1 + random.IntN(3), Stall: time.Millisecond, DropStale: true, StaleLatency: true}
		if seed%2 == 1 {
			c.Requests.OpWait = time.Millisecond
		}
		c.GlobalOutstanding = 1 + random.IntN(3)
		c.LargeThreshold, c.LargeMaxBytes = 500, 1500
	})
	members := make([]*member, 12)
	for i := range members {
		c := r.connect(t)
		path := fmt.Sprintf("/m%d", i)
		c.request(0, zk.OpCreate, createBody(path, ""))
		c.want(0, -2, zk.OK)
		members[i] = newMember(c, path, rand.New(rand.NewPCG(seed, uint64(i)+1)))
	}
	r.ens.hold()
	var wg sync.WaitGroup
	for _, m := range members {
		wg.Go(m.send)
		wg.Go(func() { m.receive(t, doors) })
	}
	over := make(chan struct{})
	go func() {
		wg.Wait()
		close(over)
	}()
	eventually(t, "somebody waits at the gate", func() bool { return r.Stats().Waited > 0 })
	r.pump(random, doors, over)
	for _, m := range members {
		m.c.Close()
	}
	eventually(t, "all connections are gone", func() bool { return r.Stats().Connections == 0 })
	r.wantNothingLeft(t)
}

// pump lets the ensemble go on by fits and starts until the crowd is done.
func (r *rig) pump(random *rand.Rand, doors bool, over <-chan struct{}) {
	for round := 0; ; round++ {
		select {
		case <-over:
			r.ens.release(-1)
			return
		case <-time.After(50 * time.Microsecond):
		}
		switch {
		case doors && round == 5:
			r.ens.inbox.Put(func() {
				r.SetService(zk.NoService, r.ens.tree, 1)
				r.SetService(zk.FullService, r.ens.tree, 1)
			})
		case random.IntN(4) == 0:
			r.ens.hold()
		case random.IntN(4) == 0:
			r.ens.release(-1)
		default:
			r.ens.release(random.IntN(4))
		}
	}
}

// A member sends a list of requests as fast as it can, and compares the answers.
type member struct {
	c        net.Conn
	r        *bufio.Reader
	path     string
	requests []crowdRequest
	chunks   [][]byte // of what is sent, cut anywhere
	leaves   bool     // it closes its connection when all is sent
	large    bool     // one of its requests is large, and may cost it the connection
}

type crowdRequest struct {
	xid  int32 // of the reply
	op   zk.OpCode
	data string
}

func newMember(c *client, path string, random *rand.Rand) *member {
	m := &member{c: c.c, r: c.r, path: path, leaves: random.IntN(6) == 0}
	var sent []byte
	for i := range int32(1 + random.IntN(80)) {
		q := crowdRequest{xid: i + 1, data: fmt.Sprint(path, i)}
		var body wire.Record = wire.PathRequest{Path: path}
		switch random.IntN(8) {
		case 0, 1, 2:
			q.op, body = zk.OpSetData, setBody(path, q.data)
		case 3:
			q.op, q.xid, body = zk.OpPing, wire.XidPing, nil
		case 4:
			q.op = zk.OpSync
		case 5:
			if random.IntN(10) == 0 {
				m.large = true
				q.data = fmt.Sprintf("%600d", i)
			}
			q.op, body = zk.OpSetData, setBody(path, q.data)
		default:
			q.op, body = zk.OpGetData, readBody(path, false)
		}
		m.requests = append(m.requests, q)
		sent = append(sent, requestFrame(q.xid, q.op, body)...)
	}
	if !m.leaves && random.IntN(2) == 0 {
		last := int32(len(m.requests) + 1)
		m.requests = append(m.requests, crowdRequest{xid: last, op: zk.OpCloseSession})
		sent = append(sent, requestFrame(last, zk.OpCloseSession, nil)...)
	}
	for len(sent) > 0 {
		n := min(1+random.IntN(200), len(sent))
		m.chunks, sent = append(m.chunks, sent[:n]), sent[n:]
	}
	return m
}

func requestFrame(xid int32, op zk.OpCode, body wire.Record) []byte {
	b, at := wire.BeginFrame(nil)
	b = wire.RequestHeader{Xid: xid, Op: op}.Append(b)
	if body != nil {
		b = body.Append(b)
	}
	return wire.EndFrame(b, at)
}

func (m *member) send() {
	for _, b := range m.chunks {
		if _, err := m.c.Write(b); err != nil {
			return // the reader judges
		}
	}
	if m.leaves {
		m.c.Close()
	}
}

// receive expects one answer to each request, in order, until the connection ends
// for a reason.
func (m *member) receive(t *testing.T, doors bool) {
	data := ""
	for i, q := range m.requests {
		h, body, err := m.reply()
		switch {
		case err != nil && (m.leaves || m.large || doors) && !isTimeout(err):
			return
		case err != nil:
			t.Errorf("%s: request %d of %d, %v, was not answered: %v", m.path, i, len(m.requests), q.op, err)
			return
		case h.Xid != q.xid:
			t.Errorf("%s: got the answer to %d, want %d", m.path, h.Xid, q.xid)
			return
		case h.Err == zk.ThrottledOp && q.op != zk.OpPing && q.op != zk.OpCloseSession:
			continue
		case h.Err != zk.OK:
			t.Errorf("%s: %v was answered %v", m.path, q.op, h.Err)
		}
		switch q.op {
		case zk.OpSetData:
			data = q.data
		case zk.OpGetData:
			var d wire.GetDataResponse
			if err := d.Decode(body); err != nil || string(d.Data) != data {
				t.Errorf("%s: read %q, want %q: a request was lost or out of order", m.path, d.Data, data)
			}
		case zk.OpCloseSession:
			if _, _, err := m.reply(); err == nil || isTimeout(err) {
				t.Errorf("%s: after closeSession: %v, want the end", m.path, err)
			}
		}
	}
}

func isTimeout(err error) bool {
	ne, ok := err.(net.Error)
	return ok && ne.Timeout()
}

func (m *member) reply() (h wire.ReplyHeader, body []byte, err error) {
	var n [4]byte
	if _, err := io.ReadFull(m.r, n[:]); err != nil {
		return h, nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	if _, err := io.ReadFull(m.r, b); err != nil {
		return h, nil, err
	}
	if err := h.Decode(b); err != nil {
		return h, nil, err
	}
	return h, b[wire.ReplyHeaderLen:], nil
}
