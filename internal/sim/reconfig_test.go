package sim

import (
	"testing"
	"time"

	"ostler/internal/zk"
)

// Members come, go and change roles while servers crash, lose power and are cut off. What
// the oracle checks holds all the time, and in the end all have one configuration
// (quorum.md section 5, INV-C1, C3, C6).
func TestMembersChangeUnderFaults(t *testing.T) {
	changes := 0
	for seed := uint64(1); seed <= 25; seed++ {
		e := newCalm(seed, realNode, 5, func(s *Settings) { s.Reconfig, s.Local, s.ReadOnly = true, false, false })
		for i, m := range e.Members {
			m.setup.Servers = []zk.ServerID{1, 2, 3}
			m.setup.Masters = seed%2 == 0
			if i >= 3 {
				m.setup.Servers = append(m.setup.Servers, m.ID)
			}
		}
		e.begin()
		o := newOrganiser(e)
		for range 12 {
			for range 1 + e.W.Rand.IntN(3) {
				e.W.After(time.Duration(e.W.Rand.Int64N(int64(500*time.Millisecond))), o.change)
			}
			for _, m := range e.Members {
				if e.W.Rand.IntN(4) == 0 {
					e.W.After(time.Duration(e.W.Rand.Int64N(int64(700*time.Millisecond))), func() { m.M.EndIn(0, e.W.Rand.IntN(2) == 0) })
					e.rebootIn(m, 800*time.Millisecond+time.Duration(e.W.Rand.Int64N(int64(2*time.Second))))
				}
			}
			e.W.Run(time.Second + time.Duration(e.W.Rand.Int64N(int64(3*time.Second))))
		}
		for _, m := range e.Members {
			e.rebootIn(m, 0)
		}
		e.W.Run(5 * time.Second)
		e.recover()
		e.Load.steady = true
		e.W.Run(5 * time.Second)
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
			continue
		}
		changes += e.O.changes()
	}
	if changes < 100 {
		t.Errorf("%d changes of members were committed, want many", changes)
	}
}
