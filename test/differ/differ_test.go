//go:build interop

package differ

import (
	"flag"
	"testing"
	"time"

	"ostler/test/proc"
)

var (
	seedFlag  = flag.Uint64("differ.seed", 0, "play this seed only; 0: all from differ.from")
	fromFlag  = flag.Uint64("differ.from", 1, "first seed")
	stepsFlag = flag.Int("differ.steps", 400, "steps of a script")
	opsFlag   = flag.Int("differ.ops", 20_000, "operations to compare in all")
	addrFlag  = flag.String("differ.apache", "", "host:port of a standalone ZooKeeper to compare with, instead of the packaged one; it needs the same settings")
)

// scriptsPerServer is how many scripts a pair of servers plays before it makes
// place for new ones, whose trees are small.
const scriptsPerServer = 200

// A bench is a pair of servers with a player.
type bench struct {
	t       testing.TB
	servers []*server
	*player
}

// fresh starts the pair anew.
func (b *bench) fresh() {
	b.t.Helper()
	for _, s := range b.servers {
		s.stop()
	}
	o := startServer(b.t, proc.Ostler)
	b.servers = []*server{o}
	addr := *addrFlag
	if addr == "" {
		a := startServer(b.t, proc.Apache)
		b.servers = append(b.servers, a)
		addr = a.addr
	}
	cover := newCoverage()
	if b.player != nil {
		cover = b.cover
	}
	b.player = newPlayer(o.addr, addr, cover)
}

// try plays a script; the difference that it shows, if it shows one.
func (b *bench) try(s script) *difference {
	b.t.Helper()
	if b.scripts >= scriptsPerServer {
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
	best := d
	s = shrink(s, func(c script) bool {
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

func TestScripts(t *testing.T) {
	b := &bench{t: t}
	b.fresh()
	begin := time.Now()
	first, ops := *fromFlag, *opsFlag
	if *seedFlag != 0 {
		first, ops = *seedFlag, 1
	}
	seeds := 0
	for ; b.cover.total() < ops && !t.Failed(); seeds++ {
		s := generate(first+uint64(seeds), *stepsFlag)
		if d := b.try(s); d != nil {
			b.report(s, d)
		}
	}
	t.Logf("%d operations, %d scripts, in %v\n%v", b.cover.total(), seeds, time.Since(begin).Round(time.Second), b.cover)
}
