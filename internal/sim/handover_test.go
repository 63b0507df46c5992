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
