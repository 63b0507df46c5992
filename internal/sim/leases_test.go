package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"ostler/internal/zk"
)

// leaseWorld is three servers with a client each that has an ephemeral, does nothing but
// show signs of life, and knows one server only. Sessions end after so many ticks of silence.
func leaseWorld(t *testing.T, seed uint64, ticks int) *Ensemble {
	t.Helper()
	e := newCalm(seed, realNode, 3, func(s *Settings) { s.Charged, s.Local, s.ReadOnly = false, false, false })
	for i := len(e.Clients); i < 4; i++ {
		e.addClient(i)
	}
	for _, c := range e.Clients {
		c.asked = int32(time.Duration(ticks) * e.tick / time.Millisecond)
	}
	e.begin()
	for i, c := range e.Clients {
		c.quiet = true
		c.servers = []string{ClientAddr(e.Members[i%3].ID)}
		if c.stream != nil {
			c.stream.Close()
		}
	}
	e.W.Run(4 * e.tick)
	for i, c := range e.Clients {
		e.Load.createNode(c, leasePath(i), zk.ModeEphemeral, nil)
	}
	e.W.Run(time.Second)
	for i, c := range e.Clients {
		if c.server != c.servers[0] || e.O.model.now(leasePath(i)).stat.EphemeralOwner != c.session {
			t.Fatalf("seed %d: %s is at %s without its ephemeral", seed, c.name, c.server)
		}
	}
	return e
}

func leasePath(i int) string { return fmt.Sprintf("%s/lease%d", ephemeralDir, i) }

// stopped lets a member stand still for twice the time after which sessions end. The
// last client is gone at the beginning of that: its session must end in time, since only
// what was stood still is credited (INV-S5).
func (e *Ensemble) stopped(t *testing.T, m *Member) {
	t.Helper()
	w, leader, timeout := e.W, e.leader(), 2*e.tick
	gone := e.Clients[len(e.Clients)-1]
	lost := gone.session
	gone.stopped = true
	gone.abandon()
	var before []zk.SessionID
	for _, c := range e.Clients {
		before = append(before, c.session)
	}
	m.M.Pause(2 * timeout)
	w.Run(2*timeout + timeout + 2*e.tick)
	if _, closed := e.O.model.closed[lost]; !closed {
		t.Errorf("seed %d: session %v of the client that is gone lives %v after the pause", w.Seed(), lost, timeout+2*e.tick)
	}
	w.Run(4 * timeout)
	if e.leader() != leader {
		t.Errorf("seed %d: the leader has changed", w.Seed())
	}
	if e.O.credited == 0 {
		t.Errorf("seed %d: nothing was credited", w.Seed())
	}
	for i, c := range e.Clients[:len(e.Clients)-1] {
		if c.session != before[i] || e.O.model.now(leasePath(i)).stat.EphemeralOwner != c.session {
			t.Errorf("seed %d: %s lost its session at %s: %v, before %v", w.Seed(), c.name, c.server, c.session, before[i])
		}
	}
	if f := w.Failure(); f != nil {
		t.Errorf("seed %d: %.600s", w.Seed(), f.Error())
	}
}

// The leader stands still: its own clients and those of others keep their sessions.
func TestALeaderThatStandsStillCostsNoSession(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		e := leaseWorld(t, seed, 2)
		e.stopped(t, e.leader())
	}
}

// A learner stands still: its clients keep their sessions, too.
func TestALearnerThatStandsStillCostsNoSession(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		e := leaseWorld(t, seed, 2)
		leader := e.leader()
		for _, m := range e.Members {
			if m != leader {
				e.stopped(t, m)
				break
			}
		}
	}
}

