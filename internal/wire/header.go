package wire

import (
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// The xids with a meaning of their own (client-protocol.md 3.2).
const (
	XidNotification int32 = -1
	XidPing         int32 = -2
	XidAuth         int32 = -4
	XidSetWatches   int32 = -8
)

// The lengths of the two headers.
const (
	RequestHeaderLen = 8
	ReplyHeaderLen   = 16
)

// A RequestHeader begins every frame of a client but the first.
type RequestHeader struct {
	Xid int32
	Op  zk.OpCode
}

// Append appends h to dst.
func (h RequestHeader) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, h.Xid)
	return jute.AppendInt32(dst, int32(h.Op))
}

// Decode sets h from the front of b; the body is b[RequestHeaderLen:].
func (h *RequestHeader) Decode(b []byte) error {
	r := reader(b)
	*h = RequestHeader{Xid: r.Int32(), Op: zk.OpCode(r.Int32())}
	return r.Err()
}

// A ReplyHeader begins every frame of a server but the first.
type ReplyHeader struct {
	Xid  int32
	Zxid zk.Zxid
	Err  zk.Code
}

// Append appends h to dst.
func (h ReplyHeader) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, h.Xid)
	dst = jute.AppendInt64(dst, int64(h.Zxid))
	return jute.AppendInt32(dst, int32(h.Err))
}

// Decode sets h from the front of b; the body is b[ReplyHeaderLen:].
func (h *ReplyHeader) Decode(b []byte) error {
	r := reader(b)
	*h = ReplyHeader{Xid: r.Int32(), Zxid: zk.Zxid(r.Int64()), Err: zk.Code(r.Int32())}
	return r.Err()
}

// reader returns a Reader of a record in b. The frame was measured before, so
// nothing in it needs another limit.
func reader(b []byte) jute.Reader { return jute.NewReaderLimit(b, len(b)) }
