package watch

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// A registration is one line of the list that the specification speaks of.
type registration struct {
	list Kind
	path string
	mode Mode
	w    *client
}

// A model is that list, and the rules of client-protocol.md 8.3 and 8.6 as they
// are written there.
type model struct {
	watches []registration
	told    map[*client][]string
}

func (m *model) add(r registration) {
	if !slices.Contains(m.watches, r) {
		m.watches = append(m.watches, r)
	}
}

// remove takes what f says away, and reports whether there was any.
func (m *model) remove(f func(r registration) bool) bool {
	before := len(m.watches)
	m.watches = slices.DeleteFunc(m.watches, f)
	return len(m.watches) < before
}

// trigger is trigger(list, path, type, zxid, acl, suppress) of 8.3.
func (m *model) trigger(list Kind, path string, kind zk.EventType, zxid zk.Zxid, acl []zk.ACL, suppress []*client) []*client {
	var collected []*client
	collect := func(c *client) {
		if !slices.Contains(collected, c) {
			collected = append(collected, c)
		}
	}
	for _, r := range m.watches {
		above := r.path == "/" || strings.HasPrefix(path, r.path+"/") && r.path != ""
		if r.list == list && (r.path == path || r.mode == Recursive && above) {
			collect(r.w)
		}
	}
	m.remove(func(r registration) bool { return r.list == list && r.path == path && r.mode == Standard })
	for _, c := range collected {
		if !slices.Contains(suppress, c) && c.CanRead(acl) {
			m.told[c] = append(m.told[c], eventText(kind, path, zxid))
		}
	}
	return collected
}

func (m *model) created(path, parent string, zxid zk.Zxid, acl, parentACL []zk.ACL) {
	m.trigger(Data, path, zk.EventCreated, zxid, acl, nil)
	m.trigger(Child, parent, zk.EventChildrenChanged, zxid, parentACL, nil)
}

func (m *model) deleted(path, parent string, zxid zk.Zxid, acl, parentACL []zk.ACL) {
	s := m.trigger(Data, path, zk.EventDeleted, zxid, acl, nil)
	m.trigger(Child, path, zk.EventDeleted, zxid, acl, s)
	m.trigger(Child, parent, zk.EventChildrenChanged, zxid, parentACL, nil)
}

// has is the middle column of the table in 8.6.
func (m *model) has(path string, typ Type, c *client) bool {
	return slices.ContainsFunc(m.watches, func(r registration) bool {
		if r.path != path || r.w != c {
			return false
		}
		switch typ {
		case TypeChildren:
			return r.list == Child && r.mode == Standard
		case TypeData:
			return r.list == Data && r.mode == Standard
		case TypePersistent:
			return r.list == Data && r.mode == Persistent
		case TypePersistentRecursive:
			return r.list == Data && r.mode == Recursive
		}
		return true
	})
}

// removeType is its last column.
func (m *model) removeType(path string, typ Type, c *client) bool {
	return m.remove(func(r registration) bool {
		if r.path != path || r.w != c {
			return false
		}
		switch typ {
		case TypeChildren:
			return r.list == Child && r.mode == Standard
		case TypeData:
			return r.list == Data && r.mode == Standard
		case TypePersistent:
			return r.mode == Persistent
		case TypePersistentRecursive:
			return r.mode == Recursive
		}
		return true
	})
}

var (
	watchPaths = []string{"/", "/a", "/a/b", "/a/b/c", "/a/bc", "/b", "", "no path"}
	nodePaths  = []string{"/a", "/a/b", "/a/b/c", "/a/bc", "/b", "/b/x"}
)

// TestAgainstModel does anything in any order, and wants the same events for
// each client, answers, and counts as the list gives (invariants W1, W5 to W8).
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, m := New(), &model{told: map[*client][]string{}}
		clients := []*client{{name: "ann"}, {name: "bob"}, {name: "c"}, {name: "d"}, {name: "e"}, {name: "f"}, {name: "g"}}
		zxid := zk.Zxid(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			zxid++
			c := rapid.SampledFrom(clients).Draw(t, "client")
			step(t, w, m, c, zxid)
			for _, c := range clients {
				want := append([]string{}, m.told[c]...)
				diff(t, "events for "+c.name, c.take(t), want)
			}
			clear(m.told)
			checkTotals(t, w, m, clients)
		}
		for _, c := range clients {
			w.RemoveAll(c)
		}
		checkEmpty(t, w)
	})
}

