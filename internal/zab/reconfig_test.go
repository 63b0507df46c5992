package zab

import (
	"encoding/binary"
	"testing"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// reconfigRecord is the transaction that makes c the configuration.
func reconfigRecord(z zk.Zxid, c *ensemble.Config) *txn.Record {
	c.Version = int64(z)
	return txn.NewRecord(txn.Txn{
		Header: txn.Header{Zxid: z, Type: zk.OpReconfig},
		Body:   &txn.SetData{Path: zk.PathConfig, Data: c.Text(), Version: -1},
	})
}

// followers gives an established leader more followers, each up to date.
func followers(t testing.TB, l *Leader, now time.Time, ids ...zk.ServerID) {
	t.Helper()
	for _, id := range ids {
		var out Output
		link := LinkID(id)
		for _, in := range []Input{
			LinkUp{Link: link},
			Received{Link: link, Packet: peerwire.Packet{
				Type: peerwire.FollowerInfo, Zxid: 0x100000000,
				Data: peerwire.LearnerInfo{ServerID: id, Protocol: peerwire.ProtocolVersion}.Append(nil),
			}},
			Received{Link: link, Packet: peerwire.Packet{Type: peerwire.AckEpoch, Zxid: l.committed, Data: []byte{0, 0, 0, 1}}},
			Received{Link: link, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: 0x200000000}},
		} {
			l.Step(now, in, &out)
		}
		if len(out.Synced) != 1 {
			t.Fatalf("server %d is not up to date: %+v", id, out)
		}
	}
}

func ack(l *Leader, now time.Time, id zk.ServerID, z zk.Zxid) *Output {
	var out Output
	l.Step(now, Received{Link: LinkID(id), Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: z}}, &out)
	return &out
}

// A reconfiguration and what follows it need a quorum of both configurations; once it
// is in force, of the new one alone (INV-C1, quorum.md 5.4, I11).
func TestReconfigNeedsBothQuorums(t *testing.T) {
	l, now := established(t, leaderOptions())
	followers(t, l, now, 2, 4, 5)
	next := traceConfig(5, 0)
	for _, id := range []zk.ServerID{1, 2} {
		delete(next.Members, id)
	}
	if !l.Synced(next) { // 3, 4 and 5
		t.Fatal("the new configuration has no quorum that is up to date")
	}
	z := l.NextZxid()
	var out Output
	l.Step(now, Propose{Record: reconfigRecord(z, next)}, &out)
	l.Step(now, Propose{Record: record(z+1, 1)}, &out)
	l.Step(now, Durable{Zxid: z + 1}, &out)
	if l.Config().Next == nil {
		t.Fatal("the configuration is not pending")
	}
	for _, id := range []zk.ServerID{4, 5} { // a quorum of the new one, not of the old
		if out := ack(l, now, id, z+1); len(out.Deliver) > 0 {
			t.Fatalf("committed without the old configuration: %+v", out.Deliver)
		}
	}
	got := ack(l, now, 1, z)
	want := []Delivery{{Activate: &Activation{Config: next}}, {Commit: z}, {Commit: z + 1}}
	if len(got.Deliver) != len(want) {
		t.Fatalf("delivered %+v, want the activation, the reconfiguration, and what follows", got.Deliver)
	}
	for i, d := range got.Deliver {
		if d.Commit != want[i].Commit || (d.Activate == nil) != (want[i].Activate == nil) {
			t.Errorf("delivery %d is %+v, want %+v", i, d, want[i])
		}
	}
	if a := got.Deliver[0].Activate; a.Leader != 0 || !a.Config.SameMembers(next) || a.Config.Version != int64(z) {
		t.Errorf("activated %+v, want %+v under the same leader", a, next)
	}
	told := 0
	for _, s := range got.Send {
		if s.Packet.Type == peerwire.CommitAndActivate && s.Packet.Zxid == z && binary.BigEndian.Uint64(s.Packet.Data) == 3 {
			told++
		}
	}
	if told != 4 {
		t.Errorf("%d followers were told that the configuration is in force, want 4", told)
	}
	// From now on 1 and 2 have no say.
	out.Reset()
	l.Step(now, Propose{Record: record(z+2, 1)}, &out)
	l.Step(now, Durable{Zxid: z + 2}, &out)
	if out := ack(l, now, 1, z+2); len(out.Deliver) > 0 {
		t.Errorf("a removed server helped to commit %+v", out.Deliver)
	}
	if out := ack(l, now, 5, z+2); len(out.Deliver) != 1 {
		t.Errorf("the new quorum does not commit: %+v", out)
	}
}

