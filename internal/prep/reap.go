package prep

import (
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// deleteContainer plans the reaping of a container or TTL node, which the server
// asks for itself (client-protocol.md 4.8, 5.3). Since it was asked for, the node
// may have been used, renewed, or replaced by one of another kind: then it stays
// (INV-T17).
func (d *draft) deleteContainer(o *operation) (txn.Body, zk.Code) {
	if !plausiblePath(o.path) || zk.Reserved(o.path) {
		return nil, zk.BadArguments
	}
	n, ok := d.node(o.path)
	switch {
	case !ok:
		return nil, zk.NoNode
	case n.NumChildren > 0:
		return nil, zk.NotEmpty
	case !d.p.Reapable(&n.Stat, n.NumChildren, d.time):
		return nil, zk.BadVersion
	}
	d.detach(o.path)
	return &txn.Delete{Path: o.path}, zk.OK
}

// Reapable reports whether a node is of a kind that ends by itself, and is due when
// the wall clock shows wallMs: a container that is empty again or was never used for
// too long, a TTL node that is empty and was not written for its time
// (client-protocol.md 4.8). TTL nodes in the data of a server without extended types
// do not end (decisions.md 21).
func (p *Preparer) Reapable(s *zk.StatPersisted, children int, wallMs int64) bool {
	if children > 0 {
		return false
	}
	age := wallMs - s.Mtime
	if s.Owner == zk.OwnerContainer {
		never := p.o.NeverUsed.Milliseconds()
		return s.Creates > 0 || never > 0 && age > never
	}
	ttl, ok := p.o.Owners.TTL(s.Owner)
	return ok && ttl > 0 && p.o.ExtendedTypes && age > ttl
}
