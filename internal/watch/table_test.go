package watch

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// TestHasAndRemoveLookAtOneWatch: list, mode, path and watcher must all be right.
func TestHasAndRemoveLookAtOneWatch(t *testing.T) {
	w, c, other := New(), &client{}, &client{}
	w.Add("/a", Data, Standard, c)
	w.Add("/a", Child, Persistent, c)
	for _, test := range []struct {
		path string
		kind Kind
		mode Mode
		by   *client
		want bool
	}{
		{"/a", Data, Standard, c, true},
		{"/a", Child, Persistent, c, true},
		{"/a", Data, Persistent, c, false},
		{"/a", Child, Standard, c, false},
		{"/a", Data, Recursive, c, false},
		{"/a", Data, Standard, other, false},
		{"/b", Data, Standard, c, false},
	} {
		if got := w.Has(test.path, test.kind, test.mode, test.by); got != test.want {
			t.Errorf("Has(%q, %d, %d) = %v, want %v", test.path, test.kind, test.mode, got, test.want)
		}
		if got := w.Remove(test.path, test.kind, test.mode, test.by); got != test.want {
			t.Errorf("Remove(%q, %d, %d) = %v, want %v", test.path, test.kind, test.mode, got, test.want)
		}
		if w.Remove(test.path, test.kind, test.mode, test.by) {
			t.Errorf("Remove(%q, %d, %d) again: there was one", test.path, test.kind, test.mode)
		}
	}
	w.RemoveAll(c)
	w.RemoveAll(c)
	checkEmpty(t, w)
}

// TestNumbersAreUsedAgain: nothing grows with clients that come and go (W8).
func TestNumbersAreUsedAgain(t *testing.T) {
	w := New()
	for i := range 2000 {
		c := &client{}
		addWatch(w, fmt.Sprintf("/a/%d", i%7), Mode(i%3), c)
		w.Add("/shared", Child, Standard, c)
		if i%5 == 0 {
			w.FireDataChanged("/a/1", 1, open)
		}
		w.RemoveAll(c)
	}
	checkEmpty(t, w)
	if got := len(w.registry.slots); got != 1 {
		t.Errorf("%d numbers for one client at a time, want 1", got)
	}
}

// TestDataWatchesInOrder: by path, then in the order of first registration.
func TestDataWatchesInOrder(t *testing.T) {
	w := New()
	clients := []*client{{name: "0"}, {name: "1"}, {name: "2"}}
	for _, path := range []string{"/b", "/a", "/c"} {
		for _, c := range clients {
			w.Add(path, Data, Standard, c)
		}
	}
	w.Add("/d", Child, Standard, clients[0])
	addWatch(w, "/a", Recursive, clients[1])
	var got []string
	for _, l := range w.DataWatches() {
		got = append(got, l.Path+l.Watcher.(*client).name)
	}
	diff(t, "listed", got, []string{"/a0", "/a1", "/a2", "/b0", "/b1", "/b2", "/c0", "/c1", "/c2"})
}

// An atomicClient may be told from one goroutine and looked at from another.
type atomicClient struct{ n atomic.Int64 }

func (c *atomicClient) Notify([]byte)         { c.n.Add(1) }
func (c *atomicClient) CanRead([]zk.ACL) bool { return true }

// TestManyGoroutines registers, asks and closes from several goroutines while
// changes fire, and wants an empty table at the end.
func TestManyGoroutines(t *testing.T) {
	w := New()
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for range 150 {
				c := &atomicClient{}
				for range 20 {
					path := watchPaths[r.IntN(len(watchPaths))]
					addWatch(w, path, Mode(r.IntN(3)), c)
					w.Add(path, Child, Standard, c)
					w.HasType(path, TypeAny, c)
					w.RemoveType(path, Type(1+r.IntN(5)), c)
				}
				w.Summary()
				w.DataWatches()
				w.RemoveAll(c)
			}
		})
	}
	done := make(chan struct{})
	var fire sync.WaitGroup
	fire.Go(func() {
		for zxid := zk.Zxid(1); ; zxid++ {
			select {
			case <-done:
				return
			default:
			}
			w.FireCreated("/a/b", "/a", zxid, open, open)
			w.FireDataChanged("/a", zxid, open)
			w.FireDeleted("/a/b", "/a", zxid, open, open)
		}
	})
	clients.Wait()
	close(done)
	fire.Wait()
	checkEmpty(t, w)
}

// TestSetAgainstMap puts members in and out, and takes modes from all at once.
func TestSetAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s set
		want := map[uint32]modes{}
		for range rapid.IntRange(1, 50).Draw(t, "puts") {
			id := rapid.Uint32Range(0, 12).Draw(t, "id")
			if rapid.IntRange(0, 9).Draw(t, "far") == 0 {
				id = idMax - id
			}
			m := modes(rapid.IntRange(0, int(allModes)).Draw(t, "modes"))
			s.put(id, m)
			if want[id] = m; m == 0 {
				delete(want, id)
			}
			if rapid.IntRange(0, 9).Draw(t, "take") == 0 {
				s.take(m)
				for id := range want {
					if want[id] &^= m; want[id] == 0 {
						delete(want, id)
					}
				}
			}
			got := map[uint32]modes{}
			for _, member := range s.all() {
				got[member.id()] = member.modes()
			}
			diff(t, "members", got, want)
			diff(t, "length", s.len(), len(want))
			if !slices.IsSorted(s.all()) {
				t.Fatalf("%v is not sorted", s.all())
			}
			diff(t, "get", s.get(id), want[id])
		}
	})
}
