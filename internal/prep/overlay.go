package prep

import (
	"ostler/internal/tree"
	"ostler/internal/zk"
)

// A node is what a path will hold: a node, or nothing.
type node struct {
	tree.Info
	exists bool
}

// A pendingNode is a node as the transaction zxid leaves it.
type pendingNode struct {
	node
	zxid zk.Zxid
}

// An overlay is what the transactions under way change: for each path, the state
// after the newest of them. It grows with the requests not applied yet, which the
// server bounds, and shrinks with drop.
type overlay struct {
	owners zk.Owners
	digest uint64 // of the tree with every transaction under way applied

	nodes   map[string]pendingNode
	owned   map[zk.SessionID]map[string]struct{} // ephemerals in nodes, by session
	closing map[zk.SessionID]zk.Zxid             // sessions whose end is under way
	queue   []change                             // by zxid
}

// A change is one entry of nodes (path) or closing (session) that was set by
// the transaction zxid, and perhaps again by a later one.
type change struct {
	zxid    zk.Zxid
	path    string // "" for a session
	session zk.SessionID
}

func newOverlay(owners zk.Owners, digest uint64) overlay {
	return overlay{
		owners:  owners,
		digest:  digest,
		nodes:   make(map[string]pendingNode),
		owned:   make(map[zk.SessionID]map[string]struct{}),
		closing: make(map[zk.SessionID]zk.Zxid),
	}
}

// merge takes over the changes of a draft.
func (o *overlay) merge(d *draft) {
	for _, path := range d.order {
		o.set(path, d.nodes[path], d.zxid)
	}
	if d.closes {
		o.closing[d.req.Session] = d.zxid
		o.queue = append(o.queue, change{zxid: d.zxid, session: d.req.Session})
	}
	o.digest = d.digest
}

func (o *overlay) set(path string, n node, zxid zk.Zxid) {
	o.disown(path)
	if s := o.owner(n); s != 0 {
		if o.owned[s] == nil {
			o.owned[s] = make(map[string]struct{})
		}
		o.owned[s][path] = struct{}{}
	}
	o.nodes[path] = pendingNode{n, zxid}
	o.queue = append(o.queue, change{zxid: zxid, path: path})
}

// owner returns the session that an ephemeral belongs to, else 0.
func (o *overlay) owner(n node) zk.SessionID {
	if !n.exists {
		return 0
	}
	return o.owners.Session(n.Stat.Owner)
}

// disown takes the pending state of a path out of the index by owner.
func (o *overlay) disown(path string) {
	s := o.owner(o.nodes[path].node)
	if s == 0 {
		return
	}
	delete(o.owned[s], path)
	if len(o.owned[s]) == 0 {
		delete(o.owned, s)
	}
}

// drop forgets what transactions up to zxid changed and no later one did.
func (o *overlay) drop(zxid zk.Zxid) {
	n := 0
	for n < len(o.queue) && o.queue[n].zxid <= zxid {
		o.forget(o.queue[n])
		n++
	}
	if n == len(o.queue) {
		o.queue = o.queue[:0]
		return
	}
	o.queue = o.queue[n:]
}

func (o *overlay) forget(c change) {
	if c.path == "" {
		if o.closing[c.session] == c.zxid {
			delete(o.closing, c.session)
		}
		return
	}
	if o.nodes[c.path].zxid == c.zxid {
		o.disown(c.path)
		delete(o.nodes, c.path)
	}
}
