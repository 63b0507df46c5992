package watch

import (
	"hash/maphash"
	"math/bits"
	"sync/atomic"

	"ostler/internal/zk"
)

// A Kind is one of the two lists of watches (client-protocol.md 8.2).
type Kind uint8

// The lists.
const (
	Data  Kind = iota // getData, exists
	Child             // getChildren
)

// A Mode says how long a watch lasts and what it covers.
type Mode uint8

// The modes.
const (
	Standard   Mode = iota // fires once
	Persistent             // stays
	Recursive              // stays, and covers all descendants; list Data only
)

// A Watcher is a connection. It must be comparable, such as a pointer.
type Watcher interface {
	// Notify queues an event: a whole frame, shared and never to be changed.
	// It must not block and must not call the Table.
	Notify(frame []byte)
	// CanRead reports whether the connection's identities have READ under acl.
	CanRead(acl []zk.ACL) bool
}

const shardCount = 64

// recursiveShard is the shard of recursive watches, and of nothing else.
const recursiveShard = shardCount

// A Table holds the watches of all connections. It may be used from any
// goroutine, but the Fire methods from one at a time: the apply loop.
type Table struct {
	seed     maphash.Seed
	shards   [shardCount + 1]shard
	registry registry

	// recursiveCount is the number of recursive watches.
	recursiveCount atomic.Int64
	// watches counts pairs of path and watcher in each list.
	watches [2]atomic.Int64

	// Owned by the apply loop: room for the receivers of one event.
	fired     []member
	receivers []Watcher
}

// New returns an empty table.
func New() *Table {
	t := &Table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].number = i
	}
	t.registry.ids = make(map[Watcher]uint32)
	return t
}

// shardOf returns the shard that holds path for the given mode, and the hash of
// path there.
func (t *Table) shardOf(path string, mode Mode) (*shard, uint32) {
	h := maphash.String(t.seed, path)
	if mode == Recursive {
		return &t.shards[recursiveShard], uint32(h >> 32)
	}
	return &t.shards[h%shardCount], uint32(h >> 32)
}

// Add registers a watch; adding one that is there changes nothing. The path may
// be kept, so it must not be part of a larger string. The caller makes sure that
// w is not added to any path once RemoveAll(w) has begun.
func (t *Table) Add(path string, kind Kind, mode Mode, w Watcher) {
	s, hash := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := t.registry.id(w)
	e, place := s.find(path, hash)
	if e == nil {
		e, place = s.add(path, hash)
	}
	before := e.watchers.get(id)
	after := before | bit(kind, mode)
	if before == after {
		return
	}
	e.watchers.put(id, after)
	t.note(makeRef(s.number, place), id, before, after)
}

// withdraw takes modes from the watcher in an entry. The mutex of the shard is held.
func (t *Table) withdraw(s *shard, e *entry, place, id uint32, gone modes) {
	before := e.watchers.get(id)
	after := before &^ gone
	if before == after {
		return
	}
	e.watchers.put(id, after)
	t.note(makeRef(s.number, place), id, before, after)
	s.dropIfEmpty(e, place)
}

// note brings the totals and the watcher's own list up to date when its modes in
// an entry change. The mutex of the shard is held.
func (t *Table) note(r ref, id uint32, before, after modes) {
	t.count(before, after)
	switch {
	case before == 0:
		t.registry.link(id, r)
	case after == 0:
		t.registry.unlink(id, r)
	}
}

// count keeps the totals when a watcher's modes on a path change.
func (t *Table) count(before, after modes) {
	for kind, list := range [2]modes{Data: dataModes, Child: childModes} {
		switch {
		case before&list == 0 && after&list != 0:
			t.watches[kind].Add(1)
		case before&list != 0 && after&list == 0:
			t.watches[kind].Add(-1)
		}
	}
	t.recursiveCount.Add(int64(bits.OnesCount8(uint8(after&recursiveMode))) - int64(bits.OnesCount8(uint8(before&recursiveMode))))
}

// Has reports whether the watch is registered.
func (t *Table) Has(path string, kind Kind, mode Mode, w Watcher) bool {
	return t.has(path, bit(kind, mode), w)
}

// Remove takes the watch away and reports whether it was there.
func (t *Table) Remove(path string, kind Kind, mode Mode, w Watcher) bool {
	return t.remove(path, bit(kind, mode), w)
}

// has reports whether w has any of the modes on path.
func (t *Table) has(path string, any modes, w Watcher) bool {
	id, ok := t.registry.find(w)
	return ok && (t.holds(path, Recursive, w, id, any&recursiveMode) || t.holds(path, Standard, w, id, any&^recursiveMode))
}

// holds reports whether the watcher has any of the modes in the entry of path. As
// w may be closing, its number may be another's by now; that of a watcher in an
// entry cannot change while the shard is locked.
func (t *Table) holds(path string, mode Mode, w Watcher, id uint32, any modes) bool {
	if any == 0 {
		return false
	}
	s, hash := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.find(path, hash)
	return e != nil && e.watchers.get(id)&any != 0 && t.registry.watcher(id) == w
}

// remove takes the modes from w on path and reports whether there was any.
func (t *Table) remove(path string, gone modes, w Watcher) bool {
	id, ok := t.registry.find(w)
	if !ok {
		return false
	}
	recursive := t.take(path, Recursive, w, id, gone&recursiveMode)
	return t.take(path, Standard, w, id, gone&^recursiveMode) || recursive
}

// take takes the modes from the watcher in the entry of path; see holds.
func (t *Table) take(path string, mode Mode, w Watcher, id uint32, gone modes) bool {
	if gone == 0 {
		return false
	}
	s, hash := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, place := s.find(path, hash)
	if e == nil || e.watchers.get(id)&gone == 0 || t.registry.watcher(id) != w {
		return false
	}
	t.withdraw(s, e, place, id, gone)
	return true
}

// RemoveAll takes every watch of w away, in time proportional to their number,
// and forgets w. It may be called more than once, also at the same time.
func (t *Table) RemoveAll(w Watcher) {
	id, ok := t.registry.forget(w)
	if !ok {
		return
	}
	for _, r := range t.registry.refsOf(id) {
		t.inEntry(ref(r), id, func(s *shard, e *entry) {
			t.withdraw(s, e, ref(r).place(), id, allModes)
		})
	}
	t.registry.release(id)
}

// inEntry calls f under the mutex of the shard if the watcher is in the entry r,
// which may have gone since the watcher's list was read.
func (t *Table) inEntry(r ref, id uint32, f func(s *shard, e *entry)) {
	s := &t.shards[r.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.place() > s.used {
		return
	}
	if e := s.at(r.place()); e.watchers.get(id) != 0 {
		f(s, e)
	}
}

// Count returns the number of watches, a path and a watcher counting once in
// each list, and once more when there is a recursive watch beside another one.
func (t *Table) Count() int { return int(t.watches[Data].Load() + t.watches[Child].Load()) }
