package sim

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// T-261, R15: a voter that has the last transaction loses its disk, while another one
// lacks it and the leader is gone. The two must not elect each other, however
// long they wait; with the leader all is well again.
func TestT261AWipedVoterDoesNotElect(t *testing.T) {
	for seed := uint64(1); seed <= 6; seed++ {
		e := calmEnsembleWith(seed, realNode, global)
		leader, rest := e.leads(t)
		wiped, lacking := rest[0], rest[1]
		e.settleAt(e.Clients[0], leader)
		e.recover()
		e.silence(true)
		e.W.Run(500 * time.Millisecond)
		e.part(leader, lacking)
		e.Load.create(e.Clients[0])
		if !e.runUntil(time.Second, func() bool { return wiped.logEnd() > lacking.logEnd() && e.O.Last() > lacking.logEnd() }) {
			t.Fatalf("seed %d: nothing was committed", seed)
		}
		leader.M.PowerOff()
		wiped.M.PowerOff()
		wiped.M.Wipe()
		wiped.M.Boot()
		lacking.M.Kill()
		lacking.M.Boot()
		e.W.Run(20 * time.Second)
		if l := e.leader(); l != nil && l.M.Running() {
			t.Errorf("seed %d: server %d leads without the last transaction", seed, l.ID)
		}
		for _, c := range e.Clients {
			e.settleAt(c, e.Members...)
		}
		e.end(t, "")
	}
}

// T-ROLE, R11: links are lost while very many commits are queued, at servers whose disks
// are slow. The old role is over, all of it, before the new one reads anything.
func TestTROLEWithAFullQueue(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		e := calmEnsembleWith(seed, realNode, global)
		leader, rest := e.leads(t)
		p := planter{leader: leader.M.Server().(*realServer), session: zk.SessionID(0x7e << 56)}
		for _, m := range rest {
			m.M.disk.Slow = 20 * int(1+seed%5)
		}
		e.W.After(0, func() {
			p.submit(zk.OpCreateSession, nil)
			for i := range 2000 {
				p.submit(zk.OpCreate, wire.CreateRequest{Path: "/many" + strconv.Itoa(i), ACL: zk.OpenACL()})
			}
		})
		for range 4 {
			e.W.Run(time.Duration(e.W.Rand.Int64N(int64(60 * time.Millisecond))))
			for _, a := range e.Members {
				for _, b := range e.Members {
					e.W.ResetConnections(a.M, b.M, 1)
				}
			}
		}
		for _, m := range rest {
			m.M.disk.repair()
		}
		e.end(t, "")
	}
}

// T-RECONF, R14: the quorums before and after a change have one server in common. The
// leader ends before, while or after it tells, or the old majority is cut off.
func TestTRECONFLeaderEnds(t *testing.T) {
	made := 0
	for n := range 24 {
		e := newCalm(uint64(n+1), realNode, 5, func(s *Settings) { s.Reconfig, s.Local, s.ReadOnly = true, false, false })
		for i, m := range e.Members {
			m.setup.Servers = []zk.ServerID{1, 2, 3}
			if i >= 3 {
				m.setup.Servers = append(m.setup.Servers, m.ID)
			}
		}
		e.begin()
		o := &organiser{e: e, session: 0x7e << 56}
		leader := e.leader()
		others := slices.DeleteFunc([]zk.ServerID{1, 2, 3}, func(id zk.ServerID) bool { return id == leader.ID })
		if n%4 == 1 { // the leader goes too, to the one that stays
			others[0] = leader.ID
		}
		o.join(leader, 4)
		e.W.Run(2 * time.Second)
		leader = e.leader()
		o.join(leader, 5)
		e.W.Run(2 * time.Second)
		leader = e.leader()
		o.submit(leader, wire.ReconfigRequest{Leaving: strconv.Itoa(int(others[0])) + "," + strconv.Itoa(int(others[1]))})
		e.W.Run(time.Duration(n) * 150 * time.Microsecond)
		if n%3 == 2 {
			for _, a := range others {
				for _, m := range e.Members {
					e.part(e.Members[a-1], m)
				}
			}
		} else {
			leader.M.EndIn(0, n%2 == 0)
		}
		e.W.Run(4 * time.Second)
		made += o.e.O.changes()
		e.end(t, n)
		for _, m := range e.Members {
			if c := membersAt(m); c == nil || c.Next != nil {
				t.Errorf("run %d: server %d has a pending configuration", n, m.ID)
			}
		}
	}
	if made < 24 {
		t.Errorf("%d changes were committed, want many", made)
	}
}

