package tree

import (
	"fmt"

	"ostler/internal/invariant"
	"ostler/internal/zk"
)

// checkEvery is how often a tree of more than checkAlways nodes is checked, in
// transactions: a check takes time in proportion to the tree.
const (
	checkAlways = 2000
	checkEvery  = 4096
)

// checkAfter panics if the tree is not consistent after a transaction. Costly.
func (t *Tree) checkAfter(zxid zk.Zxid) {
	if t.nodeCount.Load() > checkAlways && zxid%checkEvery != 0 {
		return
	}
	if err := t.verify(); err != nil {
		invariant.Check(false, "the tree is consistent after %v: %v", zxid, err)
	}
}

// A tally is what the tree keeps count of, counted anew.
type tally struct {
	nodes, size, ephemerals int64
	containers, ttls        int64
	children                int64
	digest                  uint64
	lists                   map[*aclList]int
}

// verify recomputes everything that is kept incrementally and reports the
// first difference (invariants.md T1, T2, T13, T14, T16, G1). Apply loop only.
func (t *Tree) verify() error {
	c := tally{lists: make(map[*aclList]int)}
	indexed := 0
	for i := range t.stripes {
		indexed += len(t.stripes[i].mortals)
		for key, r := range t.stripes[i].nodes {
			if err := t.verifyNode(&c, key, r); err != nil {
				return err
			}
		}
	}
	if int64(indexed) != c.containers+c.ttls {
		return fmt.Errorf("%d containers and TTL nodes indexed, %d found", indexed, c.containers+c.ttls)
	}
	return t.verifyTotals(&c)
}

func (t *Tree) verifyNode(c *tally, key string, r *record) error {
	if r.path != key || r.prefix != Prefix(key, r.data) {
		return fmt.Errorf("the record of %q has path %q and prefix %#x", key, r.path, r.prefix)
	}
	c.nodes++
	c.size += r.size()
	c.lists[r.acl]++
	c.children += int64(r.kids.len())
	if t.o.Digest {
		c.digest += NodeDigest(r.prefix, key, &r.stat)
	}
	if err := t.verifyOwner(c, key, r); err != nil {
		return err
	}
	if key == "" {
		return nil
	}
	parentKey, name := split(key)
	if parent := t.node(parentKey); parent == nil || !parent.kids.has(name) {
		return fmt.Errorf("%q is not a child of its parent", key)
	}
	return nil
}

// verifyOwner checks that the index of the node's kind has it.
func (t *Tree) verifyOwner(c *tally, key string, r *record) error {
	owner := r.stat.Owner
	if id := t.o.Owners.Session(owner); id != 0 {
		c.ephemerals++
		if !t.owners.has(id, key) {
			return fmt.Errorf("%q is not among the ephemerals of %v", key, id)
		}
		return nil
	}
	switch {
	case owner == zk.OwnerContainer:
		c.containers++
	case owner != 0:
		c.ttls++
	default:
		return nil
	}
	if t.stripes[t.stripeOf(key)].mortals[key] != r {
		return fmt.Errorf("%q is not among the containers and TTL nodes", key)
	}
	return nil
}

// verifyTotals compares the totals. Every node being a child of its parent, equal
// numbers of both mean that no list names a node that is not there.
func (t *Tree) verifyTotals(c *tally) error {
	for _, total := range []struct {
		what      string
		got, want int64
	}{
		{"nodes", t.nodeCount.Load(), c.nodes},
		{"bytes", t.dataSize.Load(), c.size},
		{"ephemerals", t.ephemerals.Load(), c.ephemerals},
		{"containers", t.containers.Load(), c.containers},
		{"TTL nodes", t.ttls.Load(), c.ttls},
		{"ephemerals of sessions", t.owners.count(), c.ephemerals},
		{"children", c.children, c.nodes - 1},
		{"digest", int64(t.digest), int64(c.digest)},
		{"access lists", int64(len(t.acls.lists)), int64(len(c.lists))},
	} {
		if total.got != total.want {
			return fmt.Errorf("%d %s kept, %d found", total.got, total.what, total.want)
		}
	}
	for _, l := range t.acls.lists {
		if l.refs != c.lists[l] {
			return fmt.Errorf("%d references of access list %v kept, %d found", l.refs, l.entries, c.lists[l])
		}
	}
	return nil
}
