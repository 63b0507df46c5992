package tree

import (
	"maps"
	"slices"
	"sync"

	"ostler/internal/zk"
)

// An owners holds the replicated sessions and what they own. The apply loop
// changes it; others read it, so it has a lock of its own, taken after stripes.
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
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions[id] = timeout
}

func (o *owners) close(id zk.SessionID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.sessions, id)
}

func (o *owners) add(id zk.SessionID, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.nodes[id] == nil {
		o.nodes[id] = make(map[string]struct{})
	}
	o.nodes[id][path] = struct{}{}
}

func (o *owners) remove(id zk.SessionID, path string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.nodes[id], path)
	if len(o.nodes[id]) == 0 {
		delete(o.nodes, id)
	}
}

// has reports whether a session owns the node at path.
func (o *owners) has(id zk.SessionID, path string) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	_, ok := o.nodes[id][path]
	return ok
}

// count returns how many nodes sessions own.
func (o *owners) count() int64 {
	o.mu.RLock()
	defer o.mu.RUnlock()
	n := 0
	for _, paths := range o.nodes {
		n += len(paths)
	}
	return int64(n)
}

// paths returns a session's ephemerals, sorted.
func (o *owners) paths(id zk.SessionID) []string {
	o.mu.RLock()
	defer o.mu.RUnlock()
	if len(o.nodes[id]) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(o.nodes[id]))
}

// Ephemerals returns the paths of the nodes that a session owns, sorted.
func (t *Tree) Ephemerals(id zk.SessionID) []string { return t.owners.paths(id) }

// EphemeralOwners returns the sessions that own nodes, sorted.
func (t *Tree) EphemeralOwners() []zk.SessionID {
	t.owners.mu.RLock()
	defer t.owners.mu.RUnlock()
	return slices.Sorted(maps.Keys(t.owners.nodes))
}

// EphemeralMap returns the ephemerals of every session that has any.
func (t *Tree) EphemeralMap() map[zk.SessionID][]string {
	m := make(map[zk.SessionID][]string)
	for _, id := range t.EphemeralOwners() {
		m[id] = t.Ephemerals(id)
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