// A leader that the new configuration leaves out names who leads, commits nothing
// more, and goes (quorum.md 5.4).
func TestReconfigRemovesTheLeader(t *testing.T) {
	l, now := established(t, leaderOptions())
	followers(t, l, now, 2)
	next := traceConfig(2, 0)
	z := l.NextZxid()
	var out Output
	l.Step(now, Propose{Record: reconfigRecord(z, next)}, &out)
	l.Step(now, Propose{Record: record(z+1, 1)}, &out)
	l.Step(now, Durable{Zxid: z + 1}, &out)
	ack(l, now, 1, z)
	got := ack(l, now, 2, z+1)
	if len(got.Deliver) != 2 || got.Deliver[1].Commit != z || got.Deliver[0].Activate.Leader != 2 {
		t.Errorf("delivered %+v, want the reconfiguration, and that 2 leads, who has most", got.Deliver)
	}
	if got.StepDown == "" {
		t.Error("the leader stays")
	}
}

// The first configuration gets the first zxid of the first epoch as its version
// (quorum.md 4.9), also at those who follow.
func TestFirstConfigurationIsNumbered(t *testing.T) {
	o := leaderOptions()
	o.Reconfig = true
	l, _ := established(t, o)
	if got := l.Config(); got.Version != 0x200000000 || got.Next != nil {
		t.Errorf("configuration %+v, want version 0x200000000 in force", got)
	}
	text := l.Config().Text()

	fo := leaderOptions()
	fo.Self, fo.Reconfig, fo.Current = 1, true, 1
	var out Output
	now := time.Unix(1000, 0)
	f := NewLearner(fo, 9, now, &out)
	for _, in := range []Input{
		Received{Link: 9, Packet: peerwire.Packet{Type: peerwire.LeaderInfo, Zxid: 0x200000000, Data: []byte{0, 1, 0, 0}}},
		Persisted{Persist{AcceptedEpoch, 2}},
		Received{Link: 9, Packet: peerwire.Packet{Type: peerwire.Diff, Zxid: 0x100000005}},
		Received{Link: 9, Packet: peerwire.Packet{Type: peerwire.NewLeader, Zxid: 0x200000000, Data: text}},
		Persisted{Persist{CurrentEpoch, 2}},
	} {
		f.Step(now, in, &out)
	}
	if len(out.Deliver) > 0 {
		t.Errorf("delivered %+v before UPTODATE", out.Deliver)
	}
	f.Step(now, Received{Link: 9, Packet: peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1}}, &out)
	if n := len(out.Deliver); n != 2 || out.Deliver[0].Activate == nil || out.Deliver[0].Activate.Config.Version != 0x200000000 {
		t.Errorf("delivered %+v, want the numbered configuration", out.Deliver)
	}
}

// A leader whose history ends with a reconfiguration that is not known to be
// committed needs both quorums to become established, and then it is in force
// (quorum.md R14).
func TestLeaderWithAPendingConfiguration(t *testing.T) {
	o := leaderOptions()
	o.Reconfig = true
	next := traceConfig(5, 0)
	delete(next.Members, 1)
	delete(next.Members, 2)
	next.Version = 0x100000005
	o.Config = o.Config.WithVersion(0x100000001).With(next)
	now := time.Unix(1000, 0)
	var out Output
	l := NewLeader(o, now, &out)
	greet := func(id zk.ServerID) {
		l.Step(now, LinkUp{Link: LinkID(id)}, &out)
		l.Step(now, Received{Link: LinkID(id), Packet: peerwire.Packet{
			Type: peerwire.FollowerInfo, Zxid: 0x100000000,
			Data: peerwire.LearnerInfo{ServerID: id, Protocol: peerwire.ProtocolVersion}.Append(nil),
		}}, &out)
	}
	greet(1)
	greet(2)
	if len(out.Persist) > 0 {
		t.Fatalf("the old quorum alone chose an epoch: %+v", out.Persist)
	}
	greet(4)
	if len(out.Persist) != 1 {
		t.Fatalf("both quorums are there, and no epoch is chosen: %+v", out)
	}
}

