package sim

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ostler/internal/prep"
	"ostler/internal/zk"
)

// A leader that was cut off has a tail that nobody else has. It leads again, and sends a
// snapshot with that tail to one server, but dies before a quorum has taken its
// history over. The others go on without the tail. Both come back and are told to
// truncate: the tail must be gone from their logs, their snapshots and their trees
// (quorum.md R3, T-1549/4837, 7.4-A; disk.md R-28).
func TestATailInASnapshotIsCutOff(t *testing.T) {
	truncated := 0
	for seed := uint64(1); seed <= 30; seed++ {
		var trace bytes.Buffer
		w := New(Options{Seed: seed, Trace: &trace})
		tailInSnapshot(t, newEnsemble(w, realNode, 5))
		if f := w.Failure(); f != nil {
			t.Errorf("seed %d: %.600s", seed, f.Error())
		}
		if strings.Contains(trace.String(), "by=TRUNC") {
			truncated++
		}
	}
	if truncated < 24 {
		t.Errorf("only %d runs of 30 came to a TRUNC", truncated)
	}
}

func tailInSnapshot(t *testing.T, e *Ensemble) {
	t.Helper()
	e.Plan.faults = nil
	for _, m := range e.Members {
		m.setup.CommitLog = 5 // a learner that was away for longer gets a snapshot
		m.M.Boot()
	}
	for _, c := range e.Clients {
		e.W.names[c.name].Boot()
	}
	e.supervise()
	e.recover()
	leader, rest := e.leads(t)
	lagging, promising, others := rest[0], rest[1], rest[1:]

	lagging.M.PowerOff()
	e.W.Run(time.Second)
	for _, m := range others {
		e.W.Cut(leader.M, m.M)
		e.W.Cut(m.M, leader.M)
	}
	// The tail grows by one at least, also without a client at this server.
	leader.M.Server().(*realServer).Replica().Submit(&prep.Request{
		Session: 0x7e << 56, Cxid: 1, Op: zk.OpCreateSession, Timeout: 3_600_000,
	})
	e.W.Run(150 * time.Millisecond)

	rest[2].M.PowerOff()
	rest[3].M.PowerOff()
	e.W.HealAll()
	cutClients(e)
	// It promises the epoch, which takes five file calls, and dies before it logs.
	promising.M.PowerOff()
	promising.M.Boot()
	promising.M.CrashAtFileCall(6, true)
	lagging.M.Boot()
	for range 20_000 {
		if !promising.M.Running() {
			break
		}
		e.W.Run(time.Millisecond)
	}
	e.W.Run(100 * time.Millisecond) // the snapshot is taken over

	leader.M.PowerOff()
	lagging.M.PowerOff()
	for _, m := range others {
		m.M.Boot() // unless it has come back by itself
	}
	e.W.Run(time.Millisecond) // what the servers were before is over
	for range 20_000 {
		if e.established(others) {
			break
		}
		e.W.Run(time.Millisecond)
	}
	// Before a transaction of the new epoch, such as the end of a session.
	leader.M.Boot()
	lagging.M.Boot()
	e.W.Run(40 * e.tick)

	e.W.HealAll()
	e.recover()
	e.Load.steady = true
	e.W.Run(time.Second)
	e.rest()
	e.finish()
}

// established reports whether all of them serve.
func (e *Ensemble) established(members []*Member) bool {
	for _, m := range members {
		if !m.M.Running() || !e.O.views[m.ID].established {
			return false
		}
	}
	return true
}

// leads returns the leader and the others.
func (e *Ensemble) leads(t *testing.T) (leader *Member, rest []*Member) {
	t.Helper()
	for _, m := range e.Members {
		if v := e.O.views[m.ID]; m.M.Running() && v.established && e.O.leaders[v.epoch] == m.ID {
			leader = m
		} else {
			rest = append(rest, m)
		}
	}
	if leader == nil {
		t.Fatal("nobody leads")
	}
	return leader, rest
}

// cutClients keeps all clients away from all servers.
func cutClients(e *Ensemble) {
	for _, c := range e.Clients {
		for _, m := range e.Members {
			e.W.Cut(e.W.names[c.name], m.M)
			e.W.Cut(m.M, e.W.names[c.name])
		}
	}
}
