package sim

import (
	"testing"
	"time"

	"ostler/internal/zk"
)

// Groups {1, 2} and {3} of the example in quorum.md 1.4: each group is needed, so that the
// end of server 3 or of both others stops the service, and that of 1 or 2 as well. A third
// server in the first group, without weight, changes nothing and never leads.
func TestEveryGroupIsNeeded(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		e := newEnsembleOf(New(Options{Seed: seed}), realNode, Roles{
			Voters: 4, Groups: map[zk.ServerID]int64{1: 1, 2: 1, 3: 2, 4: 1}, Weights: map[zk.ServerID]int64{4: 0},
		})
		e.Plan.faults = nil
		e.begin()
		for _, m := range e.Members {
			m.M.PowerOff()
			e.W.Run(15 * e.tick)
			before := e.O.Len()
			e.W.Run(20 * e.tick)
			if stopped := e.O.Len() == before; stopped != (m.ID != 4) {
				t.Errorf("seed %d: without server %d, %d transactions were committed", seed, m.ID, e.O.Len()-before)
			}
			m.M.Boot()
			e.W.Run(time.Second)
			e.rejoin()
		}
		e.settled(t)
	}
}
