package prep

import (
	"slices"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An operation is a decoded write, whatever record it came in. Fields that its
// op does not use are zero.
type operation struct {
	op      zk.OpCode
	path    string
	noPath  bool // of a create whose path is null
	data    []byte
	acl     []zk.ACL
	mode    zk.CreateMode
	ttl     int64
	version int32

	reconfig *wire.ReconfigRequest
}

// ephemeral reports whether o makes a node that its session owns.
func (o *operation) ephemeral() bool {
	return (o.op == zk.OpCreate || o.op == zk.OpCreate2) && o.mode.Ephemeral()
}

// MakesEphemeral reports whether a write would make an ephemeral node, which
// needs a session that the whole ensemble knows (client-protocol.md 2.13).
func MakesEphemeral(op zk.OpCode, body []byte) bool {
	switch op {
	case zk.OpCreate, zk.OpCreate2:
		o, code := decode(op, body)
		return code == zk.OK && o.ephemeral()
	case zk.OpMulti:
		ops, _ := decodeMulti(body)
		return slices.ContainsFunc(ops, func(o operation) bool { return o.ephemeral() })
	}
	return false
}

// Validate says whether a write is so wrong that its sender can be answered at
// once: MarshallingError for one that cannot be decoded, and what a leader could
// only answer alike. A server that is not the leader asks before it forwards, so
// that no leader ever sees such a request (client-protocol.md section 15).
func Validate(op zk.OpCode, body []byte) zk.Code {
	switch op {
	case zk.OpCreateSession, zk.OpCloseSession, zk.OpSync:
		return zk.OK // nothing in them is decoded on the way
	case zk.OpCheck, zk.OpDeleteContainer:
		return zk.Unimplemented // no requests of a client
	case zk.OpMulti:
		_, code := decodeMulti(body)
		return code
	}
	o, code := decode(op, body)
	switch {
	case code != zk.OK:
		return code
	case o.op == zk.OpCreateTTL && !o.mode.TTL(): // H2
		return zk.BadArguments
	case o.noPath && !o.mode.Valid():
		return zk.BadArguments
	case o.noPath:
		return zk.MarshallingError
	}
	return zk.OK
}

// decode reads the body of a write other than multi. A null path is as bad as
// a body that ends too early (client-protocol.md 3.7), but it is found in its turn:
// after the flags of a create, and by setData and setACL when they check the path,
// to which it is like "".
func decode(op zk.OpCode, body []byte) (operation, zk.Code) {
	var (
		o        operation
		nullPath bool
		err      error
	)
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		var r wire.CreateRequest
		err = r.Decode(body)
		o = createOperation(op, r)
	case zk.OpCreateTTL:
		var r wire.CreateTTLRequest
		err = r.Decode(body)
		o = createTTLOperation(r)
	case zk.OpDelete:
		var r wire.DeleteRequest
		err = r.Decode(body)
		o, nullPath = operation{path: r.Path, version: r.Version}, r.NullPath
	case zk.OpDeleteContainer:
		var r wire.PathRequest
		err = r.Decode(body)
		o, nullPath = operation{path: r.Path}, r.NullPath
	case zk.OpSetData:
		var r wire.SetDataRequest
		err = r.Decode(body)
		o = operation{path: r.Path, data: r.Data, version: r.Version}
	case zk.OpSetACL:
		var r wire.SetACLRequest
		err = r.Decode(body)
		o = operation{path: r.Path, acl: r.ACL, version: r.Version}
	case zk.OpReconfig:
		o.reconfig = new(wire.ReconfigRequest)
		err = o.reconfig.Decode(body)
	default: // a check stands in a multi only, and reads are never planned
		return operation{}, zk.Unimplemented
	}
	if err != nil || nullPath {
		return operation{}, zk.MarshallingError
	}
	o.op = op
	return o, zk.OK
}

func createOperation(op zk.OpCode, r wire.CreateRequest) operation {
	return operation{op: op, path: r.Path, noPath: r.NullPath, data: r.Data, acl: r.ACL, mode: r.Flags, ttl: -1}
}

func createTTLOperation(r wire.CreateTTLRequest) operation {
	o := createOperation(zk.OpCreateTTL, r.CreateRequest)
	o.ttl = r.TTL
	return o
}

// decodeMulti reads the body of a multi. What the record refuses makes the whole
// request undecodable (client-protocol.md 6.2).
func decodeMulti(body []byte) ([]operation, zk.Code) {
	var m wire.MultiRequest
	if m.Decode(body) != nil {
		return nil, zk.MarshallingError
	}
	ops := make([]operation, len(m.Ops))
	for i, op := range m.Ops {
		switch r := op.Body.(type) {
		case wire.CreateRequest:
			ops[i] = createInMulti(createOperation(op.Op, r))
		case wire.CreateTTLRequest:
			ops[i] = createInMulti(createTTLOperation(r))
		case wire.DeleteRequest:
			ops[i] = operation{op: op.Op, path: r.Path, version: r.Version}
		case wire.SetDataRequest:
			ops[i] = operation{op: op.Op, path: r.Path, data: r.Data, version: r.Version}
		case wire.CheckRequest:
			ops[i] = operation{op: op.Op, path: r.Path, version: r.Version}
		default:
			return nil, zk.MarshallingError
		}
	}
	return ops, zk.OK
}

// createInMulti gives a create the opcode that it has in a multi, where the flags
// count for more than alone (client-protocol.md 6.2): createTTL without TTL flags
// is a create, and a create with the container flag makes a container.
func createInMulti(o operation) operation {
	if o.op == zk.OpCreateTTL && !o.mode.TTL() {
		o.op, o.ttl = zk.OpCreate, -1
	}
	if o.mode == zk.ModeContainer {
		o.op = zk.OpCreateContainer
	}
	return o
}
