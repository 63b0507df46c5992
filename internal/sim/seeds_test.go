package sim

import (
	"bufio"
	"bytes"
	_ "embed"
	"flag"
	"log/slog"
	"math"
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
	fromFlag  = flag.Uint64("sim.from", 0, "the first of them; 0: 1, or with -sim.for a new one")
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
	if *seedFlag != 0 {
		runOne(t, *seedFlag)
		return
	}
	if runKept(t, kept(t)); t.Failed() && !*allFlag {
		return
	}
	switch first := *fromFlag; {
	case *forFlag == 0:
		runSeeds(t, max(first, 1), *seedsFlag, 0)
	case first == 0:
		runSeeds(t, uint64(time.Now().UnixNano())>>10, math.MaxInt, *forFlag)
	default:
		runSeeds(t, first, math.MaxInt, *forFlag)
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

// A search is what many runs found and came across.
type search struct {
	t    *testing.T
	next atomic.Int64
	stop atomic.Bool // a run has failed

	mu      sync.Mutex // guards what follows, and reports
	seen    Coverage
	seeds   int
	events  uint64
	virtual time.Duration
}

// run runs one world on each core, of the seeds that pick gives, until one fails or
// pick says that there are no more.
func (s *search) run(pick func(n int) (seed uint64, ok bool)) {
	// A world leaves much garbage and keeps little: memory is cheaper than collecting.
	defer debug.SetGCPercent(debug.SetGCPercent(1600))
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for !s.stop.Load() {
				seed, ok := pick(int(s.next.Add(1)) - 1)
				if !ok {
					return
				}
				s.take(runCovered(Options{Seed: seed}))
			}
		})
	}
	wg.Wait()
}

// take adds what one run has shown.
func (s *search) take(w *World, covered Coverage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen.Add(covered)
	s.seeds++
	s.events += w.Events()
	s.virtual += w.Now()
	switch {
	case w.Failure() == nil:
	case *allFlag:
		s.t.Errorf("seed %d: %.500s", w.Seed(), w.Failure().Error())
	case s.stop.CompareAndSwap(false, true):
		reportFailure(s.t, w)
	}
}

// runKept runs the kept seeds.
func runKept(t *testing.T, seeds []uint64) {
	s := &search{t: t, seen: make(Coverage)}
	s.run(func(n int) (uint64, bool) {
		if n >= len(seeds) {
			return 0, false
		}
		return seeds[n], true
	})
}

// runSeeds runs so many seeds from first on, or, given a time, as many as begin in it.
// It reports the sums of the range.
func runSeeds(t *testing.T, first uint64, count int, limit time.Duration) {
	s := &search{t: t, seen: make(Coverage)}
	began := time.Now()
	if limit > 0 {
		t.Logf("seeds from %d for %v", first, limit)
	}
	s.run(func(n int) (uint64, bool) {
		return first + uint64(n), n < count && (limit == 0 || time.Since(began) < limit)
	})
	took := time.Since(began)
	t.Logf("%d seeds, %d to %d: %.2f simulated hours, %d events, in %v (%.0f events per second)", s.seeds, first, first+uint64(s.seeds)-1,
		s.virtual.Hours(), s.events, took.Round(time.Millisecond), float64(s.events)/took.Seconds())
	if s.seeds < coverSeeds || t.Failed() || *toyFlag {
		return
	}
	for _, what := range s.seen.Missing() {
		t.Errorf("in %d seeds there was no %q: what is not met is not tested", s.seeds, what)
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
