package replica

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/tree"
)

var epoch = time.Unix(1000, 0)

// sweepOf is a look that finds n nodes, spread over the parts, and counts the looks.
func sweepOf(n int, looks *int) func([]string, int) []string {
	return func(dst []string, part int) []string {
		*looks++
		for i := part; i < n; i += tree.MortalParts {
			dst = append(dst, fmt.Sprintf("/%05d", i))
		}
		slices.Sort(dst)
		return dst
	}
}

// many is more nodes than are looked at in one step.
const many = lookAtOnce + 1

// Few nodes are looked at in one step.
func TestAShortSweepIsOneStep(t *testing.T) {
	looks := 0
	p := newReaper(time.Minute, 60, epoch)
	p.step(epoch.Add(time.Minute), lookAtOnce, sweepOf(5, &looks))
	if looks != tree.MortalParts {
		t.Errorf("%d looks in one step, want one for each of %d parts", looks, tree.MortalParts)
	}
	if got := p.step(p.at, lookAtOnce, sweepOf(5, &looks)); !slices.Equal(got, []string{"/00000"}) {
		t.Errorf("removed %q, want the first", got)
	}
}

// TestFirstSweepComesAfterAnInterval (client-protocol.md 4.8), and nothing before.
func TestFirstSweepComesAfterAnInterval(t *testing.T) {
	looks := 0
	p := newReaper(time.Minute, 60, epoch)
	p.step(epoch, many, sweepOf(1, &looks))
	p.step(epoch.Add(time.Minute-1), many, sweepOf(1, &looks))
	if looks != 0 || !p.at.Equal(epoch.Add(time.Minute)) {
		t.Errorf("%d looks before the interval was over; next step at %v", looks, p.at)
	}
	now := epoch.Add(time.Minute)
	for range tree.MortalParts {
		if removed := p.step(now, many, sweepOf(1, &looks)); len(removed) > 0 || !p.at.Equal(now) {
			t.Fatalf("while looking: removed %q, next step at %v, want now", removed, p.at)
		}
	}
	if looks != tree.MortalParts {
		t.Errorf("%d looks, want one for each of %d parts", looks, tree.MortalParts)
	}
	if got := p.step(now, many, sweepOf(1, &looks)); !slices.Equal(got, []string{"/00000"}) {
		t.Errorf("removed %q", got)
	}
	if want := epoch.Add(2 * time.Minute); !p.at.Equal(want) {
		t.Errorf("next step at %v, want %v", p.at, want)
	}
}

// TestRemovalsAreSpacedEvenly: 60 a minute is one a second, and what takes longer
// than the interval delays the next sweep.
func TestRemovalsAreSpacedEvenly(t *testing.T) {
	looks := 0
	p := newReaper(2*time.Second, 60, epoch)
	var removed []string
	var at []time.Duration
	for len(removed) < 5 {
		now := p.at
		for _, path := range p.step(now, many, sweepOf(5, &looks)) {
			removed = append(removed, path)
			at = append(at, now.Sub(epoch))
		}
	}
	if d := cmp.Diff([]string{"/00000", "/00001", "/00002", "/00003", "/00004"}, removed); d != "" {
		t.Errorf("removed (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]time.Duration{2e9, 3e9, 4e9, 5e9, 6e9}, at); d != "" {
		t.Errorf("times (-want +got):\n%s", d)
	}
	if want := epoch.Add(7 * time.Second); !p.at.Equal(want) || looks != tree.MortalParts {
		t.Errorf("%d looks, next sweep at %v, want %v", looks, p.at, want)
	}
}

// TestReaperKeepsItsRate: however late the steps come, no minute has more removals
// than allowed; all that was found is removed once, in order; and sweeps keep
// their distance.
func TestReaperKeepsItsRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		interval := time.Duration(rapid.Int64Range(1, 200_000).Draw(t, "interval")) * time.Millisecond
		perMinute := rapid.OneOf(rapid.Int64Range(1, 200), rapid.Int64Range(1, 1<<62)).Draw(t, "per minute")
		n := rapid.IntRange(0, 300).Draw(t, "nodes")
		mortal := rapid.SampledFrom([]int{n, many}).Draw(t, "mortal nodes")
		p := newReaper(interval, perMinute, epoch)
		if minute := time.Duration(min(perMinute, burstsPerMinute)) * p.pause; minute < time.Minute {
			t.Fatalf("the removals of a minute at %d a minute take %v", perMinute, minute)
		}
		now, sweep := epoch, epoch
		var times []time.Time
		var removed []string
		for range 1000 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(max(0, p.at.Sub(now)))*3/2).Draw(t, "time passes")))
			before := p.part
			got := p.step(now, mortal, func(dst []string, part int) []string {
				if part == 0 && now.Before(sweep.Add(interval)) {
					t.Fatalf("a sweep at %v, %v after the last, sooner than %v", now, now.Sub(sweep), interval)
				}
				if part == 0 {
					sweep, removed = now, nil
				}
				return sweepOf(n, new(int))(dst, part)
			})
			if before < tree.MortalParts && len(got) > 0 {
				t.Fatalf("removed %q before all parts were looked at", got)
			}
			removed = append(removed, got...)
			for range got {
				times = append(times, now)
			}
			if p.part == 0 && before == tree.MortalParts && (len(removed) != n || !slices.IsSorted(removed)) {
				t.Fatalf("a sweep that found %d nodes removed %q", n, removed)
			}
		}
		for i := range times {
			if j := i + int(min(perMinute, int64(len(times)))); j < len(times) && times[j].Sub(times[i]) < time.Minute {
				t.Fatalf("%d removals within %v, %d a minute are allowed", j-i+1, times[j].Sub(times[i]), perMinute)
			}
		}
	})
}
