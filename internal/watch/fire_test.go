package watch

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"ostler/internal/zk"
)

//go:embed testdata/events.txt
var goldenEvents string

// TestFramesAreThoseOfZooKeeper compares frames with recorded ones, byte for byte
// (client-protocol.md 8.1).
func TestFramesAreThoseOfZooKeeper(t *testing.T) {
	n := 0
	for line := range strings.Lines(goldenEvents) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var name, path, frame string
		var zxid zk.Zxid
		var kind zk.EventType
		if _, err := fmt.Sscan(line, &name, (*int64)(&zxid), (*int32)(&kind), &path, &frame); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got, want := Frame(kind, path, zxid), unhex(t, frame); !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, want %x", name, got, want)
		}
		n++
	}
	if n < 30 {
		t.Errorf("%d golden events, want 30 or more", n)
	}
}

// TestWhoIsToldWhat is the table of client-protocol.md 8.4: for each way to watch
// /p/x, the events of each change.
func TestWhoIsToldWhat(t *testing.T) {
	changes := map[string]func(w *Table){
		"create":       func(w *Table) { w.FireCreated("/p/x", "/p", 5, open, open) },
		"delete":       func(w *Table) { w.FireDeleted("/p/x", "/p", 5, open, open) },
		"set data":     func(w *Table) { w.FireDataChanged("/p/x", 5, open) },
		"create child": func(w *Table) { w.FireCreated("/p/x/c", "/p/x", 5, open, open) },
		"delete child": func(w *Table) { w.FireDeleted("/p/x/c", "/p/x", 5, open, open) },
		"set child":    func(w *Table) { w.FireDataChanged("/p/x/c", 5, open) },
		"next to it":   func(w *Table) { w.FireCreated("/p/xy", "/p", 5, open, open) },
	}
	for _, test := range []struct {
		name string
		add  func(w *Table, c *client)
		want map[string]string
	}{
		{"data", func(w *Table, c *client) { w.Add("/p/x", Data, Standard, c) }, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
		}},
		{"child", func(w *Table, c *client) { w.Add("/p/x", Child, Standard, c) }, map[string]string{
			"delete": "deleted /p/x", "create child": "children /p/x", "delete child": "children /p/x",
		}},
		{"child of the parent", func(w *Table, c *client) { w.Add("/p", Child, Standard, c) }, map[string]string{
			"create": "children /p", "delete": "children /p", "next to it": "children /p",
		}},
		{"data and child", func(w *Table, c *client) {
			w.Add("/p/x", Data, Standard, c)
			w.Add("/p/x", Child, Standard, c)
		}, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
			"create child": "children /p/x", "delete child": "children /p/x",
		}},
		{"persistent", func(w *Table, c *client) { addWatch(w, "/p/x", Persistent, c) }, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
			"create child": "children /p/x", "delete child": "children /p/x",
		}},
		{"recursive", func(w *Table, c *client) { addWatch(w, "/p/x", Recursive, c) }, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
			"create child": "created /p/x/c", "delete child": "deleted /p/x/c", "set child": "data /p/x/c",
		}},
		{"recursive on the root", func(w *Table, c *client) { addWatch(w, "/", Recursive, c) }, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
			"create child": "created /p/x/c", "delete child": "deleted /p/x/c", "set child": "data /p/x/c",
			"next to it": "created /p/xy",
		}},
		{"every way at once", func(w *Table, c *client) {
			for _, mode := range []Mode{Standard, Persistent, Recursive} {
				addWatch(w, "/p/x", mode, c)
			}
			addWatch(w, "/p", Recursive, c)
			w.Add("/p/x", Child, Standard, c)
		}, map[string]string{
			"create": "created /p/x", "delete": "deleted /p/x", "set data": "data /p/x",
			"create child": "created /p/x/c, children /p/x", "delete child": "deleted /p/x/c, children /p/x",
			"set child": "data /p/x/c", "next to it": "created /p/xy",
		}},
		{"the empty path", func(w *Table, c *client) {
			for _, mode := range []Mode{Standard, Persistent, Recursive} {
				addWatch(w, "", mode, c)
			}
		}, map[string]string{}},
	} {
		for change, fire := range changes {
			w, c := New(), &client{}
			test.add(w, c)
			fire(w)
			got := strings.ReplaceAll(strings.Join(c.take(t), ", "), " at 0x5", "")
			if want := test.want[change]; got != want {
				t.Errorf("%s, %s: told %q, want %q", test.name, change, got, want)
			}
		}
	}
}

