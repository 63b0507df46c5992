package sim

import (
	"testing"
	"time"
)

// A leader that is asked to hands over at once, to a follower that has everything: there
// is no election, and clients lose nothing (quorum.md 7.2; kubernetes.md 4.6).
func TestLeadershipIsHandedOver(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		e := calmEnsemble(seed)
		for i := range 6 {
			old := e.leader()
			if old == nil {
				t.Fatalf("seed %d: no leader", seed)
			}
			epoch, done := e.O.views[old.ID].epoch, false
			if retire := i%2 == 1; retire {
				old.M.Retire()
				e.rebootIn(old, 3*time.Second)
				done = true
			} else {
				old.M.HandOver(false, func() { done = true })
			}
			e.W.Run(150 * time.Millisecond)
			now := e.leader()
			if now == nil || now == old || e.O.views[now.ID].epoch != epoch+1 || !done {
				t.Errorf("seed %d, round %d: led by %+v, done %v; want another leader, in epoch %d", seed, i, now, done, epoch+1)
			}
			e.W.Run(4 * time.Second)
			e.recover()
		}
		e.Load.steady = true
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		}
	}
}

// Clients do not notice: their connections live on, at the old leader, the new one and
// the others, and what they had asked for is done once (INV-X9, INV-L3). A few end in
// that time for what their clients ask for, as at any other.
func TestClientsStayThroughAHandOver(t *testing.T) {
	stayed, lost := 0, 0
	for seed := uint64(1); seed <= 8; seed++ {
		e := calmEnsembleWith(seed, realNode, func(s *Settings) { s.Local = false })
		for i := range 10 {
			old := e.leader()
			had := make(map[*Client]int)
			for _, c := range e.Clients {
				if c.state == online {
					had[c] = c.cuts
				}
			}
			old.M.HandOver(false, func() {})
			e.W.Run(50 * time.Millisecond)
			if now := e.leader(); now == nil || now == old {
				t.Fatalf("seed %d, round %d: led by %+v, want another than %d", seed, i, now, old.ID)
			}
			for _, c := range e.Clients {
				if cuts, was := had[c]; was && c.cuts > cuts {
					lost++
				} else if was {
					stayed++
				}
			}
			e.W.Run(time.Second)
		}
		e.recover()
		e.Load.steady = true
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		}
	}
	if stayed < 100 || lost > stayed/10 {
		t.Errorf("%d connections lived through a hand-over and %d did not, want almost all to", stayed, lost)
	}
}
