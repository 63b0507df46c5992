package sim

import (
	"bufio"
	"bytes"
	_ "embed"
	"flag"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	seedFlag  = flag.Uint64("sim.seed", 0, "run this seed only")
	seedsFlag = flag.Int("sim.seeds", 20, "how many seeds to run")
	fromFlag  = flag.Uint64("sim.from", 1, "the first of them")
	forFlag   = flag.Duration("sim.for", 0, "run new seeds for this long instead")
	traceFlag = flag.String("sim.trace", "", "write the whole trace of -sim.seed to this file")
	allFlag   = flag.Bool("sim.all", false, "go on after a failure, and name each in a line")
	toyFlag   = flag.Bool("sim.toy", false, "run the toy service instead of the real server")
)

//go:embed testdata/seeds
var keptSeeds []byte

// kept returns the seeds that once found something.
func kept(t *testing.T) []uint64 {
	t.Helper()
	var seeds []uint64
	for s := bufio.NewScanner(bytes.NewReader(keptSeeds)); s.Scan(); {
		first, _, _ := strings.Cut(strings.TrimSpace(s.Text()), " ")
		if first == "" || first[0] == '#' {
			continue
		}
		n, err := strconv.ParseUint(first, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds: %v", err)
		}
		seeds = append(seeds, n)
	}
	return seeds
}

// runSeed runs one ensemble.
func runSeed(o Options) *World {
	w, _ := runCovered(o)
	return w
}

// runCovered also tells what the run came across.
func runCovered(o Options) (*World, Coverage) {
	w := New(o)
	var e *Ensemble
	if *toyFlag {
		e = toyEnsemble(w, noBug)
	} else {
		e = NewEnsemble(w, realNode)
	}
	e.Run()
	return w, e.Coverage()
}

func reportFailure(t *testing.T, w *World) {
	t.Helper()
	t.Errorf("seed %d: %v\n%s\nrepeat with: go test ./internal/sim -run Seeds -sim.seed=%d -sim.trace=FILE",
		w.Seed(), w.Failure(), w.TraceTail(), w.Seed())
}

func TestSeeds(t *testing.T) {
	switch {
	case *seedFlag != 0:
		runOne(t, *seedFlag)
	case *forFlag != 0:
		search(t, uint64(time.Now().UnixNano())>>10, func(n int, began time.Time) bool { return time.Since(began) < *forFlag })
	default:
		for _, seed := range kept(t) {
			if w := runSeed(Options{Seed: seed}); w.Failure() != nil {
				reportFailure(t, w)
			}
		}
		search(t, *fromFlag, func(n int, _ time.Time) bool { return n < *seedsFlag })
	}
}

// runOne runs one seed, with its trace if asked for.
func runOne(t *testing.T, seed uint64) {
	o := Options{Seed: seed, LogLevel: slog.LevelDebug}
	if *traceFlag != "" {
		f, err := os.Create(*traceFlag)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		buffered := bufio.NewWriter(f)
		defer buffered.Flush()
		o.Trace = buffered
	}
	w := runSeed(o)
	if w.Failure() != nil {
		reportFailure(t, w)
	}
	t.Logf("seed %d: %v of virtual time, %d events, trace hash %x", seed, w.Now(), w.Events(), w.TraceHash())
}

// search runs seeds from first on, one world on each core, until one fails or
// more says no.
func search(t *testing.T, first uint64, more func(n int, began time.Time) bool) {
	var next, events, virtual atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	var mu sync.Mutex // of seen, and of reports
	seen := make(Coverage)
	// A world leaves much garbage and keeps little: memory is cheaper than collecting.
	defer debug.SetGCPercent(debug.SetGCPercent(1600))
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !failed.Load() {
				n := int(next.Add(1)) - 1
				if !more(n, began) {
					return
				}
				w, covered := runCovered(Options{Seed: first + uint64(n)})
				mu.Lock()
				seen.Add(covered)
				mu.Unlock()
				events.Add(int64(w.Events()))
				virtual.Add(int64(w.Now()))
				if w.Failure() == nil {
					continue
				}
				mu.Lock()
				if *allFlag {
					t.Errorf("seed %d: %.500s", w.Seed(), w.Failure().Error())
				} else if failed.CompareAndSwap(false, true) {
					reportFailure(t, w)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	t.Logf("%d seeds from %d in %v: %d events (%.0f per second), %v of virtual time", next.Load(), first, took.Round(time.Millisecond),
		events.Load(), float64(events.Load())/took.Seconds(), time.Duration(virtual.Load()).Round(time.Second))
	if int(next.Load()) >= coverSeeds && !t.Failed() && !*toyFlag {
		for _, what := range seen.Missing() {
			t.Errorf("in %d seeds there was no %q: what is not met is not tested", next.Load(), what)
		}
	}
}

// coverSeeds are enough to meet everything.
const coverSeeds = 300

// What a run does depends on its seed alone.
func TestARunRepeats(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		a, b := runSeed(Options{Seed: seed}), runSeed(Options{Seed: seed, Trace: new(bytes.Buffer)})
		if a.TraceHash() != b.TraceHash() || a.Events() != b.Events() {
			t.Errorf("seed %d gave %d events, trace %x, then %d events, trace %x", seed, a.Events(), a.TraceHash(), b.Events(), b.TraceHash())
		}
	}
}