// join adds a server.
func (o *organiser) join(leader *Member, id zk.ServerID) {
	o.submit(leader, wire.ReconfigRequest{Joining: "server." + strconv.Itoa(int(id)) + "=" + HostName(id) + ":2888:3888;" + ClientAddr(id)})
}

// R21: a server that writes a snapshot of its own has nothing in it that is not
// committed, although leaders die with a tail and the limit is reached by it.
func TestR21SnapshotsHoldWhatIsCommitted(t *testing.T) {
	seen := 0
	for seed := uint64(1); seed <= 4; seed++ {
		e := newCalm(seed, realNode, 3, global)
		e.keepAll()
		for _, m := range e.Members {
			m.setup.SnapCount = 8
		}
		e.begin()
		for range 2 {
			old, _ := e.withTail(t, false)
			old.M.Boot()
			for range 30 {
				e.W.Run(10 * time.Millisecond)
				seen += e.checkSnapshots(t)
			}
			e.W.HealAll()
			e.recover()
		}
		e.end(t, "")
	}
	if seen == 0 {
		t.Error("nobody wrote a snapshot")
	}
}

// checkSnapshots holds the snapshots on disk against the history, and counts them.
func (e *Ensemble) checkSnapshots(t *testing.T) (n int) {
	t.Helper()
	for _, m := range e.Members {
		for _, z := range m.snapshots() {
			if z.Counter() == 0 {
				continue
			}
			if n++; e.O.entry(z) == nil {
				t.Fatalf("seed %d: server %d has a snapshot at %v, which is not committed; the history ends at %v",
					e.W.Seed(), m.ID, z, e.O.Last())
			}
		}
	}
	return n
}

// R22: a leader is established without writing a snapshot first, though its log is
// long since the last one.
func TestR22NoSnapshotOnTheWayToLeading(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		e := newCalm(seed, realNode, 3, global)
		for _, m := range e.Members {
			m.setup.SnapCount = 1_000_000
		}
		e.begin()
		e.W.Run(2 * time.Second)
		e.silence(true)
		e.W.Run(500 * time.Millisecond)
		old, rest := e.leads(t)
		before := [][]zk.Zxid{rest[0].snapshots(), rest[1].snapshots()}
		old.M.PowerOff()
		if !e.runUntil(20*time.Second, func() bool { return e.succeeded(old, rest) }) {
			t.Fatalf("seed %d: no other leader: %s", seed, e.state())
		}
		for i, m := range rest {
			if got := m.snapshots(); !slices.Equal(got, before[i]) {
				t.Errorf("seed %d: server %d has snapshots %v before it serves, had %v", seed, m.ID, got, before[i])
			}
		}
		e.end(t, "")
	}
}

// R27: wall clocks go wrong by up to an hour, all the time and everywhere. Nobody
// notices: nothing is lost, and the leader stays.
func TestR27WallClocksDoNotMatter(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		e := calmEnsembleWith(seed, realNode, global)
		epoch := e.O.newest
		for range 50 {
			for _, m := range e.W.machines {
				m.JumpWall(time.Duration(e.W.Rand.Int64N(int64(2*time.Hour))) - time.Hour)
			}
			e.W.Run(100 * time.Millisecond)
		}
		if e.O.newest != epoch {
			t.Errorf("seed %d: epoch %d was given up for %d", seed, epoch, e.O.newest)
		}
		e.end(t, "")
	}
}
