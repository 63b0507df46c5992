package tree

import (
	"sync"

	"ostler/internal/zk"
)

// An Info is what preparing a transaction needs to know of a node.
type Info struct {
	Stat        zk.StatPersisted
	NumChildren int
	DataLen     int
	ACL         []zk.ACL // immutable
	Prefix      uint32   // CRC-32 of path and data, see NodeDigest
}

// nodes are reused by Read: a pointer that goes to an unknown function escapes.
var nodes = sync.Pool{New: func() any { return new(Node) }}

// Read calls f with the node at path, nil if there is none, under the read lock
// of its stripe: neither the node nor the applied zxid above it changes
// meanwhile, and a watch added by f misses nothing. "" addresses the root too
// (client-protocol.md 4.5). F must not call the tree. Read does not allocate.
func (t *Tree) Read(path string, f func(n *Node)) {
	key := rootKey(path)
	s := &t.stripes[t.stripeOf(key)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.nodes[key]
	if r == nil {
		f(nil)
		return
	}
	n := nodes.Get().(*Node)
	t.fill(n, r)
	f(n)
	*n = Node{}
	nodes.Put(n)
}

// ReadAll calls f for each of paths, in order, as Read does, with all their
// stripes locked: f sees all nodes at one zxid.
func (t *Tree) ReadAll(paths []string, f func(i int, n *Node)) {
	var set stripeSet
	for _, path := range paths {
		set.add(t.stripeOf(rootKey(path)))
	}
	set.each(func(i int) { t.stripes[i].mu.RLock() })
	defer set.each(func(i int) { t.stripes[i].mu.RUnlock() })
	for i, path := range paths {
		r := t.node(rootKey(path))
		if r == nil {
			f(i, nil)
			continue
		}
		var n Node
		t.fill(&n, r)
		f(i, &n)
	}
}

// Still calls f while nothing is written: with the read locks of all stripes, so
// that a watch that f adds on a whole subtree misses nothing of what is applied
// above LastZxid and gets nothing of what was applied before. Writes wait, so f
// must be quick; it must not call the tree otherwise.
func (t *Tree) Still(f func()) {
	for i := range t.stripes {
		t.stripes[i].mu.RLock()
	}
	defer func() {
		for i := range t.stripes {
			t.stripes[i].mu.RUnlock()
		}
	}()
	f()
}

// Info returns what is known of the node at path, false if there is none.
func (t *Tree) Info(path string) (Info, bool) {
	key := rootKey(path)
	s := &t.stripes[t.stripeOf(key)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r := s.nodes[key]; r != nil {
		return r.info(), true
	}
	return Info{}, false
}

// AllChildrenNumber returns the number of descendants of the node at path, false
// if there is no such node. Those of "" are one more than those of "/", whose
// own path they hold: so do ZooKeeper's. It locks one stripe at a time, so the
// number may mix states when there are writes meanwhile.
func (t *Tree) AllChildrenNumber(path string) (int, bool) {
	key := rootKey(path)
	kids, ok := t.kidsOf(key, nil)
	if !ok {
		return 0, false
	}
	n := 0
	level := prefixed(nil, key, kids)
	for len(level) > 0 {
		n += len(level)
		var next []string
		for _, child := range level {
			if kids, ok = t.kidsOf(child, kids[:0]); ok {
				next = prefixed(next, child, kids)
			}
		}
		level = next
	}
	if path == "" {
		n++
	}
	return n, true
}

// kidsOf appends the names of a node's children to dst.
func (t *Tree) kidsOf(key string, dst []string) ([]string, bool) {
	s := &t.stripes[t.stripeOf(key)]
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.nodes[key]
	if r == nil {
		return dst, false
	}
	return r.kids.appendTo(dst), true
}

// prefixed appends the paths of the children of key to dst.
func prefixed(dst []string, key string, names []string) []string {
	for _, name := range names {
		dst = append(dst, key+"/"+name)
	}
	return dst
}
