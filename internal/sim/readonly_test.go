package sim

import (
	"testing"
	"time"
)

// Two of three servers lose power in the middle of writes. The third, sooner or later
// restarted too, serves readers what is known to be committed and nothing else: that is
// checked at every reply (quorum.md R25, INV-O9). Then all come back and agree.
func TestReadersWithoutALeader(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		e := calmEnsembleWith(seed, realNode, func(s *Settings) { s.Local, s.ReadOnly = true, true })
		for round := range 2 {
			last := e.Members[e.W.Rand.IntN(3)]
			for _, m := range e.Members {
				if m != last {
					m.M.EndIn(0, true)
				}
			}
			for _, c := range e.Clients { // a session of the ensemble waits for a leader
				e.W.After(time.Duration(e.W.Rand.Int64N(int64(3*time.Second))), c.abandon)
			}
			if round == 1 {
				e.W.After(time.Second, func() { last.M.EndIn(0, true) })
				e.W.After(2*time.Second, last.M.Boot)
			}
			e.W.Run(8 * time.Second)
			for _, m := range e.Members {
				if m != last {
					e.W.After(0, m.M.Boot)
				}
			}
			e.W.Run(3 * time.Second)
			e.recover()
		}
		e.Load.steady = true
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		} else if e.Load.Seen["a read-only session had"] == 0 {
			t.Errorf("seed %d: nobody was served without a leader", seed)
		}
	}
}
