package prep

import (
	"errors"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// create plans a new node. The order of checks is that of client-protocol.md 5.1.
func (d *draft) create(o *operation) (txn.Body, zk.Code) {
	if code := checkMode(o, d.p.o.ExtendedTypes); code != zk.OK {
		return nil, code
	}
	checkSession := d.checkSession
	if o.ephemeral() {
		checkSession = d.checkOwner
	}
	if code := checkSession(); code != zk.OK {
		return nil, code
	}
	switch {
	case o.noPath:
		return nil, zk.MarshallingError
	case !plausiblePath(o.path):
		return nil, zk.BadArguments
	}
	acl, code := d.fixACL(o.acl)
	if code != zk.OK {
		return nil, code
	}
	parentPath, _ := zk.Parent(o.path)
	parent, ok := d.node(parentPath)
	switch {
	case !ok:
		return nil, zk.NoNode
	case !d.may(parent.ACL, zk.PermCreate):
		return nil, zk.NoAuth
	}
	path := o.path
	if o.mode.Sequential() {
		path = zk.SequentialPath(path, parent.Stat.Creates)
	}
	if zk.ValidatePath(path) != nil {
		return nil, zk.BadArguments
	}
	if _, exists := d.node(path); exists {
		return nil, zk.NodeExists
	}
	if d.p.overlay.owner(parent) != 0 {
		return nil, zk.NoChildrenForEphemerals
	}
	if code := d.checkQuota(path, 1, len(o.data)); code != zk.OK {
		return nil, code
	}
	d.put(path, d.newNode(o, path, acl))
	creates := d.attach(parentPath, parent.Info)
	return createBody(o, path, acl, creates), zk.OK
}

// checkMode checks flags and TTL: steps 1 to 3 of client-protocol.md 5.1. With
// createTTL, flags other than 5 and 6 are wrong whatever the TTL (H2); those that
// a multi turns into plain creates never come here as createTTL.
func checkMode(o *operation, extendedTypes bool) zk.Code {
	switch {
	case !o.mode.Valid():
		return zk.BadArguments
	case o.mode.TTL() && !extendedTypes:
		return zk.Unimplemented
	case o.mode.TTL() != (o.op == zk.OpCreateTTL):
		return zk.BadArguments
	case o.mode.TTL() && (o.ttl < 1 || o.ttl > zk.TTLMax):
		return zk.BadArguments
	}
	return zk.OK
}

// fixACL makes an access list fit to be stored (client-protocol.md 7.3).
func (d *draft) fixACL(acl []zk.ACL) ([]zk.ACL, zk.Code) {
	fixed, err := d.p.o.Auth.FixACL(acl, d.req.Auth)
	if err == nil {
		// Scheme auth makes lists longer than the request was.
		if d.lists += listSize(fixed); d.lists > d.p.o.TxnMax {
			return nil, zk.InvalidACL
		}
		return fixed, zk.OK
	}
	if code := zk.Code(0); errors.As(err, &code) {
		return nil, code
	}
	return nil, zk.InvalidACL
}

// listSize is the number of bytes that an access list takes in a transaction.
func listSize(acl []zk.ACL) int {
	size := 4
	for i := range acl {
		size += 4 + 4 + len(acl[i].ID.Scheme) + 4 + len(acl[i].ID.ID)
	}
	return size
}

// newNode is the node that a create makes.
func (d *draft) newNode(o *operation, path string, acl []zk.ACL) tree.Info {
	return tree.Info{
		Stat: zk.StatPersisted{
			Czxid: d.zxid, Mzxid: d.zxid, Pzxid: d.zxid,
			Ctime: d.time, Mtime: d.time, Owner: d.ownerOf(o),
		},
		DataLen: len(o.data),
		ACL:     acl,
		Prefix:  tree.Prefix(path, o.data),
	}
}

// ownerOf encodes the kind of node: containers and TTL nodes go by the opcode,
// ephemerals by the flags (client-protocol.md 5.1).
func (d *draft) ownerOf(o *operation) zk.Owner {
	switch {
	case o.op == zk.OpCreateContainer:
		return zk.OwnerContainer
	case o.op == zk.OpCreateTTL:
		return zk.OwnerTTL(o.ttl)
	case o.ephemeral():
		return zk.Owner(d.req.Session)
	}
	return 0
}

// attach has a parent show one more child, and returns its number of creates
// as the transaction gives it. At the end of the numbers the count stays, and so
// does pzxid, because applying raises neither (client-protocol.md 4.4).
func (d *draft) attach(path string, parent tree.Info) (creates int32) {
	creates = parent.Stat.Creates + 1
	if creates > parent.Stat.Creates {
		parent.Stat.Creates = creates
		parent.Stat.Pzxid = d.zxid
	}
	parent.NumChildren++
	d.put(path, parent)
	return creates
}

func createBody(o *operation, path string, acl []zk.ACL, creates int32) txn.Body {
	switch o.op {
	case zk.OpCreateContainer:
		return &txn.CreateContainer{Path: path, Data: o.data, ACL: acl, ParentCreates: creates}
	case zk.OpCreateTTL:
		return &txn.CreateTTL{Path: path, Data: o.data, ACL: acl, ParentCreates: creates, TTL: o.ttl}
	}
	return &txn.Create{
		Path: path, Data: o.data, ACL: acl, Ephemeral: o.ephemeral(), ParentCreates: creates,
	}
}
