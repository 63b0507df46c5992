package tree

import (
	"ostler/internal/zk"
)

// A Node is what a reader sees of a node. Data and ACL are immutable and may be
// kept; the Node itself is only valid during the call that was given it.
type Node struct {
	Data        []byte // nil is null, which differs from empty
	ACL         []zk.ACL
	Stat        zk.StatPersisted
	NumChildren int
	Session     zk.SessionID // that owns an ephemeral, else 0

	kids *nameList
}

// ClientStat returns the node's numbers as a client sees them.
func (n *Node) ClientStat() zk.Stat { return n.Stat.Client(n.Session, len(n.Data), n.NumChildren) }

// Children returns the names of the children, sorted by bytes.
func (n *Node) Children() []string {
	return n.AppendChildren(make([]string, 0, n.NumChildren))
}

// AppendChildren appends the names of the children to dst, sorted by bytes.
func (n *Node) AppendChildren(dst []string) []string { return n.kids.appendTo(dst) }

// A record is a node as the tree stores it: 128 bytes. The apply loop changes
// it, under the write lock of the node's stripe.
type record struct {
	path string // "" for the root
	data []byte // replaced, never changed in place
	acl  *aclList
	kids *nameList // nil while there has been no child
	stat zk.StatPersisted

	prefix uint32 // CRC-32 of path and data, so that a new stat alone is cheap to digest
	gen    uint32 // the generation in which this was last changed
}

func (r *record) size() int64 { return int64(len(r.path) + len(r.data)) }

func (t *Tree) fill(n *Node, r *record) {
	*n = Node{
		Data: r.data, ACL: r.acl.entries, Stat: r.stat, NumChildren: r.kids.len(),
		Session: t.o.Owners.Session(r.stat.Owner), kids: r.kids,
	}
}

func (t *Tree) clientStat(r *record) zk.Stat {
	return r.stat.Client(t.o.Owners.Session(r.stat.Owner), len(r.data), r.kids.len())
}

func (r *record) info() Info {
	return Info{
		Stat: r.stat, NumChildren: r.kids.len(), DataLen: len(r.data),
		ACL: r.acl.entries, Prefix: r.prefix,
	}
}
