package throttle

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The gate against a list of those who wait and a set of those inside.
func TestGateIsALineAndASet(t *testing.T) { // operations.md 8.3
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 4).Draw(t, "limit")
		g := NewGate[int](limit)
		var line, called []*Place[int]
		inside, next := 0, 0
		drop := func(list []*Place[int], i int) []*Place[int] { return slices.Delete(list, i, i+1) }
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				got := g.Enter()
				if want := len(line) == 0 && inside < limit; got != want {
					t.Fatalf("entered = %v with %d inside and %d in line, want %v", got, inside, len(line), want)
				}
				if got {
					inside++
					return
				}
				line = append(line, g.Wait(next, at(int64(next))))
				next++
			},
			"answer": func(t *rapid.T) {
				n := rapid.IntRange(0, inside-len(called)).Draw(t, "n")
				g.Leave(n)
				inside -= n
			},
			"next": func(t *rapid.T) {
				p, ok := g.Next()
				if want := len(line) > 0 && inside < limit; ok != want {
					t.Fatalf("next = %v, want %v", ok, want)
				}
				if ok {
					if p != line[0] || !p.Called() {
						t.Fatalf("called %d, want %d", p.Who, line[0].Who)
					}
					line, called, inside = line[1:], append(called, p), inside+1
				}
			},
			"call the first beyond the limit": func(t *rapid.T) {
				p, ok := g.First()
				if ok != (len(line) > 0) {
					t.Fatalf("first = %v with %d in line", ok, len(line))
				}
				if ok {
					g.Call(p)
					line, called, inside = line[1:], append(called, p), inside+1
				}
			},
			"give up in line": func(t *rapid.T) {
				if len(line) > 0 {
					i := rapid.IntRange(0, len(line)-1).Draw(t, "i")
					g.Remove(line[i])
					line = drop(line, i)
				}
			},
			"give up inside": func(t *rapid.T) {
				if len(called) > 0 {
					i := rapid.IntRange(0, len(called)-1).Draw(t, "i")
					g.Remove(called[i])
					called, inside = drop(called, i), inside-1
				}
			},
			"": func(t *rapid.T) {
				if g.Inside() != inside || g.Waiting() != len(line) {
					t.Fatalf("%d inside, %d in line; want %d, %d", g.Inside(), g.Waiting(), inside, len(line))
				}
				for _, p := range line {
					if p.Called() || !p.Since.Equal(at(int64(p.Who))) {
						t.Fatalf("place %+v is in line", p)
					}
				}
			},
		})
	})
}

// The account is the sum of what was taken and not released.
func TestAccountIsASum(t *testing.T) { // client-protocol.md 1.6
	rapid.Check(t, func(t *rapid.T) {
		a := Account{Threshold: rapid.Int64Range(-1, 100).Draw(t, "threshold"), Max: rapid.Int64Range(0, 1000).Draw(t, "max")}
		var held []int
		sum := func() (s int64) {
			for _, n := range held {
				s += int64(n)
			}
			return s
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				n := rapid.IntRange(0, 500).Draw(t, "n")
				if got, want := a.Large(n), a.Threshold > 0 && int64(n) > a.Threshold; got != want {
					t.Fatalf("%d bytes are large = %v, want %v", n, got, want)
				}
				fits := sum()+int64(n) <= a.Max
				if a.Fits(n) != fits || a.Take(n) != fits {
					t.Fatalf("%d bytes beside %d of %d: want fits = %v", n, sum(), a.Max, fits)
				}
				if fits {
					held = append(held, n)
				}
			},
			"release": func(t *rapid.T) {
				if len(held) > 0 {
					a.Release(held[0])
					held = held[1:]
				}
			},
			"": func(t *rapid.T) {
				if a.Used() != sum() || a.Used() > a.Max {
					t.Fatalf("%d used, want %d, at most %d", a.Used(), sum(), a.Max)
				}
			},
		})
	})
}
