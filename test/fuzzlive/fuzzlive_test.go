// Package fuzzlive sends whole servers what no client would send, from many
// connections at once, while well-behaved clients do work that is checked: none of
// them may notice (invariants X2, X11, L3, L4), and when it is over nothing is left
// of it (L5).
//
//	go test ./test/fuzzlive -fuzzlive.for=10m        (make fuzz-live)
//	go test ./test/fuzzlive -fuzzlive.seed=N         what each attacker sends, again
package fuzzlive

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var (
	forFlag  = flag.Duration("fuzzlive.for", 5*time.Second, "how long to play")
	seedFlag = flag.Uint64("fuzzlive.seed", 0, "seed of what is sent; 0 draws one")
)

// How many play on each world.
const (
	attackers = 16
	workers   = 3
)

// patience bounds what has to happen at some time.
const patience = time.Minute

func TestMalformedTrafficCostsItsSenderOnly(t *testing.T) {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -fuzzlive.seed=%d", seed)
	vectors := readVectors(t)
	ignore := goleak.IgnoreCurrent()
	descriptorsBefore := descriptors(t)
	worlds := []*world{startStandalone(t), startEnsemble(t)}
	for _, w := range worlds {
		w.awaitServing(t)
	}
	before := calmStock(t, worlds)
	var group sync.WaitGroup
	for i, w := range worlds {
		group.Go(func() { w.play(t, seed+uint64(i)<<32, vectors) })
	}
	group.Wait()
	awaitStock(t, worlds, before)
	for _, w := range worlds {
		w.checkRestart(t)
	}
	if err := goleak.Find(ignore); err != nil {
		t.Error(err)
	}
	if n := descriptors(t); n > descriptorsBefore {
		t.Errorf("%d files are open after all servers stopped, %d were before", n, descriptorsBefore)
	}
}

// play runs attackers and workers until the time is over, or a worker noticed.
func (w *world) play(t *testing.T, seed uint64, vectors [][]frame) {
	ctx, cancel := context.WithTimeout(t.Context(), *forFlag)
	defer cancel()
	if err := w.prepare(); err != nil {
		t.Errorf("%s: prepare: %v", w.name, err)
		return
	}
	var group sync.WaitGroup
	rounds := make([]int, workers)
	for i := range rounds {
		group.Go(func() {
			var err error
			if rounds[i], err = w.work(ctx, i); err != nil {
				t.Errorf("%s: well-behaved client %d in round %d: %v", w.name, i, rounds[i], err)
				cancel()
			}
		})
	}
	var sent tally
	for i := range uint64(attackers) {
		group.Go(func() {
			a := &attacker{w: w, rng: rand.New(rand.NewPCG(seed, i)), vectors: vectors, tally: &sent}
			a.failed = func(err error) {
				t.Errorf("%s: attacker %d: %v", w.name, i, err)
				cancel()
			}
			a.run(ctx)
		})
	}
	group.Wait()
	t.Logf("%s: rounds of work %v; attacks %v", w.name, rounds, sent.String())
	for i, n := range rounds {
		if n == 0 {
			t.Errorf("%s: well-behaved client %d finished no round", w.name, i)
		}
	}
	if !t.Failed() {
		sent.check(t, w.name)
	}
}