func step(t *rapid.T, w *Table, m *model, c *client, zxid zk.Zxid) {
	switch action := rapid.IntRange(0, 8).Draw(t, "action"); action {
	case 0, 1, 8:
		path := rapid.SampledFrom(watchPaths).Draw(t, "watched")
		for _, r := range drawWatch(t, path, c) {
			w.Add(r.path, r.list, r.mode, c)
			m.add(r)
		}
	case 5, 6:
		path := rapid.SampledFrom(watchPaths).Draw(t, "path")
		typ := Type(rapid.IntRange(0, 6).Draw(t, "type"))
		want := typ.Valid() && m.has(path, typ, c)
		diff(t, "has", w.HasType(path, typ, c), want)
		if typ.Valid() {
			want = m.removeType(path, typ, c)
		}
		diff(t, "removed", w.RemoveType(path, typ, c), want)
	case 7:
		w.RemoveAll(c)
		m.remove(func(r registration) bool { return r.w == c })
	default:
		path := rapid.SampledFrom(nodePaths).Draw(t, "node")
		acl := rapid.SampledFrom([][]zk.ACL{open, open, closed, onlyFor("ann"), nil}).Draw(t, "acl")
		parentACL := rapid.SampledFrom([][]zk.ACL{open, open, closed, onlyFor("bob")}).Draw(t, "parent's acl")
		parent, _ := zk.Parent(path)
		switch action {
		case 2:
			w.FireCreated(path, parent, zxid, acl, parentACL)
			m.created(path, parent, zxid, acl, parentACL)
		case 3:
			w.FireDeleted(path, parent, zxid, acl, parentACL)
			m.deleted(path, parent, zxid, acl, parentACL)
		default:
			w.FireDataChanged(path, zxid, acl)
			m.trigger(Data, path, zk.EventDataChanged, zxid, acl, nil)
		}
	}
}

// drawWatch makes the registrations of one request (client-protocol.md 8.2).
func drawWatch(t *rapid.T, path string, c *client) []registration {
	switch rapid.IntRange(0, 3).Draw(t, "watch") {
	case 0:
		return []registration{{Data, path, Standard, c}}
	case 1:
		return []registration{{Child, path, Standard, c}}
	case 2:
		return []registration{{Data, path, Persistent, c}, {Child, path, Persistent, c}}
	}
	return []registration{{Data, path, Recursive, c}}
}

// checkTotals compares what the table counts and lists: in each list, a path and a
// client count once, however many modes (operations.md, words wchs, wchc, wchp).
func checkTotals(t *rapid.T, w *Table, m *model, clients []*client) {
	seen := map[registration]bool{}
	twice := 0 // recursive watches beside others
	perPath, perClient := map[string]bool{}, map[*client]bool{}
	data := 0
	pathsOf := map[*client][]string{}
	for _, r := range m.watches {
		pathsOf[r.w] = append(pathsOf[r.w], r.path)
		if r.mode == Recursive && (m.has(r.path, TypeData, r.w) || m.has(r.path, TypePersistent, r.w)) {
			twice++
		}
		if r.mode = Standard; seen[r] {
			continue
		}
		if seen[r] = true; r.list == Data {
			data++
			perPath[r.path], perClient[r.w] = true, true
		}
	}
	diff(t, "count", w.Count(), len(seen)+twice)
	diff(t, "summary", w.Summary(), Summary{Watchers: len(perClient), Paths: len(perPath), Watches: data})
	for _, l := range w.DataWatches() {
		if r := (registration{Data, l.Path, Standard, l.Watcher.(*client)}); !seen[r] {
			t.Fatalf("%q of %s is listed, and twice or not there", r.path, r.w.name)
		} else {
			delete(seen, r)
			data--
		}
	}
	diff(t, "watches not listed", data, 0)
	for _, c := range clients {
		slices.Sort(pathsOf[c])
		diff(t, "paths of "+c.name, w.Paths(c), slices.Compact(pathsOf[c]))
	}
}

// checkEmpty wants a table without anything left in it (invariant W8).
func checkEmpty(t failer, w *Table) {
	t.Helper()
	entries, chunks := 0, 0
	for i := range w.shards {
		entries += w.shards[i].index.len()
		chunks = max(chunks, len(w.shards[i].chunks))
	}
	diff(t, "entries", entries, 0)
	diff(t, "chunks of a shard kept", chunks <= 1, true)
	diff(t, "numbers in use", len(w.registry.ids), 0)
	diff(t, "free numbers", len(w.registry.free), len(w.registry.slots))
	diff(t, "count", w.Count(), 0)
	diff(t, "recursive", w.recursiveCount.Load(), int64(0))
}
