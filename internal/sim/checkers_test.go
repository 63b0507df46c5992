package sim

import "testing"

// toyEnsemble is the toy service, asked for what it knows.
func toyEnsemble(w *World, b bug) *Ensemble {
	e := newEnsemble(w, newToyZK(b), 1)
	e.Load.makePlain()
	for _, c := range e.Clients {
		c.shows = nil
	}
	return e
}

// soloRun runs the toy service with a plan drawn from seed.
func soloRun(seed uint64, b bug) *World {
	w := New(Options{Seed: seed})
	toyEnsemble(w, b).Run()
	return w
}

func TestAHonestServicePassesAllChecks(t *testing.T) {
	for seed := range uint64(20) {
		w := soloRun(seed, noBug)
		if f := w.Failure(); f != nil {
			t.Fatalf("seed %d: %v\n%s", seed, f, w.TraceTail())
		}
	}
}

// Each bug must be found by some seed, and by the checker that is meant for it.
func TestTheCheckersFindBugs(t *testing.T) {
	for _, b := range []bug{
		ackBeforeSync, noDirSync, trustsCache, forgetsEvent, lateEvent, doubleEvent, staleRead, wrongVersion, keepsEphemeral,
		expiresEarly, neverExpires, revives, executesTwice, reusesNumber, forgetsSetWatches,
	} {
		found := ""
		seed := uint64(0)
		for ; seed < 40 && found == ""; seed++ {
			if f := soloRun(seed, b).Failure(); f != nil {
				found = f.Error()
			}
		}
		if found == "" {
			t.Errorf("a service that %s was not found out in %d seeds", b, seed)
			continue
		}
		t.Logf("%s: seed %d, %.160s", b, seed-1, found)
	}
}
