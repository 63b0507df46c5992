package wire

import (
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// A ConnectRequest is the first frame of a client (client-protocol.md 2.1).
type ConnectRequest struct {
	ProtocolVersion int32
	LastZxid        zk.Zxid
	Timeout         int32 // ms
	Session         zk.SessionID
	Password        []byte // nil is null
	ReadOnly        bool
	HasReadOnly     bool // older clients leave ReadOnly out
}

// Append appends c to dst.
func (c ConnectRequest) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, c.ProtocolVersion)
	dst = jute.AppendInt64(dst, int64(c.LastZxid))
	dst = jute.AppendInt32(dst, c.Timeout)
	dst = jute.AppendInt64(dst, int64(c.Session))
	dst = jute.AppendBuffer(dst, c.Password)
	if c.HasReadOnly {
		dst = jute.AppendBool(dst, c.ReadOnly)
	}
	return dst
}

// Decode sets c from b, which is the whole frame: its end tells whether there
// is a ReadOnly.
func (c *ConnectRequest) Decode(b []byte) error {
	r := reader(b)
	*c = ConnectRequest{
		ProtocolVersion: r.Int32(),
		LastZxid:        zk.Zxid(r.Int64()),
		Timeout:         r.Int32(),
		Session:         zk.SessionID(r.Int64()),
		Password:        r.Buffer(),
	}
	if r.Len() > 0 {
		c.HasReadOnly = true
		c.ReadOnly = r.Bool()
	}
	return r.Err()
}

// A ConnectResponse is the first frame of a server (client-protocol.md 2.2). A
// refused session has Timeout and Session 0 and a password of zeros.
type ConnectResponse struct {
	ProtocolVersion int32
	Timeout         int32 // ms
	Session         zk.SessionID
	Password        []byte
	ReadOnly        bool
	HasReadOnly     bool // as in the request that it answers
}

// Append appends c to dst.
func (c ConnectResponse) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, c.ProtocolVersion)
	dst = jute.AppendInt32(dst, c.Timeout)
	dst = jute.AppendInt64(dst, int64(c.Session))
	dst = jute.AppendBuffer(dst, c.Password)
	if c.HasReadOnly {
		dst = jute.AppendBool(dst, c.ReadOnly)
	}
	return dst
}

// Decode sets c from b, which is the whole frame.
func (c *ConnectResponse) Decode(b []byte) error {
	r := reader(b)
	*c = ConnectResponse{
		ProtocolVersion: r.Int32(),
		Timeout:         r.Int32(),
		Session:         zk.SessionID(r.Int64()),
		Password:        r.Buffer(),
	}
	if r.Len() > 0 {
		c.HasReadOnly = true
		c.ReadOnly = r.Bool()
	}
	return r.Err()
}
