package chaos

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// errExpired is the answer to a session that has ended.
var errExpired = errors.New("session expired")

// A conn is one connection of a session. Requests go one at a time. The xids go on from
// those of the session's connection before, as those of the common clients do: a
// ZooKeeper server tells a session's requests apart by them (quorum.md 4.11).
type conn struct {
	net.Conn
	r        *bufio.Reader
	xid      int32
	id       zk.SessionID
	password []byte
	timeout  time.Duration
}

// dial attaches a session to a server; id 0 asks for a new one. errExpired says that the
// session is over, any other error says nothing.
func dial(addr string, patience time.Duration, hello wire.ConnectRequest) (*conn, error) {
	deadline := time.Now().Add(patience)
	nc, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, r: bufio.NewReader(nc)}
	c.SetDeadline(deadline)
	if err := c.greet(hello); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *conn) greet(hello wire.ConnectRequest) error {
	hello.HasReadOnly = true
	if hello.Password == nil {
		hello.Password = make([]byte, zk.PasswordLen)
	}
	if _, err := c.Write(wire.AppendFrame(nil, hello.Append(nil))); err != nil {
		return err
	}
	b, err := c.frame()
	if err != nil {
		return err
	}
	var r wire.ConnectResponse
	if err := r.Decode(b); err != nil {
		return err
	}
	if r.Session == 0 {
		return errExpired
	}
	if hello.Session != 0 && r.Session != hello.Session {
		return fmt.Errorf("asked for session %v, got %v", hello.Session, r.Session)
	}
	c.id, c.password, c.timeout = r.Session, bytes.Clone(r.Password), time.Duration(r.Timeout)*time.Millisecond
	return nil
}

func (c *conn) frame() ([]byte, error) {
	var n [wire.FrameHeaderLen]byte
	if _, err := io.ReadFull(c.r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(c.r, b)
	return b, err
}

// call sends a request and waits for its reply. After an error the connection is of no
// more use, and whether a write was carried out is not known.
func (c *conn) call(op zk.OpCode, body wire.Record, patience time.Duration) (h wire.ReplyHeader, reply []byte, err error) {
	xid := wire.XidPing
	if op != zk.OpPing {
		c.xid++
		xid = c.xid
	}
	b := wire.RequestHeader{Xid: xid, Op: op}.Append(nil)
	if body != nil {
		b = body.Append(b)
	}
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(wire.AppendFrame(nil, b)); err != nil {
		return h, nil, err
	}
	f, err := c.frame()
	if err != nil {
		return h, nil, err
	}
	if err := h.Decode(f); err != nil {
		return h, nil, err
	}
	if h.Xid != xid {
		return h, nil, fmt.Errorf("%v %d is answered with xid %d", op, xid, h.Xid)
	}
	return h, f[wire.ReplyHeaderLen:], nil
}
