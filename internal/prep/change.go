package prep

import (
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// delete plans the removal of a node (client-protocol.md 5.2).
func (d *draft) delete(o *operation) (txn.Body, zk.Code) {
	if code := d.checkSession(); code != zk.OK {
		return nil, code
	}
	if !plausiblePath(o.path) || zk.Reserved(o.path) {
		return nil, zk.BadArguments
	}
	parentPath, _ := zk.Parent(o.path)
	parent, ok := d.node(parentPath)
	switch {
	case !ok:
		return nil, zk.NoNode
	case !d.may(parent.ACL, zk.PermDelete):
		return nil, zk.NoAuth
	}
	n, ok := d.node(o.path)
	if !ok {
		return nil, zk.NoNode
	}
	if _, code := nextVersion(n.Stat.Version, o.version); code != zk.OK {
		return nil, code
	}
	if n.NumChildren > 0 {
		return nil, zk.NotEmpty
	}
	d.detach(o.path)
	return &txn.Delete{Path: o.path}, zk.OK
}

// setData plans new data for a node (client-protocol.md 5.5).
func (d *draft) setData(o *operation) (txn.Body, zk.Code) {
	n, code := d.existing(o.path, zk.PermWrite)
	if code != zk.OK {
		return nil, code
	}
	if code := d.checkQuota(o.path, 0, len(o.data)-n.DataLen); code != zk.OK {
		return nil, code
	}
	version, code := nextVersion(n.Stat.Version, o.version)
	if code != zk.OK {
		return nil, code
	}
	n.Stat.Version, n.Stat.Mzxid, n.Stat.Mtime = version, d.zxid, d.time
	n.DataLen = len(o.data)
	n.Prefix = tree.Prefix(o.path, o.data)
	d.put(o.path, n.Info)
	return &txn.SetData{Path: o.path, Data: o.data, Version: version}, zk.OK
}

// setACL plans a new access list for a node (client-protocol.md 5.7). The list is
// judged before the node is looked for.
func (d *draft) setACL(o *operation) (txn.Body, zk.Code) {
	if code := d.checkPath(o.path); code != zk.OK {
		return nil, code
	}
	acl, code := d.fixACL(o.acl)
	if code != zk.OK {
		return nil, code
	}
	n, code := d.existing(o.path, zk.PermAdmin)
	if code != zk.OK {
		return nil, code
	}
	version, code := nextVersion(n.Stat.Aversion, o.version)
	if code != zk.OK {
		return nil, code
	}
	n.Stat.Aversion = version
	n.ACL = acl
	d.put(o.path, n.Info)
	return &txn.SetACL{Path: o.path, ACL: acl, Version: version}, zk.OK
}

// check plans the comparison of a version, in a multi (client-protocol.md 5.8).
// The transaction names the version that a change would have led to (disk.md 3.6).
func (d *draft) check(o *operation) (txn.Body, zk.Code) {
	n, code := d.existing(o.path, zk.PermRead)
	if code != zk.OK {
		return nil, code
	}
	version, code := nextVersion(n.Stat.Version, o.version)
	if code != zk.OK {
		return nil, code
	}
	return &txn.Check{Path: o.path, Version: version}, zk.OK
}

// existing returns the node at path for a client that needs a permission on it,
// after the checks that setData, setACL and check have in common.
func (d *draft) existing(path string, want zk.Perm) (node, zk.Code) {
	if code := d.checkPath(path); code != zk.OK {
		return node{}, code
	}
	n, ok := d.node(path)
	switch {
	case !ok:
		return node{}, zk.NoNode
	case !d.may(n.ACL, want):
		return node{}, zk.NoAuth
	}
	return n, zk.OK
}

// checkPath checks the session, then the path in full.
func (d *draft) checkPath(path string) zk.Code {
	if code := d.checkSession(); code != zk.OK {
		return code
	}
	if zk.ValidatePath(path) != nil {
		return zk.BadArguments
	}
	return zk.OK
}