// TestOneShot: a standard watch fires once, the others stay (invariants W1, W6).
func TestOneShot(t *testing.T) {
	for mode, want := range map[Mode]int{Standard: 1, Persistent: 3, Recursive: 3} {
		w, c := New(), &client{}
		addWatch(w, "/a", mode, c)
		for zxid := range zk.Zxid(3) {
			w.FireDataChanged("/a", zxid, open)
		}
		if got := len(c.take(t)); got != want {
			t.Errorf("mode %d: %d events, want %d", mode, got, want)
		}
		if got := w.Count() > 0; got != (mode != Standard) {
			t.Errorf("mode %d: still there %v", mode, got)
		}
	}
}

// TestWithheldEventsUseTheWatchUp: who may not read is told nothing, and the watch
// is gone all the same (client-protocol.md 8.3, step 3).
func TestWithheldEventsUseTheWatchUp(t *testing.T) {
	w, c := New(), &client{name: "ann"}
	w.Add("/a", Data, Standard, c)
	w.FireDataChanged("/a", 1, onlyFor("bob"))
	w.FireDataChanged("/a", 2, open)
	diff(t, "events", c.take(t), []string{})

	// Each half of a change goes by its own list: the node's, the parent's.
	w.Add("/p", Child, Standard, c)
	w.Add("/p/x", Data, Standard, c)
	w.FireCreated("/p/x", "/p", 3, closed, onlyFor("ann"))
	diff(t, "events of a create", c.take(t), []string{"children /p at 0x3"})
	w.Add("/p", Child, Standard, c)
	w.Add("/p/x", Data, Standard, c)
	w.FireDeleted("/p/x", "/p", 4, onlyFor("ann"), closed)
	diff(t, "events of a delete", c.take(t), []string{"deleted /p/x at 0x4"})
	diff(t, "watches left", w.Count(), 0)
}

// TestFrameIsShared: who gets the same event gets the same bytes.
func TestFrameIsShared(t *testing.T) {
	w, a, b := New(), &client{}, &client{}
	w.Add("/a", Data, Standard, a)
	w.Add("/a", Data, Standard, b)
	w.FireDataChanged("/a", 1, open)
	if len(a.frames) != 1 || len(b.frames) != 1 || &a.frames[0][0] != &b.frames[0][0] {
		t.Errorf("frames %x and %x are not one", a.frames, b.frames)
	}
}

// TestFireKeepsNoWatcher: a closed connection can be collected after an event.
func TestFireKeepsNoWatcher(t *testing.T) {
	w, c := New(), &client{}
	w.Add("/a", Data, Standard, c)
	w.FireDataChanged("/a", 1, open)
	for i, r := range w.receivers[:cap(w.receivers)] {
		if r != nil {
			t.Errorf("receiver %d is kept", i)
		}
	}
}

func BenchmarkFire(b *testing.B) {
	for _, watchers := range []int{0, 1, 1000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			w := New()
			for range watchers {
				addWatch(w, "/a/b", Persistent, &counter{})
			}
			b.ReportAllocs()
			for b.Loop() {
				w.FireDataChanged("/a/b", 1, open)
			}
		})
	}
}

// A counter is a watcher that keeps nothing.
type counter struct{ n int }

func (c *counter) Notify([]byte)         { c.n++ }
func (c *counter) CanRead([]zk.ACL) bool { return true }
