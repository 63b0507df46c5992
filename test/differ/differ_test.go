//go:build interop

package differ

import (
	"flag"
	"testing"
	"time"

	"ostler/test/proc"
)

var (
	seedFlag  = flag.Uint64("differ.seed", 0, "play this seed only; 0: all from 1")
	stepsFlag = flag.Int("differ.steps", 400, "steps of a script")
	opsFlag   = flag.Int("differ.ops", 20_000, "operations to compare in all")
	pairsFlag = flag.Int("differ.pairs", 2, "pairs of servers at work")
	addrFlag  = flag.String("differ.apache", "", "a standalone ZooKeeper to compare with, instead of the packaged one; it needs the same settings")
)

func TestScripts(t *testing.T) {
	cover := newCoverage()
	o := startServer(t, proc.Ostler)
	a := startServer(t, proc.Apache)
	p := newPlayer(o.addr, a.addr, cover)
	begin := time.Now()
	seed := uint64(1)
	if *seedFlag != 0 {
		seed = *seedFlag
	}
	for ; cover.total() < *opsFlag; seed++ {
		d, err := p.play(generate(seed, *stepsFlag))
		must(t, err)
		if d != nil {
			t.Fatalf("seed %d: %s\n%s", seed, d.what, d.text)
		}
	}
	t.Logf("%d operations in %v\n%v", cover.total(), time.Since(begin), cover)
}
