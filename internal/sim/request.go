package sim

import (
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A rawBody is the body of a request as it stands.
type rawBody []byte

// Append implements wire.Record.
func (b rawBody) Append(dst []byte) []byte { return append(dst, b...) }

// record is the body of a request, or of a part of one.
func (k *call) record() wire.Record {
	switch k.op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		return wire.CreateRequest{Path: k.path, Data: k.data, ACL: k.acl, Flags: k.mode}
	case zk.OpCreateTTL:
		r := wire.CreateRequest{Path: k.path, Data: k.data, ACL: k.acl, Flags: k.mode}
		return wire.CreateTTLRequest{CreateRequest: r, TTL: k.ttl}
	case zk.OpSetData:
		return wire.SetDataRequest{Path: k.path, Data: k.data, Version: k.version}
	case zk.OpSetACL:
		return wire.SetACLRequest{Path: k.path, ACL: k.acl, Version: k.version}
	case zk.OpDelete:
		return wire.DeleteRequest{Path: k.path, Version: k.version}
	case zk.OpCheck:
		return wire.CheckRequest{Path: k.path, Version: k.version}
	case zk.OpMulti:
		return wire.MultiRequest{Ops: k.ops()}
	case zk.OpMultiRead:
		return wire.MultiReadRequest{Ops: k.ops()}
	case zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2:
		return wire.PathWatchRequest{Path: k.path, Watch: k.watch}
	case zk.OpAddWatch:
		return wire.AddWatchRequest{Path: k.path, Mode: k.kind}
	case zk.OpCheckWatches, zk.OpRemoveWatches:
		return wire.WatchesRequest{Path: k.path, Type: wire.WatcherType(k.kind)}
	case zk.OpReconfig:
		return wire.ReconfigRequest{Joining: "server.9=h:1:2;3", NullLeaving: true, NullNewMembers: true, ConfigVersion: -1}
	case zk.OpWhoAmI, zk.OpCloseSession:
		return rawBody(nil)
	}
	return wire.PathRequest{Path: k.path}
}

func (k *call) ops() []wire.MultiOp {
	ops := make([]wire.MultiOp, len(k.parts))
	for i := range k.parts {
		ops[i] = wire.MultiOp{Op: k.parts[i].op, Body: k.parts[i].record()}
	}
	return ops
}
