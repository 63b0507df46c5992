package watch

import "testing"

// TestTypes is the table of client-protocol.md 8.6: for each type, which watches
// it finds, and what is left when it has removed them.
func TestTypes(t *testing.T) {
	add := map[string]func(w *Table, c *client){
		"child":      func(w *Table, c *client) { w.Add("/a", Child, Standard, c) },
		"data":       func(w *Table, c *client) { w.Add("/a", Data, Standard, c) },
		"persistent": func(w *Table, c *client) { addWatch(w, "/a", Persistent, c) },
		"recursive":  func(w *Table, c *client) { addWatch(w, "/a", Recursive, c) },
	}
	for typ, finds := range map[Type]map[string]bool{
		TypeChildren:            {"child": true},
		TypeData:                {"data": true},
		TypeAny:                 {"child": true, "data": true, "persistent": true, "recursive": true},
		TypePersistent:          {"persistent": true},
		TypePersistentRecursive: {"recursive": true},
		0:                       {},
		6:                       {},
		-1:                      {},
	} {
		if got, want := typ.Valid(), typ >= 1 && typ <= 5; got != want {
			t.Errorf("type %d: valid %v, want %v", typ, got, want)
		}
		all, mine := New(), &client{}
		for name, f := range add {
			f(all, mine)
			w, c, other := New(), &client{}, &client{}
			f(w, c)
			f(w, other)
			before := w.Count()
			if got := w.HasType("/a", typ, c); got != finds[name] {
				t.Errorf("type %d finds a %s watch: %v, want %v", typ, name, got, finds[name])
			}
			if w.HasType("/b", typ, c) || w.RemoveType("/b", typ, c) || w.RemoveType("/a/b", typ, c) {
				t.Errorf("type %d finds a %s watch on another path", typ, name)
			}
			if got := w.RemoveType("/a", typ, c); got != finds[name] {
				t.Errorf("type %d removes a %s watch: %v, want %v", typ, name, got, finds[name])
			}
			want := before
			if finds[name] {
				want = before / 2 // the other client's stay
			}
			if got := w.Count(); got != want {
				t.Errorf("type %d, %s watches: %d left, want %d", typ, name, got, want)
			}
		}
		all.RemoveType("/a", typ, mine)
		for other, typ2 := range map[string]Type{
			"child": TypeChildren, "data": TypeData, "persistent": TypePersistent, "recursive": TypePersistentRecursive,
		} {
			if got, want := all.HasType("/a", typ2, mine), !finds[other]; got != want {
				t.Errorf("after removing type %d: %s watch %v, want %v", typ, other, got, want)
			}
		}
	}
}
