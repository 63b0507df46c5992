package zab

import (
	"flag"
	"iter"
	"testing"
	"time"

	"ostler/internal/zk"
)

var (
	seedFlag  = flag.Uint64("zab.seed", 0, "run only this seed of the random test")
	seedsFlag = flag.Uint64("zab.seeds", 150, "how many seeds the random test runs")
)

// TestRandomFaults attacks ensembles with crashes, lost disks, cut links and
// partitions, and checks the invariants of quorum.md 8.3 throughout (see world).
// In the end the faults stop, and everybody must have everything.
func TestRandomFaults(t *testing.T) {
	var total world
	if *seedFlag != 0 {
		randomRun(t, *seedFlag, &total)
		return
	}
	for seed := uint64(1); seed <= *seedsFlag; seed++ {
		randomRun(t, seed, &total)
	}
	s := total.stats
	t.Logf("%+v", s)
	if s.diffs == 0 || s.truncs == 0 || s.snaps == 0 || s.crashes == 0 || s.wipes == 0 || s.commits == 0 || s.relayed == 0 || s.handovers == 0 {
		t.Errorf("something was never tested: %+v", s)
	}
}

func randomRun(t *testing.T, seed uint64, total *world) {
	t.Helper()
	voters, observers := 3, int(seed%2)
	switch seed % 6 {
	case 0, 3:
		voters = 5
	case 4:
		voters = 4
	}
	w := newWorld(t, seed, voters, observers)
	if seed%12 == 3 {
		// Two groups, both of which have to agree (quorum.md 1.4).
		w.config.Groups = map[zk.ServerID]int64{1: 1, 2: 1, 3: 1, 4: 2, 5: 2}
		w.config.Weights = map[zk.ServerID]int64{4: 2}
	}
	if seed%5 == 1 {
		w.node(2).earlyAcks = true
	}
	defer func() {
		if t.Failed() {
			t.Logf("repeat with -zab.seed=%d", seed)
		}
	}()
	w.trim = seed%5 != 0
	w.chaos = seed%7 < 3
	w.masters = seed%4 == 1
	for _, n := range w.nodes {
		n.begin()
	}
	for range 60 {
		w.fault()
		if l := w.leader(); l != nil {
			w.propose(l, w.rand.IntN(4))
		}
		w.run(w.between(0, 120*time.Millisecond))
	}
	w.recover()
	total.stats.established += w.stats.established
	total.stats.diffs += w.stats.diffs
	total.stats.truncs += w.stats.truncs
	total.stats.snaps += w.stats.snaps
	total.stats.commits += w.stats.commits
	total.stats.crashes += w.stats.crashes
	total.stats.wipes += w.stats.wipes
	total.stats.handovers += w.stats.handovers
	total.stats.relayed += w.stats.relayed
}

// fault does one bad thing, or none.
func (w *world) fault() {
	n := w.nodes[w.rand.IntN(len(w.nodes))]
	switch w.rand.IntN(13) {
	case 0:
		n.crash()
	case 1, 2:
		if !n.up {
			n.begin()
		}
	case 3:
		if ids := w.linkIDs(); len(ids) > 0 {
			w.dropLink(w.links[ids[w.rand.IntN(len(ids))]])
		}
	case 4:
		m := w.nodes[w.rand.IntN(len(w.nodes))]
		if m != n {
			w.partition(n.id, m.id)
		}
	case 5:
		w.heal()
	case 6:
		if l := w.leader(); l != nil && w.rand.IntN(2) == 0 {
			// A burst right before it dies leaves tails.
			w.propose(l, 1+w.rand.IntN(4))
			l.crash()
		}
	case 7:
		if n.frozen != [2]bool{} {
			n.thaw()
		} else {
			n.frozen = [2]bool{w.rand.IntN(2) == 0, w.rand.IntN(2) == 0}
		}
	case 9:
		if l := w.leader(); l != nil {
			w.propose(l, w.rand.IntN(3))
			l.step(HandOver{Leaving: w.rand.IntN(2) == 0, Away: w.rand.IntN(2) == 0})
		}
	case 8:
		// At most one server may have lost what it had acknowledged.
		if w.wipeable(n) {
			n.crash()
			n.wipe()
		}
	}
}

// wipeable reports whether n may lose its disk: all other voters have theirs.
func (w *world) wipeable(n *node) bool {
	if len(w.committed) == 0 || w.config.Groups != nil && n.id == 4 {
		return false // no quorum is without 4, so nothing could bring it up to date
	}
	for _, m := range w.nodes {
		if m != n && !m.observer && !m.born && m.current == 0 && len(m.log) == 0 {
			return false
		}
	}
	return true
}

// recover ends all faults and demands progress (INV-L1): within bounded time a
// leader is established, a new transaction is committed, and everybody has all.
func (w *world) recover() {
	w.t.Helper()
	w.heal()
	chaos := w.chaos
	w.chaos = false
	for _, n := range w.nodes {
		n.thaw()
		switch {
		case !n.up:
			n.begin()
		case chaos:
			n.drain("elections are right again")
		}
	}
	w.until(30*time.Second, "a leader with all servers behind it", func() bool {
		l := w.leader()
		return l != nil && w.syncedCount(l.leader) == len(w.nodes)-1
	})
	before := len(w.committed)
	w.propose(w.leader(), 2)
	w.until(30*time.Second, "delivery everywhere", func() bool {
		for _, n := range w.nodes {
			switch {
			case n.leader != nil && n.leader.Established():
				if n.leader.Committed() != n.history.Last() {
					return false
				}
			case n.learner == nil || n.learner.Committed() != lastOf(w.committed):
				return false
			}
		}
		return len(w.committed) > before
	})
}

// syncedCount counts who is up to date, at the leader and at relays.
func (w *world) syncedCount(l *Leader) int {
	count := 0
	synced := func(list iter.Seq[LearnerStatus]) {
		for s := range list {
			if s.Synced {
				count++
			}
		}
	}
	synced(l.Learners())
	for _, n := range w.nodes {
		if n.relay != nil && n.learner.Epoch() == l.Epoch() {
			synced(n.relay.Observers())
		}
	}
	return count
}
