package prep

import (
	"slices"
	"strings"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A draft is the transaction being planned: the changes it makes so far, on top
// of those under way. Until it is merged nobody else sees them.
type draft struct {
	p    *Preparer
	req  *Request
	from zk.ServerID
	zxid zk.Zxid
	time int64 // ms since 1970

	nodes  map[string]node
	order  []string // keys of nodes by first change, so that runs are repeatable
	closes bool     // the session ends
	bare   bool     // the transaction is no more than its header
	lists  int      // bytes of access lists
	digest uint64   // of the tree with these changes
}

func newDraft(p *Preparer) draft { return draft{p: p, nodes: make(map[string]node)} }

func (d *draft) begin(r *Request, from zk.ServerID, zxid zk.Zxid, wallMs int64) {
	d.req, d.from, d.zxid, d.time = r, from, zxid, wallMs
	d.rollback()
}

// rollback drops the changes: as if nothing had been tried (INV-X5).
func (d *draft) rollback() {
	clear(d.nodes)
	d.order = d.order[:0]
	d.closes, d.bare, d.lists = false, false, 0
	d.digest = d.p.overlay.digest
}

// plan returns the body of the transaction for the request, or why there is none.
func (d *draft) plan() (txn.Body, zk.Code) {
	switch d.req.Op {
	case zk.OpCreateSession:
		return d.createSession()
	case zk.OpCloseSession:
		return d.closeSession()
	case zk.OpMulti:
		ops, code := decodeMulti(d.req.Body)
		if code != zk.OK {
			return nil, code
		}
		return d.multi(ops)
	case zk.OpDeleteContainer:
		if d.req.Session != 0 { // no business of a client (H4)
			return nil, zk.Unimplemented
		}
	}
	o, code := decode(d.req.Op, d.req.Body)
	if code != zk.OK {
		return nil, code
	}
	return d.operation(&o)
}

// operation plans one operation, alone or in a multi.
func (d *draft) operation(o *operation) (txn.Body, zk.Code) {
	switch o.op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		return d.create(o)
	case zk.OpDelete:
		return d.delete(o)
	case zk.OpDeleteContainer:
		return d.deleteContainer(o)
	case zk.OpSetData:
		return d.setData(o)
	case zk.OpSetACL:
		return d.setACL(o)
	case zk.OpCheck:
		return d.check(o)
	case zk.OpReconfig:
		return d.reconfig(o)
	}
	return nil, zk.Unimplemented
}

// checkSession is the check called "Session" in client-protocol.md section 5.
// From the moment its end is planned, a session can do nothing more (2.10).
func (d *draft) checkSession() zk.Code {
	switch {
	case d.sessionCloses():
		return zk.SessionExpired
	case d.req.Local:
		return zk.OK
	}
	return d.p.o.Sessions.Check(d.req.Session, d.from)
}

// checkOwner is checkSession for a session that is to own an ephemeral, which a
// local one cannot (client-protocol.md 2.13).
func (d *draft) checkOwner() zk.Code {
	switch {
	case d.sessionCloses():
		return zk.SessionExpired
	case d.req.Local:
		return zk.EphemeralOnLocalSession
	}
	return d.p.o.Sessions.CheckGlobal(d.req.Session, d.from)
}

// sessionCloses reports whether the end of the session is under way.
func (d *draft) sessionCloses() bool {
	_, closing := d.p.overlay.closing[d.req.Session]
	return closing
}

// may reports whether the client has a permission under acl.
func (d *draft) may(acl []zk.ACL, want zk.Perm) bool { return d.p.o.Auth.Check(acl, want, d.req.Auth) }

// node returns what path holds after the changes so far.
func (d *draft) node(path string) (node, bool) {
	if n, ok := d.nodes[path]; ok {
		return n, n.exists
	}
	if n, ok := d.p.overlay.nodes[path]; ok {
		return n.node, n.exists
	}
	info, ok := d.p.o.Source.Info(path)
	return node{info, ok}, ok
}

// put makes info the node at path.
func (d *draft) put(path string, info tree.Info) { d.set(path, node{info, true}) }

// remove makes path hold nothing.
func (d *draft) remove(path string) { d.set(path, node{}) }

func (d *draft) set(path string, n node) {
	if d.p.o.Digest {
		before, _ := d.node(path)
		d.digest += n.digest(path) - before.digest(path)
	}
	if _, ok := d.nodes[path]; !ok {
		d.order = append(d.order, path)
	}
	d.nodes[path] = n
}

// digest is what n adds to the digest of the tree (disk.md 7.1).
func (n *node) digest(path string) uint64 {
	if !n.exists {
		return 0
	}
	return tree.NodeDigest(n.Prefix, path, &n.Stat)
}

// detach removes the node at path and has its parent show it.
func (d *draft) detach(path string) {
	d.remove(path)
	parentPath, _ := zk.Parent(path)
	if parent, ok := d.node(parentPath); ok {
		parent.NumChildren--
		parent.Stat.Pzxid = max(parent.Stat.Pzxid, d.zxid) // disk.md 5.6
		d.put(parentPath, parent.Info)
	}
}

// ephemerals returns the ephemerals that a session has after what is under way,
// sorted.
func (d *draft) ephemerals(session zk.SessionID) []string {
	var paths []string
	for _, path := range d.p.o.Source.Ephemerals(session) {
		if _, changed := d.p.overlay.nodes[path]; !changed {
			paths = append(paths, path)
		}
	}
	for path := range d.p.overlay.owned[session] {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

// plausiblePath is the first look at the path of a create or delete
// (client-protocol.md 4.5).
func plausiblePath(path string) bool {
	return strings.IndexByte(path, '/') >= 0 && strings.IndexByte(path, 0) < 0
}

// nextVersion returns the version after current, unless the expected one is
// another. Counting skips -1, which means "any" where it is expected
// (client-protocol.md 4.7).
func nextVersion(current, expected int32) (int32, zk.Code) {
	if expected != -1 && expected != current {
		return 0, zk.BadVersion
	}
	if current == -2 {
		return 0, zk.OK
	}
	return current + 1, zk.OK
}
