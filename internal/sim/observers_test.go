package sim

import (
	"testing"
	"time"

	"ostler/internal/zk"
)

// newBehindMasters are three voters and two observers that follow followers, calm.
func newBehindMasters(seed uint64) *Ensemble {
	e := newEnsembleOf(New(Options{Seed: seed}), realNode, Roles{Voters: 3, Observers: 2, Masters: true})
	e.Plan.faults = nil
	e.begin()
	return e
}

// Observers follow followers, never the leader, and go to another one when theirs is
// lost, cut off, or comes to lead (quorum.md 4.18). What clients ask through them is
// judged as everywhere, and no observer is behind in the end.
func TestObserversFallOver(t *testing.T) {
	for seed := uint64(1); seed <= 8; seed++ {
		e := newBehindMasters(seed)
		changes := 0
		for i := range 6 {
			leader, before := e.leader(), e.masters()
			for id, master := range before {
				if leader == nil || master == 0 || master == leader.ID {
					t.Fatalf("seed %d: observer %d follows server %d, and %v leads", seed, id, master, leader)
				}
			}
			lost := e.Members[before[4]-1]
			if i%3 == 2 {
				lost = leader
			}
			e.lose(lost, i)
			e.W.Run(time.Second)
			e.recover()
			for id, master := range e.masters() {
				if master != before[id] {
					changes++
				}
			}
		}
		e.Load.steady = true
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		}
		if changes == 0 {
			t.Errorf("seed %d: no observer has gone to another master", seed)
		}
	}
}

// masters are whom the observers follow.
func (e *Ensemble) masters() map[zk.ServerID]zk.ServerID {
	masters := make(map[zk.ServerID]zk.ServerID)
	for _, m := range e.Members {
		if m.setup.observes(m.ID) {
			masters[m.ID] = m.master()
		}
	}
	return masters
}

// lose takes a server from the others for a while, in one of three ways.
func (e *Ensemble) lose(m *Member, how int) {
	switch how % 3 {
	case 0:
		m.M.PowerOff()
		e.W.After(2*time.Second, m.M.Boot)
	case 1:
		for _, o := range e.Members {
			e.W.Cut(m.M, o.M)
			e.W.Cut(o.M, m.M)
		}
		e.W.After(3*time.Second, e.W.HealAll)
		e.W.Run(3 * time.Second)
	default:
		m.M.Stop()
		e.W.After(time.Second, m.M.Boot)
	}
}
