package tree

import (
	"slices"
	"sync/atomic"

	"ostler/internal/zk"
)

// A mortal node is a container or TTL node, which ends by itself
// (client-protocol.md 4.8). Each stripe knows its own, so that looking for those
// whose time has come holds a lock no longer than a 256th of them takes.

// MortalParts is the number of parts in which the mortal nodes can be looked at.
const MortalParts = 16

// mortals returns the number of nodes of an owner's kind, nil unless that is a
// container or a TTL node.
func (t *Tree) mortals(o zk.Owner) *atomic.Int64 {
	if o == zk.OwnerContainer {
		return &t.containers
	}
	if _, ok := t.o.Owners.TTL(o); ok {
		return &t.ttls
	}
	return nil
}

// addMortal indexes a new record if it is mortal.
func (t *Tree) addMortal(r *record) {
	n := t.mortals(r.stat.Owner)
	if n == nil {
		return
	}
	n.Add(1)
	s := t.writable(r.path)
	if s.mortals == nil {
		s.mortals = make(map[string]*record)
	}
	s.mortals[r.path] = r
}

// dropMortal takes a record that goes out of the index.
func (t *Tree) dropMortal(r *record) {
	if n := t.mortals(r.stat.Owner); n != nil {
		n.Add(-1)
		delete(t.writable(r.path).mortals, r.path)
	}
}

// ContainerCount returns the number of container nodes.
func (t *Tree) ContainerCount() int { return int(t.containers.Load()) }

// TTLCount returns the number of TTL nodes.
func (t *Tree) TTLCount() int { return int(t.ttls.Load()) }

// AppendMortals appends to dst the paths of the containers and TTL nodes in one of
// MortalParts parts of the tree for which due holds, and sorts dst: which part a
// node is in differs from run to run, so only all parts together mean something.
// Due is called under locks and must not call the tree.
func (t *Tree) AppendMortals(dst []string, part int, due func(s *zk.StatPersisted, children int) bool) []string {
	const size = stripeCount / MortalParts
	for i := part * size; i < (part+1)*size; i++ {
		dst = t.stripes[i].appendMortals(dst, due)
	}
	slices.Sort(dst)
	return dst
}

func (s *stripe) appendMortals(dst []string, due func(s *zk.StatPersisted, children int) bool) []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for path, r := range s.mortals {
		if due(&r.stat, r.kids.len()) {
			dst = append(dst, path)
		}
	}
	return dst
}
