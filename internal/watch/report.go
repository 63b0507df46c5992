package watch

import (
	"cmp"
	"slices"
	"strings"
)

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
	recursive := make(map[pair]struct{})
	watches := 0
	for i := range t.shards {
		shard := (i + recursiveShard) % len(t.shards) // recursive watches first
		t.shards[shard].eachDataWatch(func(path string, id uint32) {
			watchers[id] = struct{}{}
			paths[path] = struct{}{}
			p := pair{path, id}
			if _, counted := recursive[p]; counted {
				return
			}
			watches++
			if shard == recursiveShard {
				recursive[p] = struct{}{}
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

// eachDataWatch calls f for every watch of the data list, under the mutex.
func (s *shard) eachDataWatch(f func(path string, id uint32)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.each(func(e *entry) {
		for _, m := range e.watchers.all() {
			if m.modes()&dataModes != 0 {
				f(e.path, m.id())
			}
		}
	})
}

// A Watch is a path and who watches it.
type Watch struct {
	Path    string
	Watcher Watcher
}

// DataWatches lists the data list, by path; the watchers of a path are in the
// order in which they first registered (operations.md, words wchc and wchp). It
// locks one shard at a time.
func (t *Table) DataWatches() []Watch {
	type found struct {
		pair
		w Watcher
	}
	var list []found
	for i := range t.shards {
		// A number is its watcher's as long as the shard is locked.
		t.shards[i].eachDataWatch(func(path string, id uint32) {
			list = append(list, found{pair{path, id}, t.registry.watcher(id)})
		})
	}
	slices.SortFunc(list, func(a, b found) int {
		return cmp.Or(strings.Compare(a.path, b.path), cmp.Compare(a.id, b.id))
	})
	// A recursive watch beside another one is one line.
	list = slices.CompactFunc(list, func(a, b found) bool { return a.path == b.path && a.w == b.w })
	watches := make([]Watch, len(list))
	for i, f := range list {
		watches[i] = Watch{Path: f.path, Watcher: f.w}
	}
	return watches
}

// Paths returns the paths that w watches in either list, sorted.
func (t *Table) Paths(w Watcher) []string {
	id, ok := t.registry.find(w)
	if !ok {
		return nil
	}
	var paths []string
	for _, r := range t.registry.refsOf(id) {
		t.inEntry(ref(r), id, func(_ *shard, e *entry) { paths = append(paths, e.path) })
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
