package sim

import (
	"testing"
	"time"
)

// Two of three servers lose power in the middle of writes. The third, sooner or later
// restarted too, serves readers what is known to be committed and nothing else: that is
// checked at every reply (quorum.md R25, INV-O9). Then all come back and agree.
//
// All clients try that one server, and some are content with reading: so one is let in.
// A restarted server lets none in if it went down before it noticed that it was alone,
// since it had not noted what is committed.
func TestReadersWithoutALeader(t *testing.T) {
	again := 0
	for seed := uint64(1); seed <= 30; seed++ {
		e := calmEnsembleWith(seed, realNode, func(s *Settings) { s.Local, s.ReadOnly = true, true })
		if e.readersAt(e.Members[e.W.Rand.IntN(3)], false) == 0 {
			t.Errorf("seed %d: nobody was served without a leader", seed)
		}
		if e.readersAt(e.Members[e.W.Rand.IntN(3)], true) > 0 {
			again++
		}
		e.Load.steady = true
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		}
	}
	if again < 20 {
		t.Errorf("only %d restarted servers of 30 served anybody without a leader", again)
	}
}

// readersAt leaves one server alone for a while, restarted in it or not, and returns how
// many read-only sessions that brings. Clients drop their sessions once it looks for a
// leader: one that is of the ensemble, or may have become so, waits for a leader.
func (e *Ensemble) readersAt(last *Member, restart bool) int {
	before := e.Load.Seen["a read-only session had"]
	for _, m := range e.Members {
		if m != last {
			m.M.EndIn(0, true)
		}
	}
	if restart {
		e.W.Run(time.Second + time.Duration(e.W.Rand.Int64N(int64(3*time.Second))))
		last.M.EndIn(0, true)
		e.W.After(time.Second, last.M.Boot)
	}
	for range 40 {
		if e.O.views[last.ID].established {
			e.W.Run(e.tick)
		}
	}
	for _, c := range e.Clients {
		all := c.servers
		c.servers = []string{ClientAddr(last.ID)}
		e.W.After(time.Duration(e.W.Rand.Int64N(int64(3*time.Second))), c.abandon)
		defer func() { c.servers = all }()
	}
	e.W.Run(8 * time.Second)
	for _, m := range e.Members {
		if m != last {
			e.W.After(0, m.M.Boot)
		}
	}
	e.W.Run(3 * time.Second)
	e.recover()
	return e.Load.Seen["a read-only session had"] - before
}
