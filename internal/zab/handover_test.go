package zab

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A leader that is asked to goes, and a follower that has everything leads at once: no
// election, no lost transaction.
func TestHandOver(t *testing.T) {
	w := ensembleOf(t, span(2), span(2), span(2))
	w.begin(1, 2, 3)
	w.untilLeader(3, 2)
	w.propose(w.node(3), 5)
	w.node(3).step(HandOver{Away: true})
	w.until(200*time.Millisecond, "a follower leading", func() bool {
		n := w.leader()
		return n != nil && n.id != 3 && n.w.syncedCount(n.leader) == 2
	})
	if len(w.committed) != 7 || w.stats.handovers != 1 {
		t.Errorf("%d committed in %d hand-overs, want 7 in 1", len(w.committed), w.stats.handovers)
	}
}

// handOverOf is an established leader with follower 1, which knows HANDOVER or does
// not, and a transaction under way.
func handOverOf(t *testing.T, able bool) (*Leader, time.Time, *Output) {
	t.Helper()
	l, now := established(t, leaderOptions())
	l.peers[1].able = able
	var out Output
	l.Step(now, Propose{Record: record(l.NextZxid(), 1)}, &out)
	l.Step(now, Durable{l.history.Last()}, &out)
	out.Reset()
	return l, now, &out
}

func ackOf(l *Leader) Received {
	return Received{Link: 1, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: l.history.Last()}}
}

// Nothing is told before all that is under way is committed.
func TestHandOverWaitsForWhatIsUnderWay(t *testing.T) {
	l, now, out := handOverOf(t, true)
	l.Step(now, HandOver{Away: true}, out)
	if len(out.Send) != 0 || out.StepDown != "" || !l.HandingOver() {
		t.Fatalf("sent %+v, step down %q; want that it waits", out.Send, out.StepDown)
	}
	l.Step(now, ackOf(l), out)
	if out.Designated != 1 || len(out.Send) != 2 || out.Send[0].Packet.Type != peerwire.Commit {
		t.Fatalf("designated %d, sent %+v; want COMMIT, then HANDOVER to 1", out.Designated, out.Send)
	}
	p := out.Send[1].Packet
	if p.Type != peerwire.HandOver || p.Zxid != l.history.Last() || binary.BigEndian.Uint64(p.Data) != 1 {
		t.Errorf("sent %+v, want HANDOVER to 1 at %v", p, l.history.Last())
	}
}

// What is over has no time to wait for: its shell may keep the role a while longer.
func TestAnEndedRoleWaitsForNoTime(t *testing.T) {
	l, now, out := handOverOf(t, true)
	l.Step(now, HandOver{Away: true}, out)
	l.Step(now.Add(handOverTime), Tick{}, out)
	l.Step(now.Add(handOverTime), Tick{}, out)
	if !out.WakeAt.IsZero() {
		t.Errorf("a leader that has resigned wants to be woken at %v", out.WakeAt)
	}
	f := &Learner{o: leaderOptions(), link: 7, phase: following, seen: 1, history: NewHistory(1)}
	*out = Output{}
	f.Step(now, LinkDown{Link: 7}, out)
	f.Step(now, Tick{}, out)
	if !out.WakeAt.IsZero() {
		t.Errorf("a learner that has left wants to be woken at %v", out.WakeAt)
	}
}

// It does not wait for ever.
func TestHandOverEndsInTime(t *testing.T) {
	l, now, out := handOverOf(t, true)
	l.Step(now, HandOver{Away: true}, out)
	if !out.WakeAt.Equal(now.Add(handOverTime)) {
		t.Errorf("wake at %v, want %v", out.WakeAt, now.Add(handOverTime))
	}
	l.Step(now.Add(handOverTime), Tick{}, out)
	if out.Designated != 0 || !strings.Contains(out.StepDown, "not committed in time") {
		t.Errorf("designated %d, step down %q; want nobody, and why", out.Designated, out.StepDown)
	}
}

