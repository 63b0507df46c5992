package watch

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// TestIndexAgainstMap puts numbers in and out, with hashes that collide, and wants
// each found and none lost (what closing up after a deletion could do).
func TestIndexAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]uint32{1, 3, 16, 1 << 31}).Draw(t, "spread")
		hashOf := func(v uint32) uint32 { return hashOfRef(v) % spread }
		var x index
		want := map[uint32]bool{}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				if v := rapid.Uint32Range(1, 60).Draw(t, "v"); !want[v] {
					x.add(v, hashOf)
					want[v] = true
				}
			},
			"remove": func(t *rapid.T) {
				if v := rapid.Uint32Range(1, 60).Draw(t, "v"); want[v] {
					x.remove(v, hashOf)
					delete(want, v)
				}
			},
			"": func(t *rapid.T) {
				for v := uint32(1); v <= 60; v++ {
					got := x.find(hashOf(v), func(found uint32) bool { return found == v })
					if (got == v) != want[v] {
						t.Fatalf("find %d = %d, want it there: %v", v, got, want[v])
					}
				}
				diff(t, "length", x.len(), len(want))
				all := x.appendTo(nil)
				slices.Sort(all)
				diff(t, "all", len(slices.Compact(all)), len(want))
				if p := len(x.places); 4*x.len() > 3*p || p > placesMin && 8*x.len() < p {
					t.Fatalf("%d numbers in %d places", x.len(), p)
				}
			},
		})
	})
}

// TestManyPathsInFewPlaces fills the shards, empties all but every tenth entry, and
// fills them again: places are used again, paths found, and the last one out
// leaves no chunk but one (invariant W8).
func TestManyPathsInFewPlaces(t *testing.T) {
	const paths = 20_000
	w, c := New(), &client{}
	name := func(i int) string { return fmt.Sprintf("/some/where/%d", i) }
	used := func() (n uint32) {
		for i := range w.shards {
			n += w.shards[i].used
		}
		return n
	}
	for range 2 {
		for i := range paths {
			w.Add(name(i), Data, Standard, c)
		}
		diff(t, "watches", w.Count(), paths)
		diff(t, "places", used(), uint32(paths))
		for i := range paths {
			if i%10 > 0 && !w.Remove(name(i), Data, Standard, c) {
				t.Fatalf("watch %d is not there", i)
			}
		}
		diff(t, "watches left", len(w.Paths(c)), paths/10)
	}
	w.RemoveAll(c)
	checkEmpty(t, w)
	diff(t, "places", used(), uint32(0))
}

// TestRemoveAllTwiceAtOnce: a connection may end in two ways at the same time,
// while its number goes to another one, whose watches must stay.
func TestRemoveAllTwiceAtOnce(t *testing.T) {
	w := New()
	for range 3000 {
		a, b := &client{}, &client{}
		w.Add("/a", Data, Standard, a)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() { w.RemoveAll(a) })
		}
		both.Go(func() { w.Add("/b", Data, Standard, b) })
		both.Wait()
		if !w.Has("/b", Data, Standard, b) || w.Count() != 1 {
			t.Fatalf("there: %v, %d watches, want the one", w.Has("/b", Data, Standard, b), w.Count())
		}
		w.RemoveAll(b)
	}
	checkEmpty(t, w)
}

// TestSettingAWatchAgainDoesNotAllocate: a client that sets its one-shot watch anew
// after each event costs the event's bytes, and what it has been sent in.
func TestSettingAWatchAgainDoesNotAllocate(t *testing.T) {
	w, c := New(), &counter{}
	for _, path := range []string{"/a/b", "/a", "/c"} {
		w.Add(path, Data, Standard, c)
	}
	again := func() {
		w.FireDataChanged("/a/b", 1, nil)
		w.Add("/a/b", Data, Standard, c)
	}
	if n := testing.AllocsPerRun(1000, again); n != 1 {
		t.Errorf("%v allocations, want the event", n)
	}
}

func BenchmarkSetAgain(b *testing.B) {
	for _, watchers := range []int{1, 1000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			w := New()
			clients := make([]*counter, watchers)
			for i := range clients {
				clients[i] = &counter{}
			}
			b.ReportAllocs()
			for b.Loop() {
				for _, c := range clients {
					w.Add("/a/b", Data, Standard, c)
				}
				w.FireDataChanged("/a/b", 1, open)
			}
		})
	}
}

func BenchmarkAdd(b *testing.B) {
	paths := make([]string, 1<<16)
	for i := range paths {
		paths[i] = fmt.Sprintf("/services/group-%04d/inst-%04d", i>>8, i&0xff)
	}
	w, c := New(), &counter{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(paths) == 0 {
			w.RemoveAll(c)
		}
		w.Add(paths[i%len(paths)], Data, Standard, c)
	}
}