// A learner dies. Its clients find another server late, but within their timeout, counted
// from when the first could not hear them any more: they keep their sessions.
func TestALostLearnerCostsNoSession(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		e := leaseWorld(t, seed, 6)
		lost, leader := e.Members[0], e.leader()
		if lost == leader {
			lost = e.Members[1]
		}
		e.W.Run(time.Duration(seed) * e.tick * 2 / 7)
		lost.M.Kill()
		back := e.W.Now() + e.tick*58/10
		e.W.Run(10 * time.Millisecond)
		before := make(map[*Client]zk.SessionID)
		for _, c := range e.Clients {
			if c.server == ClientAddr(lost.ID) {
				c.servers, c.nextTry = []string{ClientAddr(leader.ID)}, back
				before[c] = c.session
			}
		}
		e.W.Run(10 * e.tick)
		for i, c := range e.Clients {
			if want, ok := before[c]; ok && (c.session != want || e.O.model.now(leasePath(i)).stat.EphemeralOwner != want) {
				t.Errorf("seed %d: %s lost its session with server %d: %v, before %v", seed, c.name, lost.ID, c.session, want)
			}
		}
		if f := e.W.Failure(); f != nil || len(before) == 0 {
			t.Errorf("seed %d: %d clients, failure %v", seed, len(before), f)
		}
	}
}

// The machine of a learner ends without a word and comes back elsewhere. A client that
// takes long to notice talks on to the address that nobody has: nobody hears it, and its
// session ends in time (INV-S5), though the learner is back and follows the leader.
func TestWhoTalksToAMachineThatIsGoneIsNotHeard(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		e := leaseWorld(t, seed, 10)
		lost, leader := e.Members[0], e.leader()
		if lost == leader {
			lost = e.Members[1]
		}
		lost.M.PowerOff()
		e.W.Move(lost.M, 0)
		lost.M.Boot()
		var gone []zk.SessionID
		for _, c := range e.Clients {
			if c.server == ClientAddr(lost.ID) {
				c.stream.SetReadTimeout(time.Hour)
				gone = append(gone, c.session)
			}
		}
		e.W.Run(14*e.tick + 2*time.Second) // the timeout of a link, and that of the sessions
		if v := e.O.views[lost.ID]; !v.established {
			t.Errorf("seed %d: server %d is not back", seed, lost.ID)
		}
		for _, id := range gone {
			if _, closed := e.O.model.closed[id]; !closed {
				t.Errorf("seed %d: session %v lives, though nobody heard its client", seed, id)
			}
		}
		if f := e.W.Failure(); f != nil || len(gone) == 0 {
			t.Errorf("seed %d: %d clients, failure %v", seed, len(gone), f)
		}
	}
}

// A client moves on from a learner, which stands still afterwards. What the client does
// not say any more that learner cannot have heard: its session ends in time (INV-S5).
func TestAServerThatAClientHasLeftKeepsNoSession(t *testing.T) {
	for seed := uint64(1); seed <= 10; seed++ {
		e := leaseWorld(t, seed, 6)
		left, leader := e.Members[0], e.leader()
		if left == leader {
			left = e.Members[1]
		}
		var gone []zk.SessionID
		for _, c := range e.Clients {
			if c.server == ClientAddr(left.ID) {
				c.servers = []string{ClientAddr(leader.ID)}
				c.stream.Close()
				gone = append(gone, c.session)
			}
		}
		e.W.Run(2 * e.tick)
		for _, c := range e.Clients {
			if slices.Contains(gone, c.session) {
				if c.state != online || c.server != ClientAddr(leader.ID) {
					t.Fatalf("seed %d: %s has not come to %s", seed, c.name, leader.M.Name())
				}
				c.stopped = true
				c.abandon()
			}
		}
		left.M.Pause(3 * e.tick)
		e.W.Run(8 * e.tick)
		for _, id := range gone {
			if _, closed := e.O.model.closed[id]; !closed {
				t.Errorf("seed %d: session %v lives for longer than its timeout", seed, id)
			}
		}
		if f := e.W.Failure(); f != nil || len(gone) == 0 {
			t.Errorf("seed %d: %d clients, failure %v", seed, len(gone), f)
		}
	}
}
