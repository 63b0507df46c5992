//go:build interop

package differ

import (
	"flag"
	"sync"
	"testing"
	"time"

	"ostler/test/proc"
)

var (
	seedFlag  = flag.Uint64("differ.seed", 0, "play this seed only; 0: all from differ.from")
	fromFlag  = flag.Uint64("differ.from", 1, "first seed")
	stepsFlag = flag.Int("differ.steps", 400, "steps of a script")
	opsFlag   = flag.Int("differ.ops", 20_000, "operations to compare in all")
	pairsFlag = flag.Int("differ.pairs", 2, "pairs of servers at work")
	addrFlag  = flag.String("differ.apache", "", "host:port of a standalone ZooKeeper to compare with, instead of the packaged one; it needs the same settings")
)

// scriptsPerServer is how many scripts a pair of servers plays before it makes
// place for new ones, whose trees are small.
const scriptsPerServer = 200

// A bench is a pair of servers with a player.
type bench struct {
	t       testing.TB
	servers []*server
	played  int // scripts, on these servers
	*player
}

// fresh starts the pair anew.
func (b *bench) fresh() {
	b.t.Helper()
	for _, s := range b.servers {
		s.stop()
	}
	o := startServer(b.t, proc.Ostler)
	b.servers, b.played = []*server{o}, 0
	addr, roots := *addrFlag, 0
	if addr == "" {
		a := startServer(b.t, proc.Apache)
		b.servers = append(b.servers, a)
		addr = a.addr
	} else {
		roots = int(time.Now().Unix() % rootsMax) // it may know those of another run
	}
	next := newPlayer(o.addr, addr, roots, newCoverage())
	if b.player != nil {
		next.cover, next.limit = b.cover, b.limit
	}
	b.player = next
}

// try plays a script; the difference that it shows, if it shows one.
func (b *bench) try(s script) *difference {
	b.t.Helper()
	if b.played++; b.played > scriptsPerServer {
		b.fresh()
	}
	d, err := b.play(s)
	if err != nil {
		var logs string
		for _, s := range b.servers {
			logs += s.tail()
		}
		b.t.Fatalf("%v\n%v\n%s", err, s, logs)
	}
	return d
}

// report shrinks a script and says what it shows.
func (b *bench) report(s script, d *difference) {
	b.t.Helper()
	b.t.Errorf("seed %d, step %d: %s\n%s", s.seed, d.at, d.what, d.text)
	s.steps = s.steps[:min(d.at+1, len(s.steps))]
	b.fresh()
	b.limit = impatience
	best := b.try(s)
	if best == nil || best.what != d.what {
		b.t.Errorf("it does not show again on fresh servers: it takes what scripts before have left, or luck")
		return
	}
	lasting := b.try(script{}) != nil
	s = shrink(s, func(c script) bool {
		if lasting {
			b.fresh()
		}
		found := b.try(c)
		if found == nil || found.what != d.what {
			return false
		}
		best = found
		return true
	})
	b.t.Errorf("shortest script that shows it:\n%v%s", s, best.text)
	b.t.Logf("again: go test -tags interop ./test/differ -run TestScripts -differ.seed=%d -differ.steps=%d", s.seed, *stepsFlag)
}

// A run is shared by the pairs of servers at work.
type run struct {
	mu    sync.Mutex
	seed  uint64 // next
	ops   int    // to compare still
	over  bool   // a difference was found
	cover *coverage
}

// next returns a seed, false when there was enough.
func (r *run) next() (uint64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.over || r.ops <= 0 {
		return 0, false
	}
	r.seed++
	return r.seed - 1, true
}

// done counts what a script has compared.
func (r *run) done(c *coverage, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops -= c.total()
	r.over = r.over || !ok
	r.cover.add(c)
}

// work plays scripts until there were enough.
func (r *run) work(t *testing.T) {
	b := &bench{t: t}
	b.fresh()
	for {
		seed, more := r.next()
		if !more {
			return
		}
		b.cover = newCoverage()
		s := generate(seed, *stepsFlag)
		d := b.try(s)
		r.done(b.cover, d == nil)
		if d != nil {
			b.report(s, d)
		}
	}
}

// TestScripts plays scripts until there were enough operations. In a run of some
// length everything has to come up: operations, their errors, events, and the
// intended differences.
func TestScripts(t *testing.T) {
	r := &run{seed: *fromFlag, ops: *opsFlag, cover: newCoverage()}
	pairs := *pairsFlag
	if *seedFlag != 0 {
		r.seed, r.ops = *seedFlag, 1
	}
	if *addrFlag != "" || *seedFlag != 0 {
		pairs = 1 // at one server, only one may play
	}
	begin := time.Now()
	t.Run("pair", func(t *testing.T) {
		for range pairs {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				r.work(t)
			})
		}
	})
	t.Logf("%d operations in %d scripts, %v\n%v", r.cover.total(), r.seed-*fromFlag, time.Since(begin).Round(time.Second), r.cover)
	for _, a := range avoided {
		t.Logf("not in scripts: %s (%s)", a.what, a.why)
	}
	if r.cover.total() >= coverageOps && !t.Failed() {
		for _, name := range r.cover.missing() {
			t.Errorf("never came up: %s", name)
		}
	}
}
