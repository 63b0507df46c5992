package wire

import (
	"errors"
	"fmt"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// What can be wrong with a multi as a whole (client-protocol.md 6.2).
var (
	errMultiOp    = errors.New("operation not allowed in multi")
	errMultiNull  = errors.New("null path or ACL in multi")
	errMultiFlags = errors.New("flags not allowed in multi")
	errMultiType  = errors.New("unknown result type in multi")
)

// A Record is the body of a request.
type Record interface {
	Append(dst []byte) []byte
}

// A MultiOp is one operation of a multi or multiRead. Body holds a
// CreateRequest, CreateTTLRequest, DeleteRequest, SetDataRequest, CheckRequest
// or, in a multiRead, a PathWatchRequest; as a value, not a pointer.
type MultiOp struct {
	Op   zk.OpCode
	Body Record
}

// A MultiRequest is the body of multi (6.2).
type MultiRequest struct {
	Ops []MultiOp
}

// Append appends m to dst.
func (m MultiRequest) Append(dst []byte) []byte { return appendOps(dst, m.Ops) }

// Decode sets m from the front of b. Besides what cannot be read it refuses
// what makes the whole request a MarshallingError: an op that is not a write or
// check, a null path, a null ACL, flags that are no mode, and TTL flags in
// anything but createTTL.
func (m *MultiRequest) Decode(b []byte) error {
	r := reader(b)
	m.Ops = readOps(&r, readWrite)
	return r.Err()
}

// A MultiReadRequest is the body of multiRead (6.3).
type MultiReadRequest struct {
	Ops []MultiOp
}

// Append appends m to dst.
func (m MultiReadRequest) Append(dst []byte) []byte { return appendOps(dst, m.Ops) }

// Decode sets m from the front of b. Ops other than getData and getChildren
// and null paths are refused.
func (m *MultiReadRequest) Decode(b []byte) error {
	r := reader(b)
	m.Ops = readOps(&r, readRead)
	return r.Err()
}

func appendOps(dst []byte, ops []MultiOp) []byte {
	for _, op := range ops {
		dst = appendMultiHeader(dst, op.Op, false, -1)
		dst = op.Body.Append(dst)
	}
	return appendMultiHeader(dst, zk.OpError, true, -1)
}

func appendMultiHeader(dst []byte, op zk.OpCode, done bool, err zk.Code) []byte {
	dst = jute.AppendInt32(dst, int32(op))
	dst = jute.AppendBool(dst, done)
	return jute.AppendInt32(dst, int32(err))
}

func readMultiHeader(r *jute.Reader) (op zk.OpCode, done bool, err zk.Code) {
	return zk.OpCode(r.Int32()), r.Bool(), zk.Code(r.Int32())
}

// readOps reads ops with body until the header that ends them.
func readOps(r *jute.Reader, body func(*jute.Reader, zk.OpCode) Record) []MultiOp {
	var ops []MultiOp
	for {
		op, done, _ := readMultiHeader(r)
		if done || r.Err() != nil {
			return ops
		}
		b := body(r, op)
		if r.Err() != nil {
			return nil
		}
		ops = append(ops, MultiOp{Op: op, Body: b})
	}
}

// readWrite reads the body of an op of a multi.
func readWrite(r *jute.Reader, op zk.OpCode) Record {
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		var c CreateRequest
		c.read(r)
		checkCreate(r, &c, false)
		return c
	case zk.OpCreateTTL:
		var c CreateTTLRequest
		c.read(r)
		checkCreate(r, &c.CreateRequest, true)
		return c
	case zk.OpDelete:
		var d DeleteRequest
		d.read(r)
		checkPath(r, d.NullPath)
		return d
	case zk.OpSetData:
		var s SetDataRequest
		s.read(r)
		checkPath(r, s.NullPath)
		return s
	case zk.OpCheck:
		var c CheckRequest
		c.read(r)
		checkPath(r, c.NullPath)
		return c
	}
	r.Fail(fmt.Errorf("%w: %v", errMultiOp, op))
	return nil
}

