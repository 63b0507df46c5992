package node_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A rawClient is a session that a test drives frame by frame.
type rawClient struct {
	t    *testing.T
	c    net.Conn
	xid  int32
	info wire.ConnectResponse
}

// rawConnect asks for a session. The response is in info; it is empty when the server
// closed the connection without one.
func rawConnect(t *testing.T, addr string, r wire.ConnectRequest) *rawClient {
	t.Helper()
	if r.Password == nil {
		r.Password = make([]byte, zk.PasswordLen)
	}
	if r.Timeout == 0 {
		r.Timeout = 10_000
	}
	r.HasReadOnly = true
	c := &rawClient{t: t, c: dial(t, addr)}
	c.send(r)
	if frame, err := c.read(); err == nil {
		if err := c.info.Decode(frame); err != nil {
			t.Fatalf("connect response %x: %v", frame, err)
		}
		c.info.Password = bytes.Clone(c.info.Password)
	}
	return c
}

// again is the request with which another connection takes the session over.
func (c *rawClient) again() wire.ConnectRequest {
	return wire.ConnectRequest{Session: c.info.Session, Password: c.info.Password}
}

func (c *rawClient) send(records ...wire.Record) {
	c.t.Helper()
	b, at := wire.BeginFrame(nil)
	for _, r := range records {
		if r != nil {
			b = r.Append(b)
		}
	}
	if _, err := c.c.Write(wire.EndFrame(b, at)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawClient) read() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(c.c, size[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(c.c, frame)
	return frame, err
}

// call sends a request and returns its answer.
func (c *rawClient) call(op zk.OpCode, body wire.Record) (wire.ReplyHeader, []byte) {
	c.t.Helper()
	c.xid++
	c.send(wire.RequestHeader{Xid: c.xid, Op: op}, body)
	frame, err := c.read()
	if err != nil {
		c.t.Fatalf("%v: %v", op, err)
	}
	var h wire.ReplyHeader
	if err := h.Decode(frame); err != nil || h.Xid != c.xid {
		c.t.Fatalf("%v %d is answered by %x: %v", op, c.xid, frame, err)
	}
	return h, frame[wire.ReplyHeaderLen:]
}

// want is call for a request whose code is known.
func (c *rawClient) want(op zk.OpCode, body wire.Record, code zk.Code) []byte {
	c.t.Helper()
	h, b := c.call(op, body)
	if h.Err != code {
		c.t.Fatalf("%v %+v is answered %v, want %v", op, body, h.Err, code)
	}
	return b
}

// wantEnd wants the server to close the connection.
func (c *rawClient) wantEnd() {
	c.t.Helper()
	if b, err := io.ReadAll(c.c); len(b) > 0 {
		c.t.Fatalf("got %x and %v, want the end", b, err)
	}
}

func createRequest(path string, mode zk.CreateMode) wire.CreateRequest {
	return wire.CreateRequest{Path: path, Data: []byte("x"), ACL: zk.OpenACL(), Flags: mode}
}
