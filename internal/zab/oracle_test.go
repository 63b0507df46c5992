package zab

import (
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// leadAlone takes server 1 of so many voters as far as the oracle's word takes it, and
// commits one transaction if it is established.
func leadAlone(t *testing.T, voters int, until, now time.Time) *Leader {
	t.Helper()
	o := leaderOptions()
	o.Self, o.Config = 1, traceConfig(voters, 0)
	var out Output
	l := NewLeader(o, now, &out)
	l.Step(now, Oracle{Until: until}, &out)
	for len(out.Persist) > 0 {
		p := out.Persist[0]
		out.Persist = out.Persist[1:]
		l.Step(now, Persisted{p}, &out)
	}
	if !l.Established() {
		return l
	}
	z := l.NextZxid()
	l.Step(now, Propose{Record: record(z, 1)}, &out)
	l.Step(now, Durable{Zxid: z}, &out)
	if l.Committed() != z {
		t.Errorf("of %d voters, alone: committed up to %v, want %v", voters, l.Committed(), z)
	}
	return l
}

// The oracle's word makes one of two voters a quorum while it holds, and none of more
// (quorum.md 1.5, 4.17).
func TestAnOracleStandsInForOneOfTwo(t *testing.T) {
	now := time.Unix(1000, 0)
	soon := now.Add(time.Minute)
	for _, test := range []struct {
		voters int
		until  time.Time
		want   bool
	}{{2, soon, true}, {2, time.Time{}, false}, {2, now, false}, {3, soon, false}} {
		if got := leadAlone(t, test.voters, test.until, now).Established(); got != test.want {
			t.Errorf("one of %d voters, word until %v: established %v, want %v", test.voters, test.until, got, test.want)
		}
	}
}

// A leader goes on alone as long as the word holds, and not a moment longer.
func TestALeaderOutlivesTheOraclesWordByNothing(t *testing.T) {
	now := time.Unix(1000, 0)
	l := leadAlone(t, 2, now.Add(time.Minute), now)
	var out Output
	for at := now; at.Before(now.Add(time.Minute)); at = at.Add(l.o.Tick / 2) {
		l.Step(at, Tick{}, &out)
	}
	if out.StepDown != "" {
		t.Fatalf("stepped down while the word holds: %s", out.StepDown)
	}
	z := l.NextZxid()
	l.Step(now.Add(time.Minute), Propose{Record: record(z, 1)}, &out)
	l.Step(now.Add(time.Minute), Durable{Zxid: z}, &out)
	if l.Committed() == z {
		t.Error("committed alone when the word had ended")
	}
	l.Step(now.Add(time.Minute+l.o.Tick), Tick{}, &out)
	l.Step(now.Add(time.Minute+2*l.o.Tick), Tick{}, &out)
	if out.StepDown == "" {
		t.Error("leads on without a quorum")
	}
}

// Once the other voter has joined, it is needed, whatever the oracle says.
func TestBothOfAPairAreNeededWhenTheyAreThere(t *testing.T) {
	now := time.Unix(1000, 0)
	l := leadAlone(t, 2, now.Add(time.Hour), now)
	last := l.Committed()
	var out Output
	for _, in := range []Input{
		LinkUp{Link: 2},
		Received{Link: 2, Packet: peerwire.Packet{
			Type: peerwire.FollowerInfo, Zxid: zk.MakeZxid(l.Epoch()-1, 0),
			Data: peerwire.LearnerInfo{ServerID: 2, Protocol: peerwire.ProtocolVersion}.Append(nil),
		}},
		Received{Link: 2, Packet: peerwire.Packet{Type: peerwire.AckEpoch, Zxid: last, Data: []byte{0, 0, 0, 1}}},
		Received{Link: 2, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: l.start()}},
	} {
		l.Step(now, in, &out)
	}
	z := l.NextZxid()
	l.Step(now, Propose{Record: record(z, 1)}, &out)
	l.Step(now, Durable{Zxid: z}, &out)
	if l.Committed() != last {
		t.Fatal("committed without the follower")
	}
	if ack(l, now, 2, z); l.Committed() != z {
		t.Error("not committed with the follower")
	}
}
