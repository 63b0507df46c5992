package txn

import (
	"errors"
	"fmt"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// readLimit bounds a string or buffer of a transaction. It is far above what any
// server accepts from a client, so that what ZooKeeper once wrote can be read
// whatever its settings were (disk.md R-9).
const readLimit = 256 << 20

const (
	headerLen = 32    // disk.md 3.4
	digestLen = 4 + 8 // disk.md 3.7
	opLen     = 4 + 4 // the least an operation of a multi takes
)

// ErrType says that a transaction has a type that is none of disk.md 3.5.
var ErrType = errors.New("unsupported transaction type")

// Append appends the header, the body and, if there is one, the digest.
func (t *Txn) Append(dst []byte) []byte {
	dst = jute.AppendInt64(dst, int64(t.Session))
	dst = jute.AppendInt32(dst, t.Cxid)
	dst = jute.AppendInt64(dst, int64(t.Zxid))
	dst = jute.AppendInt64(dst, t.Time)
	dst = jute.AppendInt32(dst, int32(t.Type))
	dst = t.Body.append(dst)
	if t.Digest != nil {
		dst = jute.AppendInt32(dst, t.Digest.Version)
		dst = jute.AppendInt64(dst, int64(t.Digest.Tree))
	}
	return dst
}

// Decode reads a transaction as it is in a log entry or a proposal, in every
// form that disk.md section 14 asks of a reader. Bytes behind the known fields are
// ignored, which is how old releases read what newer ones write. The data of nodes
// aliases b.
func Decode(b []byte) (Txn, error) {
	r := jute.NewReaderLimit(b, readLimit)
	t := Txn{Header: Header{
		Session: zk.SessionID(r.Int64()),
		Cxid:    r.Int32(),
		Zxid:    zk.Zxid(r.Int64()),
		Time:    r.Int64(),
		Type:    zk.OpCode(r.Int32()),
	}}
	if err := r.Err(); err != nil {
		return Txn{}, fmt.Errorf("transaction header: %w", err)
	}
	t.Body = decodeBody(&r, t.Type)
	if err := r.Err(); err != nil {
		return Txn{}, fmt.Errorf("transaction %v, %v: %w", t.Zxid, t.Type, err)
	}
	if r.Len() >= digestLen {
		t.Digest = &Digest{Version: r.Int32(), Tree: uint64(r.Int64())}
	}
	return t, nil
}

// NewRecord encodes t.
func NewRecord(t Txn) *Record { return &Record{Txn: t, Bytes: t.Append(nil)} }

// DecodeRecord decodes b and keeps it.
func DecodeRecord(b []byte) (*Record, error) {
	t, err := Decode(b)
	if err != nil {
		return nil, err
	}
	return &Record{Txn: t, Bytes: b}, nil
}

// decodeBody reads the record that belongs to type op at the top level.
func decodeBody(r *jute.Reader, op zk.OpCode) Body {
	switch op {
	case zk.OpCreateSession:
		return &CreateSession{Timeout: r.Int32()}
	case zk.OpCloseSession:
		return decodeCloseSession(r)
	case zk.OpSetACL:
		return &SetACL{Path: r.String(), ACL: r.ACLs(), Version: r.Int32()}
	case zk.OpReconfig:
		return decodeSetData(r)
	case zk.OpMulti:
		return decodeMulti(r)
	}
	return decodeOp(r, op)
}

// decodeOp reads the records that may also be part of a multi. A check at the top
// level is found in logs of releases that did not refuse it; it does nothing.
func decodeOp(r *jute.Reader, op zk.OpCode) Body {
	switch op {
	case zk.OpCreate, zk.OpCreate2:
		return decodeCreate(r, op)
	case zk.OpCreateContainer:
		return &CreateContainer{
			Path: r.String(), Data: r.Buffer(), ACL: r.ACLs(), ParentCreates: r.Int32(),
		}
	case zk.OpCreateTTL:
		return &CreateTTL{
			Path: r.String(), Data: r.Buffer(), ACL: r.ACLs(), ParentCreates: r.Int32(), TTL: r.Int64(),
		}
	case zk.OpDelete, zk.OpDeleteContainer:
		return &Delete{Path: r.String()}
	case zk.OpSetData:
		return decodeSetData(r)
	case zk.OpCheck:
		return &Check{Path: r.String(), Version: r.Int32()}
	case zk.OpError:
		return &Error{Code: zk.Code(r.Int32())}
	}
	r.Fail(fmt.Errorf("%w %d", ErrType, int32(op)))
	return nil
}

func decodeSetData(r *jute.Reader) Body {
	return &SetData{Path: r.String(), Data: r.Buffer(), Version: r.Int32()}
}

// decodeCreate reads a CreateTxn or, when the payload ends before its last field,
// the CreateTxnV0 of very old files, which has all the others (disk.md 3.6).
func decodeCreate(r *jute.Reader, op zk.OpCode) Body {
	c := &Create{Path: r.String(), Data: r.Buffer(), ACL: r.ACLs(), Ephemeral: r.Bool(), ParentCreates: -1}
	if op == zk.OpCreate && r.Len() < 4 {
		return c
	}
	c.ParentCreates = r.Int32()
	return c
}

// decodeCloseSession tells by the bytes whether there is a list of paths: what
// wrote the log may have had another setting (disk.md R-6). A list cannot look
// like a digest alone, since a path has at least one byte.
func decodeCloseSession(r *jute.Reader) Body {
	if r.Len() == 0 || digestOnly(r.Rest()) {
		return &CloseSession{}
	}
	paths := r.Strings()
	if paths == nil {
		paths = []string{}
	}
	return &CloseSession{Paths: paths, HasPaths: true}
}

func digestOnly(b []byte) bool {
	return len(b) == digestLen && b[0] == 0 && b[1] == 0 && b[2] == 0 && b[3] == DigestVersion
}

func decodeMulti(r *jute.Reader) Body {
	n := max(r.Count(), 0)
	m := &Multi{Ops: make([]Op, 0, min(n, r.Len()/opLen))}
	for range n {
		op := Op{Type: zk.OpCode(r.Int32())}
		data := r.Buffer()
		if r.Err() != nil {
			return m
		}
		sub := jute.NewReaderLimit(data, readLimit)
		op.Body = decodeOp(&sub, op.Type)
		if err := sub.Err(); err != nil {
			r.Fail(fmt.Errorf("operation %d, %v: %w", len(m.Ops), op.Type, err))
			return m
		}
		m.Ops = append(m.Ops, op)
	}
	return m
}

func (b *CreateSession) append(dst []byte) []byte { return jute.AppendInt32(dst, b.Timeout) }

// append never writes a null list: ZooKeeper cannot read one.
func (b *CloseSession) append(dst []byte) []byte {
	if !b.HasPaths {
		return dst
	}
	if b.Paths == nil {
		return jute.AppendInt32(dst, 0)
	}
	return jute.AppendStringVector(dst, b.Paths)
}

func (b *Create) append(dst []byte) []byte {
	dst = appendNode(dst, b.Path, b.Data, b.ACL)
	dst = jute.AppendBool(dst, b.Ephemeral)
	return jute.AppendInt32(dst, b.ParentCreates)
}

func (b *CreateContainer) append(dst []byte) []byte {
	dst = appendNode(dst, b.Path, b.Data, b.ACL)
	return jute.AppendInt32(dst, b.ParentCreates)
}

func (b *CreateTTL) append(dst []byte) []byte {
	dst = appendNode(dst, b.Path, b.Data, b.ACL)
	dst = jute.AppendInt32(dst, b.ParentCreates)
	return jute.AppendInt64(dst, b.TTL)
}

func appendNode(dst []byte, path string, data []byte, acl []zk.ACL) []byte {
	dst = jute.AppendString(dst, path)
	dst = jute.AppendBuffer(dst, data)
	return jute.AppendACLs(dst, acl)
}

func (b *Delete) append(dst []byte) []byte { return jute.AppendString(dst, b.Path) }

func (b *SetData) append(dst []byte) []byte {
	dst = jute.AppendString(dst, b.Path)
	dst = jute.AppendBuffer(dst, b.Data)
	return jute.AppendInt32(dst, b.Version)
}

func (b *SetACL) append(dst []byte) []byte {
	dst = jute.AppendString(dst, b.Path)
	dst = jute.AppendACLs(dst, b.ACL)
	return jute.AppendInt32(dst, b.Version)
}

func (b *Check) append(dst []byte) []byte {
	dst = jute.AppendString(dst, b.Path)
	return jute.AppendInt32(dst, b.Version)
}

func (b *Error) append(dst []byte) []byte { return jute.AppendInt32(dst, int32(b.Code)) }

// append writes each operation as a buffer, whose length is patched in.
func (b *Multi) append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, int32(len(b.Ops)))
	for _, op := range b.Ops {
		dst = jute.AppendInt32(dst, int32(op.Type))
		at := len(dst)
		dst = jute.AppendInt32(dst, 0)
		dst = op.Body.append(dst)
		jute.AppendInt32(dst[:at], int32(len(dst)-at-4))
	}
	return dst
}