// A follower that comes while a reconfiguration is under way hears of it with NEWLEADER.
// It comes into force there when it is committed, not with UPTODATE: else a quorum of the
// new members alone could elect it while one of the old ones elects another (INV-C1).
func TestReconfigUnderWayIsNotInForceWithUpToDate(t *testing.T) {
	l, now := established(t, leaderOptions())
	next := traceConfig(5, 0)
	z := l.NextZxid()
	var out Output
	l.Step(now, Propose{Record: reconfigRecord(z, next)}, &out)
	l.Step(now, Durable{Zxid: z}, &out)
	text := l.Config().Newest().Text()
	if l.Config().Next == nil {
		t.Fatal("the configuration is not pending")
	}

	fo := leaderOptions()
	fo.Self, fo.Reconfig, fo.Accepted, fo.Current = 2, true, 2, 2
	fo.History = NewHistory(z - 1)
	out.Reset()
	f := NewLearner(fo, 9, now, &out)
	step := func(in Input) []Delivery {
		out.Reset()
		f.Step(now, in, &out)
		return out.Deliver
	}
	packet := func(p peerwire.Packet) []Delivery { return step(Received{Link: 9, Packet: p}) }
	packet(peerwire.Packet{Type: peerwire.LeaderInfo, Zxid: 0x200000000, Data: []byte{0, 1, 0, 0}})
	packet(peerwire.Packet{Type: peerwire.Diff, Zxid: z - 1})
	packet(peerwire.Packet{Type: peerwire.Proposal, Zxid: z, Data: reconfigRecord(z, next).Bytes})
	packet(peerwire.Packet{Type: peerwire.NewLeader, Zxid: 0x200000000, Data: text})
	step(Durable{Zxid: z})
	for _, d := range packet(peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1}) {
		if d.Activate != nil {
			t.Fatalf("%v is in force before it is committed", d.Activate.Config.Voters())
		}
	}
	got := packet(peerwire.Packet{Type: peerwire.CommitAndActivate, Zxid: z, Data: binary.BigEndian.AppendUint64(nil, 3)})
	if len(got) != 2 || got[0].Activate == nil || got[0].Activate.Config.Version != int64(z) || got[1].Commit != z {
		t.Errorf("delivered %+v, want the configuration and its transaction", got)
	}
}

// A voter without weight is not named as leader, whatever it has acknowledged, nor is the
// leader itself once it is one (quorum.md 1.4, 5.4).
func TestNobodyWithoutWeightIsDesignated(t *testing.T) {
	for _, test := range []struct {
		weights map[zk.ServerID]int64
		want    zk.ServerID
	}{
		{map[zk.ServerID]int64{2: 0}, 3},             // this server stays
		{map[zk.ServerID]int64{3: 0}, 2},             // 2 has most
		{map[zk.ServerID]int64{2: 0, 3: 0}, 1},       // 1 alone may lead
		{map[zk.ServerID]int64{1: 0, 2: 0, 3: 0}, 0}, // nobody that is there
	} {
		l, now := established(t, leaderOptions())
		followers(t, l, now, 2)
		next := traceConfig(4, 0)
		next.Groups = map[zk.ServerID]int64{1: 1, 2: 1, 3: 1, 4: 1}
		next.Weights = test.weights
		z := l.NextZxid()
		var out Output
		l.Step(now, Propose{Record: reconfigRecord(z, next)}, &out)
		l.Step(now, Propose{Record: record(z+1, 1)}, &out)
		ack(l, now, 2, z+1)
		if got := l.designate(); got != test.want {
			t.Errorf("weights %v: %d is named, want %d", test.weights, got, test.want)
		}
	}
}
