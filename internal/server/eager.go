package server

import (
	"strings"

	"ostler/internal/tree"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// refusedEarly answers a write at once that its sender has no permission for,
// going by this server's own tree, where that is switched on
// (client-protocol.md 7.9). No zxid is spent, and the answer may overtake others.
// Everything else that may be wrong with a write is left to the leader. The
// caller holds mu.
func (c *conn) refusedEarly(p *pendingRequest) bool {
	if !c.server.cfg.Access.EagerCheck || c.server.cfg.Ensemble == nil {
		return false
	}
	n, ok := needOf(p.op, p.body)
	if !ok {
		return false
	}
	code := c.eagerCheck(n)
	if code == zk.OK {
		return false
	}
	c.replyError(p.xid, 0, code)
	c.answered(p)
	return true
}

// A need is what a write wants to be allowed.
type need struct {
	path   string // the node whose access list decides
	perm   zk.Perm
	fixACL bool // acl is to be stored, and must be fit for it
	acl    []zk.ACL
}

// needOf returns what a write needs (7.4); ok is false for those that are not
// checked early, undecodable ones included.
func needOf(op zk.OpCode, body []byte) (n need, ok bool) {
	switch op {
	case zk.OpCreate, zk.OpCreate2:
		var r wire.CreateRequest
		if r.Decode(body) != nil {
			return need{}, false
		}
		n.path, ok = parentOf(r.Path)
		n.perm, n.fixACL, n.acl = zk.PermCreate, true, r.ACL
	case zk.OpDelete:
		var r wire.DeleteRequest
		if r.Decode(body) != nil {
			return need{}, false
		}
		n.path, ok = parentOf(r.Path)
		n.perm = zk.PermDelete
	case zk.OpSetData:
		var r wire.SetDataRequest
		ok = r.Decode(body) == nil && !r.NullPath
		n.path, n.perm = r.Path, zk.PermWrite
	case zk.OpSetACL:
		var r wire.SetACLRequest
		ok = r.Decode(body) == nil && !r.NullPath
		n.path, n.perm, n.fixACL, n.acl = r.Path, zk.PermAdmin, true, r.ACL
	}
	return n, ok
}

// parentOf is the path of the parent, unless the path itself is bad.
func parentOf(path string) (string, bool) {
	if strings.IndexByte(path, 0) >= 0 || zk.Reserved(path) {
		return "", false
	}
	return zk.Parent(path)
}

// eagerCheck looks at the list to be stored, then at the one that decides. A node
// that is not there decides nothing.
func (c *conn) eagerCheck(n need) zk.Code {
	a, ids := c.server.o.Auth, c.identities()
	if n.fixACL {
		if _, err := a.FixACL(n.acl, ids); err != nil {
			return zk.InvalidACL
		}
	}
	code := zk.OK
	c.server.tree.Load().Read(n.path, func(node *tree.Node) {
		if node != nil && !a.Check(node.ACL, n.perm, ids) {
			code = zk.NoAuth
		}
	})
	return code
}