// readRead reads the body of an op of a multiRead.
func readRead(r *jute.Reader, op zk.OpCode) Record {
	switch op {
	case zk.OpGetData, zk.OpGetChildren:
		var p PathWatchRequest
		p.read(r)
		checkPath(r, p.NullPath)
		return p
	}
	r.Fail(fmt.Errorf("%w: %v", errMultiOp, op))
	return nil
}

func checkCreate(r *jute.Reader, c *CreateRequest, ttl bool) {
	checkPath(r, c.NullPath || c.ACL == nil)
	if !c.Flags.Valid() || c.Flags.TTL() && !ttl {
		r.Fail(fmt.Errorf("%w: %d", errMultiFlags, c.Flags))
	}
}

func checkPath(r *jute.Reader, isNull bool) {
	if isNull {
		r.Fail(errMultiNull)
	}
}

// A MultiResult is the result of one op. Op says which fields count: create has
// a Path, create2 a Path and a Stat, setData a Stat, delete and check nothing,
// getData has Data and a Stat, getChildren has Children; error, the result of
// an op that failed, has a Code.
type MultiResult struct {
	Op       zk.OpCode
	Code     zk.Code
	Path     string
	Stat     zk.Stat
	Data     []byte
	Children []string
}

// ResultOp returns the type of op's result: createContainer and createTTL are
// answered like create2 (6.2).
func ResultOp(op zk.OpCode) zk.OpCode {
	if op == zk.OpCreateContainer || op == zk.OpCreateTTL {
		return zk.OpCreate2
	}
	return op
}

// A MultiResponse is the reply to multi and multiRead.
type MultiResponse struct {
	Results []MultiResult
}

// Append appends m to dst.
func (m MultiResponse) Append(dst []byte) []byte {
	for i := range m.Results {
		dst = m.Results[i].append(dst)
	}
	return appendMultiHeader(dst, zk.OpError, true, -1)
}

func (m *MultiResult) append(dst []byte) []byte {
	op := ResultOp(m.Op)
	if op == zk.OpError {
		dst = appendMultiHeader(dst, op, false, m.Code)
		return jute.AppendInt32(dst, int32(m.Code))
	}
	dst = appendMultiHeader(dst, op, false, zk.OK)
	switch op {
	case zk.OpCreate:
		dst = jute.AppendString(dst, m.Path)
	case zk.OpCreate2:
		dst = jute.AppendString(dst, m.Path)
		dst = jute.AppendStat(dst, m.Stat)
	case zk.OpSetData:
		dst = jute.AppendStat(dst, m.Stat)
	case zk.OpGetData:
		dst = jute.AppendBuffer(dst, m.Data)
		dst = jute.AppendStat(dst, m.Stat)
	case zk.OpGetChildren:
		dst = jute.AppendStringVector(dst, m.Children)
	}
	return dst
}

// Decode sets m from the front of b.
func (m *MultiResponse) Decode(b []byte) error {
	r := reader(b)
	m.Results = nil
	for {
		op, done, _ := readMultiHeader(&r)
		if done || r.Err() != nil {
			return r.Err()
		}
		result := readResult(&r, op)
		if r.Err() != nil {
			return r.Err()
		}
		m.Results = append(m.Results, result)
	}
}

func readResult(r *jute.Reader, op zk.OpCode) MultiResult {
	m := MultiResult{Op: op}
	switch op {
	case zk.OpError:
		m.Code = zk.Code(r.Int32())
	case zk.OpCreate:
		m.Path = r.String()
	case zk.OpCreate2:
		m.Path, m.Stat = r.String(), r.Stat()
	case zk.OpSetData:
		m.Stat = r.Stat()
	case zk.OpGetData:
		m.Data, m.Stat = r.Buffer(), r.Stat()
	case zk.OpGetChildren:
		m.Children = r.Strings()
	case zk.OpDelete, zk.OpCheck:
	default:
		r.Fail(fmt.Errorf("%w: %v", errMultiType, op))
	}
	return m
}
