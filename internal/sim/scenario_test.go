package sim

import (
	"testing"
	"time"
)

// calmEnsemble is three servers and their clients, up and without faults.
func calmEnsemble(seed uint64) *Ensemble { return calmEnsembleOf(seed, realNode) }

func calmEnsembleOf(seed uint64, make NodeFactory) *Ensemble {
	return calmEnsembleWith(seed, make, nil)
}

// calmEnsembleWith is calmEnsembleOf with other settings than the drawn ones.
func calmEnsembleWith(seed uint64, make NodeFactory, change func(s *Settings)) *Ensemble {
	e := newCalm(seed, make, 3, change)
	e.begin()
	return e
}

// newCalm is an ensemble without faults that has not begun.
func newCalm(seed uint64, make NodeFactory, size int, change func(s *Settings)) *Ensemble {
	e := newEnsemble(New(Options{Seed: seed}), make, size)
	e.Plan.faults = nil
	if change != nil {
		e.setSettings(change)
	}
	return e
}

func (e *Ensemble) begin() {
	for _, m := range e.Members {
		m.M.Boot()
	}
	for _, c := range e.Clients {
		e.W.names[c.name].Boot()
	}
	e.supervise()
	e.recover()
}

// A server is well again when it serves: one whose disk hangs long enough was established
// once, and its leader has gone on without it (INV-L1).
func TestRecoveryAwaitsAServerWithoutALeader(t *testing.T) {
	for seed := uint64(1); seed <= 3; seed++ {
		e := calmEnsemble(seed)
		m := e.Members[seed%3]
		if m == e.leader() {
			m = e.Members[(seed+1)%3]
		}
		m.M.disk.Slow = 20_000 // a sync takes 3 s and more
		for m.serves() && e.W.Now() < time.Minute {
			e.W.Run(10 * time.Millisecond)
		}
		if m.serves() {
			t.Fatalf("seed %d: server %d does not mind", seed, m.ID)
		}
		m.M.disk.Slow = 0 // the call that hangs goes on
		e.recover()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s", seed, f.Error())
		}
		for _, m := range e.Members {
			if !m.serves() {
				t.Errorf("seed %d: server %d does not serve", seed, m.ID)
			}
		}
	}
}

// A server whose disk was lost is brought up to date, and crashes at one of the file
// calls that this takes. Once it has come up to date after that it counts again: with
// it, the ensemble bears the loss of another disk (quorum.md R15, T-2872).
func TestAWipedServerCountsAgainOnceItHasSynced(t *testing.T) {
	for n := 1; n <= 60; n++ {
		e := calmEnsemble(uint64(n))
		first, second := e.Members[n%3], e.Members[(n+1)%3]
		for _, m := range []*Member{first, second} {
			m.M.PowerOff()
			m.M.Wipe()
			if m == first {
				m.M.CrashAtFileCall(n, n%2 == 0)
			}
			m.M.Boot()
			e.W.Run(3 * time.Second)
			e.recover()
		}
		if f := e.W.Failure(); f != nil {
			t.Errorf("crash at file call %d: %.600s", n, f.Error())
		}
	}
}

// The leader dies again and again, whoever it is, while clients write; nothing is lost.
func TestEveryLeaderDies(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		e := calmEnsemble(seed)
		for i := range 6 {
			leader := e.leader()
			if leader == nil {
				t.Fatalf("seed %d: no leader", seed)
			}
			leader.M.EndIn(time.Duration(i)*time.Millisecond, i%2 == 0)
			e.W.After(400*time.Millisecond, leader.M.Boot)
			e.W.Run(3 * time.Second)
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

// Epochs are so short that the ends of abandoned sessions use them up, and with each
// epoch the sessions that are left begin their timeouts anew (INV-S4): they end all the
// same once a leader stays (INV-S5).
func TestAbandonedSessionsEndThoughEpochsAreShort(t *testing.T) {
	late := 0
	for seed := uint64(1); seed <= 10; seed++ {
		e := newCalm(seed, realNode, 3, func(s *Settings) { s.Local = false })
		e.lastCounter = 20
		for _, m := range e.Members {
			m.setup.LastCounter = e.lastCounter
		}
		e.begin()
		for range 30 {
			e.W.Run(e.tick)
			for _, c := range e.Clients {
				c.abandon()
			}
		}
		e.recover()
		e.Load.steady = true
		before := e.W.Now()
		e.rest()
		if e.W.Now()-before > 24*e.tick+2*time.Second {
			late++
		}
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s", seed, f.Error())
		}
	}
	if late < 8 {
		t.Errorf("in %d runs of 10 epochs ended while sessions did", late)
	}
}
