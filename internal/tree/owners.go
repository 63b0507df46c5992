package tree

import (
	"maps"
	"slices"
	"sync"

	"ostler/internal/zk"
)

// An owners holds the replicated sessions and what they own. The apply loop
// changes it and may read it at any time; others read under the mutex, which is held,
// behind those of stripes, for the whole of a transaction: so nobody sees a part of
// one (INV-S2).
type owners struct {
	mu       sync.RWMutex
	sessions map[zk.SessionID]int32 // timeout, ms
	nodes    map[zk.SessionID]map[string]struct{}
}

func (o *owners) init() {
	o.sessions = make(map[zk.SessionID]int32)
	o.nodes = make(map[zk.SessionID]map[string]struct{})
}

func (o *owners) open(id zk.SessionID, timeout int32) {
	o.sessions[id] = timeout
}

func (o *owners) close(id zk.SessionID) {
	delete(o.sessions, id)
}

func (o *owners) add(id zk.SessionID, path string) {
	if o.nodes[id] == nil {
		o.nodes[id] = make(map[string]struct{})
	}
	o.nodes[id][path] = struct{}{}
}

func (o *owners) remove(id zk.SessionID, path string) {
	delete(o.nodes[id], path)
	if len(o.nodes[id]) == 0 {
		delete(o.nodes, id)
	}
}

// has reports whether a session owns the node at path.
func (o *owners) has(id zk.SessionID, path string) bool {
	_, ok := o.nodes[id][path]
	return ok
}

// count returns how many nodes sessions own.
func (o *owners) count() int64 {
	n := 0
	for _, paths := range o.nodes {
		n += len(paths)
	}
	return int64(n)
}

// paths returns a session's ephemerals, sorted.
func (o *owners) paths(id zk.SessionID) []string {
	if len(o.nodes[id]) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(o.nodes[id]))
}

// Ephemerals returns the paths of the nodes that a session owns, sorted.
func (t *Tree) Ephemerals(id zk.SessionID) []string {
	paths, _ := t.EphemeralsAt(id)
	return paths
}

// EphemeralsAt is Ephemerals with the zxid at which it is true.
func (t *Tree) EphemeralsAt(id zk.SessionID) ([]string, zk.Zxid) {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	return t.owners.paths(id), t.LastZxid()
}

// EphemeralOwners returns the sessions that own nodes, sorted.
func (t *Tree) EphemeralOwners() []zk.SessionID {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.owners.nodes))
}

// EphemeralMap returns the ephemerals of every session that has any.
func (t *Tree) EphemeralMap() map[zk.SessionID][]string {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	m := make(map[zk.SessionID][]string, len(t.owners.nodes))
	for id := range t.owners.nodes {
		m[id] = t.owners.paths(id)
	}
	return m
}

// Sessions returns a copy of the replicated sessions: id to timeout in ms.
func (t *Tree) Sessions() map[zk.SessionID]int32 {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	return maps.Clone(t.owners.sessions)
}

// HasSession returns the timeout of a replicated session, ms.
func (t *Tree) HasSession(id zk.SessionID) (timeout int32, ok bool) {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	timeout, ok = t.owners.sessions[id]
	return timeout, ok
}
