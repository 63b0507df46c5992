package sim

import (
	"fmt"
	"testing"
	"time"
)

// twoNetworks is three calm servers with an address in each of two networks.
func twoNetworks(seed uint64) *Ensemble {
	e := newCalm(seed, realNode, 3, nil)
	for _, m := range e.Members {
		e.W.AddAddr(m.M, SecondName(m.ID))
		m.setup.TwoNetworks = true
	}
	e.begin()
	return e
}

// rejoin lets time pass until all servers are established and all clients served, and
// returns how long that took.
func (e *Ensemble) rejoin() time.Duration {
	before := e.W.Now()
	e.recover()
	return e.W.Now() - before
}

// settled ends a run and reports what was wrong with it.
func (e *Ensemble) settled(t *testing.T) {
	t.Helper()
	e.Load.steady = true
	e.rest()
	e.finish()
	if f := e.W.Failure(); f != nil {
		t.Errorf("seed %d: %.600s\n%s", e.W.Seed(), f.Error(), e.W.TraceTail())
	}
}

// Any network of any server may fail while the other one works: all servers are there
// again soon, over the other (quorum.md 1.9).
func TestOneOfTwoNetworksFails(t *testing.T) {
	for seed := uint64(1); seed <= 15; seed++ {
		e := twoNetworks(seed)
		bound := 4*time.Second + 30*e.tick
		for round := range 4 {
			m := e.Members[e.W.Rand.IntN(3)]
			if round == 0 {
				m = e.leader()
			}
			name := HostName(m.ID)
			if round%2 == 1 {
				name = SecondName(m.ID)
			}
			e.W.CutAddr(name)
			e.W.Run(10 * e.tick)
			if round == 3 {
				m.M.EndIn(0, true)
				e.rebootIn(m, time.Second)
			}
			if took := e.rejoin(); took > bound {
				t.Errorf("seed %d: %v after %s was cut off all were well, want within %v", seed, took, name, bound)
			}
			e.W.HealAddr(name)
			e.rejoin()
		}
		e.settled(t)
	}
}

// A server's machine ends without a word, so that the others are left with connections to
// nowhere, and comes back at the same or another address, which the name server tells at
// once or later. It is a member again soon (quorum.md R23, kubernetes.md 4.1).
func TestAMachineComesBackElsewhere(t *testing.T) {
	worst := time.Duration(0)
	for seed := uint64(1); seed <= 20; seed++ {
		e := calmEnsemble(seed)
		bound := 4*time.Second + 30*e.tick
		for round := range 6 {
			m := e.Members[e.W.Rand.IntN(3)]
			if round%3 == 0 {
				m = e.leader()
			}
			m.M.PowerOff()
			e.W.Run(time.Duration(e.W.Rand.Int64N(int64(12 * e.tick))))
			stale := time.Duration(0)
			what := "with the same address"
			if round%2 == 1 {
				stale = time.Duration(e.W.Rand.IntN(3)) * time.Second
				what = fmt.Sprintf("with another address, known %v later", stale)
				e.W.Move(m.M, stale)
			}
			m.M.Boot()
			took := e.rejoin()
			worst = max(worst, took-stale)
			if took > bound+stale {
				t.Errorf("seed %d: server %d came back %s, and all were well after %v, want within %v", seed, m.ID, what, took, bound+stale)
			}
		}
		e.settled(t)
	}
	t.Logf("at worst after %v", worst)
}

// A server without data is brought up to date by a snapshot, which the leader does not time,
// when its machine ends without a word. The dead connection does not keep it out for long
// when it is back elsewhere (quorum.md R17, R23).
func TestAMachineEndsWhileASnapshotComes(t *testing.T) {
	amid := 0
	for seed := uint64(1); seed <= 10; seed++ {
		e := calmEnsemble(seed)
		bound := 4*time.Second + 30*e.tick
		for range 8 {
			m := e.Members[e.W.Rand.IntN(3)]
			if m == e.leader() {
				m = e.Members[int(m.ID)%3]
			}
			m.M.PowerOff()
			m.M.Wipe()
			m.M.Boot()
			e.W.Run(time.Duration(e.W.Rand.Int64N(int64(40 * time.Millisecond))))
			m.M.PowerOff()
			amid += e.halfOpen(m)
			e.W.Move(m.M, 0)
			m.M.Boot()
			if took := e.rejoin(); took > bound {
				t.Errorf("seed %d: server %d came back elsewhere, and all were well after %v, want within %v", seed, m.ID, took, bound)
			}
		}
		e.settled(t)
	}
	if amid < 10 {
		t.Errorf("the leader was left with %d connections, want some", amid)
	}
}

// halfOpen counts the connections of the leader's quorum port that lead to a machine which
// is not there.
func (e *Ensemble) halfOpen(m *Member) (n int) {
	for _, o := range e.W.ends {
		if o.state != closed && o.local.Port() == quorumPort && o.peer.m == m.M {
			n++
		}
	}
	return n
}
