package zab

import (
	"strings"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// established returns a leader of three in epoch 2 that follower 1 follows.
func established(t testing.TB, o Options) (*Leader, time.Time) {
	t.Helper()
	now := time.Unix(1000, 0)
	var out Output
	l := NewLeader(o, now, &out)
	for _, in := range []Input{
		LinkUp{Link: 1},
		Received{Link: 1, Packet: peerwire.Packet{
			Type: peerwire.FollowerInfo, Zxid: 0x100000000,
			Data: peerwire.LearnerInfo{ServerID: 1, Protocol: peerwire.ProtocolVersion}.Append(nil),
		}},
		Persisted{Persist{AcceptedEpoch, 2}},
		Received{Link: 1, Packet: peerwire.Packet{Type: peerwire.AckEpoch, Zxid: o.History.Last(), Data: []byte{0, 0, 0, 1}}},
		Persisted{Persist{CurrentEpoch, 2}},
		Received{Link: 1, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: 0x200000000}},
	} {
		l.Step(now, in, &out)
	}
	if !l.Established() {
		t.Fatalf("not established: %+v", out)
	}
	return l, now
}

func leaderOptions() Options {
	return Options{
		Self: 3, Config: traceConfig(3, 0), Tick: 2 * time.Second, InitLimit: 10, SyncLimit: 5,
		Accepted: 1, Current: 1, History: NewHistory(0x100000005),
	}
}

// TestCounterRollover: T-1277, R13. 0xfffffffe is the last counter of an epoch. What
// was proposed is committed, then the leader goes; the next one has a new epoch, so
// no zxid is given twice.
func TestCounterRollover(t *testing.T) {
	o := leaderOptions()
	l, now := established(t, o)
	l.history.Reset(zk.MakeZxid(2, 1<<32-4)) // as after four billion transactions
	l.committed = l.history.Last()
	var out Output
	for range 2 {
		l.Step(now, Propose{Record: record(l.NextZxid(), 1)}, &out)
	}
	last := l.history.Last()
	if last.Counter() != 1<<32-2 || out.StepDown != "" {
		t.Fatalf("last %v, step down %q; want counter 0xfffffffe, and that it goes on", last, out.StepDown)
	}
	out.Reset()
	l.Step(now, Durable{last}, &out)
	l.Step(now, Received{Link: 1, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: last}}, &out)
	if len(out.Deliver) != 1 || out.Deliver[0].Commit != last {
		t.Errorf("delivered %+v, want %v", out.Deliver, last)
	}
	if !strings.Contains(out.StepDown, "used up") {
		t.Errorf("step down %q, want that the counter is used up", out.StepDown)
	}
}

// A proposal beyond the last counter is not logged, whatever the shell does.
func TestNoProposalBeyondTheLastCounter(t *testing.T) {
	l, now := established(t, leaderOptions())
	l.history.Reset(zk.MakeZxid(2, 1<<32-2))
	var out Output
	l.Step(now, Propose{Record: record(l.NextZxid(), 1)}, &out)
	if len(out.Append) != 0 || out.StepDown == "" {
		t.Errorf("appended %d, step down %q; want 0 and a reason", len(out.Append), out.StepDown)
	}
}

// TestLastEpoch: the epoch after 0x7fffffff does not exist (INV-Z20).
func TestLastEpoch(t *testing.T) {
	o := leaderOptions()
	o.Accepted, o.Current = zk.EpochMax, zk.EpochMax
	o.Config = traceConfig(1, 0)
	o.Self = 1
	var out Output
	NewLeader(o, time.Unix(1000, 0), &out)
	if len(out.Persist) != 0 || !strings.Contains(out.StepDown, "used up") {
		t.Errorf("persist %+v, step down %q; want none, and that epochs are used up", out.Persist, out.StepDown)
	}
}