// Followers of ZooKeeper have to find the leader by an election, so it takes enough
// Ostlers for one to lead without.
func TestHandOverNeedsAQuorumThatKnowsIt(t *testing.T) {
	for _, tc := range []struct {
		name string
		able bool
		how  HandOver
		want zk.ServerID
	}{
		{"to another, with this server's vote", true, HandOver{Away: true}, 1},
		{"of a leaving server, whose vote is missing", true, HandOver{Leaving: true}, 0},
		{"to the next epoch of the same leader", true, HandOver{}, 3},
		{"to a follower of ZooKeeper", false, HandOver{Away: true}, 0},
	} {
		l, now, out := handOverOf(t, tc.able)
		l.Step(now, ackOf(l), out)
		l.Step(now, tc.how, out)
		if out.Designated != tc.want || out.StepDown == "" {
			t.Errorf("%s: designated %d, step down %q; want %d at once", tc.name, out.Designated, out.StepDown, tc.want)
		}
	}
}

// When the counter of an epoch is used up, the same leader begins the next, and nobody
// waits for an election (T-1277, R13).
func TestRolloverWithoutAnElection(t *testing.T) {
	for _, limit := range []uint32{0, 500} {
		last := uint32(counterLast)
		if limit != 0 {
			last = limit
		}
		l, now, out := handOverOf(t, true)
		l.o.LastCounter = limit
		l.history.Reset(zk.MakeZxid(2, last-1)) // as after so many transactions
		l.committed, l.durable = l.history.Last(), l.history.Last()
		l.Step(now, Propose{Record: record(l.NextZxid(), 2)}, out)
		if !l.HandingOver() || out.StepDown != "" {
			t.Fatalf("handing over %v, step down %q; want that it waits for the commit", l.HandingOver(), out.StepDown)
		}
		l.Step(now, Durable{l.history.Last()}, out)
		l.Step(now, ackOf(l), out)
		if out.Designated != 3 || !strings.Contains(out.StepDown, "used up") || l.committed.Counter() != last {
			t.Errorf("designated %d at %v, step down %q; want 3 when all is committed", out.Designated, l.committed, out.StepDown)
		}
	}
}

// A server that nobody follows though it was appointed ends soon: the others look for
// a leader, and cannot find it by an election.
func TestAnAppointedLeaderDoesNotWaitLong(t *testing.T) {
	o := leaderOptions()
	o.Appointed = true
	now := time.Unix(1000, 0)
	var out Output
	l := NewLeader(o, now, &out)
	l.Step(now.Add(appointedTime), Tick{}, &out)
	if out.StepDown != leaderWaits[discovering] {
		t.Errorf("step down %q, want %q", out.StepDown, leaderWaits[discovering])
	}
}

// A learner goes to the leader that is named, but only with all that was committed.
func TestALearnerIsHandedOver(t *testing.T) {
	for _, tc := range []struct {
		name string
		zxid zk.Zxid
		to   []byte
		want zk.ServerID
	}{
		{"", 0x100000001, []byte{0, 0, 0, 0, 0, 0, 0, 1}, 1},
		{"a commit is missing", 0x100000002, []byte{0, 0, 0, 0, 0, 0, 0, 1}, 0},
		{"no voter", 0x100000001, []byte{0, 0, 0, 0, 0, 0, 0, 9}, 0},
		{"no id", 0x100000001, nil, 0},
	} {
		l := &Learner{o: leaderOptions(), link: 7, phase: following, seen: 0x100000001, history: NewHistory(0x100000001)}
		var out Output
		l.Step(time.Unix(1000, 0), Received{Link: 7, Packet: peerwire.Packet{Type: peerwire.HandOver, Zxid: tc.zxid, Data: tc.to}}, &out)
		if out.Designated != tc.want || out.StepDown == "" {
			t.Errorf("%s: designated %d, step down %q; want %d", tc.name, out.Designated, out.StepDown, tc.want)
		}
	}
}
