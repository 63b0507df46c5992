package tree

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNameListAgainstSet adds and removes names in runs long enough to split and
// merge chunks; old lists that a view holds must stay as they were.
func TestNameListAgainstSet(t *testing.T) {
	type held struct {
		l    *nameList
		want []string
	}
	rapid.Check(t, func(t *rapid.T) {
		set := map[string]bool{}
		var l *nameList
		var holds []held
		gen, newest := uint32(1), uint32(0)
		for range rapid.IntRange(1, 12).Draw(t, "runs") {
			first := rapid.IntRange(0, 600).Draw(t, "first")
			n := rapid.IntRange(1, 500).Draw(t, "names")
			step := rapid.SampledFrom([]int{1, 1, -1, 3, 7}).Draw(t, "step")
			add := rapid.Bool().Draw(t, "add")
			for i := range n {
				name := fmt.Sprintf("%04d", ((first+i*step)%1000+1000)%1000)
				l = l.writable(newest, gen)
				change := l.remove
				if add {
					change = l.add
				}
				if got, want := change(name, newest, gen), set[name] != add; got != want {
					t.Fatalf("add %v of %s reports %v, want %v", add, name, got, want)
				}
				if set[name] = true; !add {
					delete(set, name)
				}
			}
			want := slices.Sorted(maps.Keys(set))
			checkNames(t, l, want)
			if rapid.Bool().Draw(t, "hold") {
				holds = append(holds, held{l, want})
				gen++
				newest = gen
			}
			for _, h := range holds {
				checkNames(t, h.l, h.want)
			}
		}
	})
}

func checkNames(t *rapid.T, l *nameList, want []string) {
	t.Helper()
	if got := l.appendTo(nil); !slices.Equal(got, want) {
		t.Fatalf("%d names %v, want %d %v", len(got), got, len(want), want)
	}
	if l.len() != len(want) {
		t.Fatalf("length %d, want %d", l.len(), len(want))
	}
	for _, c := range l.chunks {
		if n := len(c.names); n == 0 || n > chunkNames {
			t.Fatalf("a chunk has %d names", n)
		}
	}
	for _, name := range []string{"", "0000", "0500", "0999", "x"} {
		if _, ok := slices.BinarySearch(want, name); l.has(name) != ok {
			t.Fatalf("has(%q) = %v, want %v", name, l.has(name), ok)
		}
	}
}

func TestNamesThatOnlyGrowFillTheirChunks(t *testing.T) {
	var l *nameList
	for i := range 10 * chunkNames {
		l = l.writable(0, 1)
		l.add(fmt.Sprintf("%010d", i), 0, 1)
	}
	if got := len(l.chunks); got != 10 {
		t.Errorf("%d chunks, want 10", got)
	}
}
