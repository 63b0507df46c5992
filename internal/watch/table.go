package watch

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"strings"
	"sync"
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

// A Table holds the watches of all connections. It may be used from any
// goroutine, but the Fire methods from one at a time: the apply loop.
type Table struct {
	seed      maphash.Seed
	shards    [shardCount]shard
	recursive shard // entries of recursive watches, and of nothing else
	registry  registry

	// recursiveCount is the number of recursive watches.
	recursiveCount atomic.Int64
	// watches counts pairs of path and watcher in each list.
	watches [2]atomic.Int64

	// Owned by the apply loop: room for the receivers of one event.
	fired     []member
	receivers []Watcher
}

// A shard is the entries of some paths.
type shard struct {
	mu      sync.Mutex
	entries map[string]*entry
}

// An entry is a watched path. Guarded by the mutex of its shard.
type entry struct {
	path     string
	watchers set
}

// New returns an empty table.
func New() *Table {
	t := &Table{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].entries = make(map[string]*entry)
	}
	t.recursive.entries = make(map[string]*entry)
	t.registry.ids = make(map[Watcher]uint32)
	return t
}

// shardOf returns the shard that holds path for the given mode.
func (t *Table) shardOf(path string, mode Mode) *shard {
	if mode == Recursive {
		return &t.recursive
	}
	return &t.shards[maphash.String(t.seed, path)%shardCount]
}

// Add registers a watch; adding one that is there changes nothing. The caller
// makes sure that w is not added to any path once RemoveAll(w) has begun.
func (t *Table) Add(path string, kind Kind, mode Mode, w Watcher) {
	s := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	id := t.registry.id(w)
	e := s.entries[path]
	if e == nil {
		// The caller's string may be part of a larger buffer.
		e = &entry{path: strings.Clone(path)}
		s.entries[e.path] = e
	}
	t.change(e, id, modes(0), bit(kind, mode))
}

// change takes the modes gone from the watcher with the given id in e, and adds
// the modes come. The mutex of the shard is held.
func (t *Table) change(e *entry, id uint32, gone, come modes) {
	before := e.watchers.get(id)
	after := before&^gone | come
	if before == after {
		return
	}
	e.watchers.put(id, after)
	t.count(before, after)
	switch {
	case before == 0:
		t.registry.link(id, e)
	case after == 0:
		t.registry.unlink(id, e)
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
	s := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[path]
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
	s := t.shardOf(path, mode)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[path]
	if e == nil || e.watchers.get(id)&gone == 0 || t.registry.watcher(id) != w {
		return false
	}
	t.change(e, id, gone, 0)
	s.dropIfEmpty(e)
	return true
}

func (s *shard) dropIfEmpty(e *entry) {
	if e.watchers.len() == 0 {
		delete(s.entries, e.path)
	}
}

// RemoveAll takes every watch of w away, in time proportional to their number,
// and forgets w.
func (t *Table) RemoveAll(w Watcher) {
	id, ok := t.registry.find(w)
	if !ok {
		return
	}
	for _, e := range t.registry.entriesOf(id) {
		t.removeFrom(&t.recursive, e, id)
		t.removeFrom(t.shardOf(e.path, Standard), e, id)
	}
	t.registry.release(w, id)
}

// removeFrom takes the watcher from e if e is an entry of s.
func (t *Table) removeFrom(s *shard, e *entry, id uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[e.path] != e {
		return
	}
	t.change(e, id, allModes, 0)
	s.dropIfEmpty(e)
}

// Count returns the number of watches, a path and a watcher counting once in
// each list, and once more when there is a recursive watch beside another one.
func (t *Table) Count() int { return int(t.watches[Data].Load() + t.watches[Child].Load()) }

// A Summary is the totals of the data list (operations.md, word wchs).
type Summary struct {
	Watchers int // connections with at least one watch
	Paths    int
	Watches  int
}

// Summary counts the data list. It locks one shard at a time.
func (t *Table) Summary() Summary {
	watchers := make(map[uint32]struct{})
	paths := make(map[string]struct{})
	note := func(path string, id uint32) {
		watchers[id] = struct{}{}
		paths[path] = struct{}{}
	}
	recursive := make(map[pair]struct{})
	t.recursive.eachDataWatch(func(path string, id uint32) {
		note(path, id)
		recursive[pair{path, id}] = struct{}{}
	})
	watches := len(recursive)
	for i := range t.shards {
		t.shards[i].eachDataWatch(func(path string, id uint32) {
			note(path, id)
			if _, counted := recursive[pair{path, id}]; !counted {
				watches++
			}
		})
	}
	return Summary{Watchers: len(watchers), Paths: len(paths), Watches: watches}
}

// A pair is a path and the number of a watcher.
type pair struct {
	path string
	id   uint32
}

// eachDataWatch calls f for every watch of the data list, under the mutex of
// its shard; a path and watcher may come twice, once for a recursive watch.
func (t *Table) eachDataWatch(f func(path string, id uint32)) {
	for i := range t.shards {
		t.shards[i].eachDataWatch(f)
	}
	t.recursive.eachDataWatch(f)
}

func (s *shard) eachDataWatch(f func(path string, id uint32)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		for _, m := range e.watchers.all() {
			if m.modes()&dataModes != 0 {
				f(e.path, m.id())
			}
		}
	}
}

// A Watch is a path and who watches it.
type Watch struct {
	Path    string
	Watcher Watcher
}

// DataWatches lists the data list, by path; the watchers of a path are in the
// order in which they first registered (operations.md, words wchc and wchp).
func (t *Table) DataWatches() []Watch {
	var pairs []pair
	t.eachDataWatch(func(path string, id uint32) { pairs = append(pairs, pair{path, id}) })
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.path, b.path); c != 0 {
			return c
		}
		return int(a.id) - int(b.id)
	})
	pairs = slices.Compact(pairs)
	list := make([]Watch, 0, len(pairs))
	for _, p := range pairs {
		if w := t.registry.watcher(p.id); w != nil {
			list = append(list, Watch{Path: p.path, Watcher: w})
		}
	}
	return list
}

// Paths returns the paths that w watches in either list, sorted.
func (t *Table) Paths(w Watcher) []string {
	id, ok := t.registry.find(w)
	if !ok {
		return nil
	}
	var paths []string
	for _, e := range t.registry.entriesOf(id) {
		paths = append(paths, e.path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
