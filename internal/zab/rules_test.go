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

// newMember is a pupil that takes part in reconfigurations, with the history up to last
// of epoch 1, in configuration version.
func newMember(t *testing.T, version int64, last uint32) *pupil {
	t.Helper()
	p := &pupil{t: t, now: time.Unix(1000, 0)}
	h := NewHistory(zk.MakeZxid(1, last))
	o := Options{
		Self: 1, Config: traceConfig(3, 0).WithVersion(version), Tick: time.Second, InitLimit: 10, SyncLimit: 5,
		History: h, Accepted: 1, Current: 1, Reconfig: true,
	}
	p.l = NewLearner(o, 1, p.now, &p.out)
	p.packet(peerwire.LeaderInfo, zk.MakeZxid(2, 0), []byte{0, 1, 0, 0})
	p.packet(peerwire.Diff, h.Last(), nil)
	return p
}

// all hands over packets, and returns all that is delivered meanwhile.
func (p *pupil) all(packets ...peerwire.Packet) (delivered []Delivery) {
	p.t.Helper()
	for _, in := range packets {
		p.packet(in.Type, in.Zxid, in.Data)
		delivered = append(delivered, p.out.Deliver...)
		if p.out.StepDown != "" {
			p.t.Fatalf("%s %v: %s", packetNames[in.Type], in.Zxid, p.out.StepDown)
		}
	}
	return delivered
}

// five is a configuration of five with this version.
func five(version int64) *ensemble.Config { return traceConfig(5, 0).WithVersion(version) }

// T-2172b, R10: between NEWLEADER and UPTODATE come a COMMIT and a COMMITANDACTIVATE,
// whose transaction is not at the head of what is under way. It is activated.
func TestT2172bActivatedWhileSynchronising(t *testing.T) {
	q, r := zk.MakeZxid(2, 1), zk.MakeZxid(2, 2)
	p := newMember(t, 3, 5)
	change := reconfigRecord(r, five(0))
	got := p.all(
		peerwire.Packet{Type: peerwire.NewLeader, Zxid: zk.MakeZxid(2, 0), Data: traceConfig(3, 0).WithVersion(3).Text()},
		peerwire.Packet{Type: peerwire.Proposal, Zxid: q, Data: record(q, 1).Bytes},
		peerwire.Packet{Type: peerwire.Proposal, Zxid: r, Data: change.Bytes},
		peerwire.Packet{Type: peerwire.Commit, Zxid: q},
		peerwire.Packet{Type: peerwire.CommitAndActivate, Zxid: r, Data: binary.BigEndian.AppendUint64(nil, 3)},
		peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1},
	)
	if len(got) != 2 || got[0].Activate == nil || got[0].Activate.Config.Version != int64(r) || got[1].Commit != r {
		t.Errorf("delivered %+v, want the activation of %v, and everything up to it", got, r)
	}
}

// R29: a leader's configuration counts if it is newer than the one here, and if the
// configuration may change at all.
func TestR29OnlyANewerConfigurationIsAdopted(t *testing.T) {
	for _, c := range []struct {
		name     string
		version  int64
		reconfig bool
		want     bool
	}{
		{"newer", 9, true, true},
		{"the same version", 3, true, false},
		{"older", 2, true, false},
		{"newer, but it may not change", 9, false, false},
	} {
		p := newMember(t, 3, 5)
		p.l.o.Reconfig = c.reconfig
		got := p.all(
			peerwire.Packet{Type: peerwire.NewLeader, Zxid: zk.MakeZxid(2, 0), Data: five(c.version).Text()},
			peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1},
		)
		activated := len(got) > 0 && got[0].Activate != nil
		if activated != c.want {
			t.Errorf("%s: activated %v, want %v: %+v", c.name, activated, c.want, got)
		}
	}
}

// R14, 5.4: a new leader whose history ends with a reconfiguration finishes it: once
// both quorums have its history, the configuration is in force.
func TestR14ANewLeaderFinishesAReconfiguration(t *testing.T) {
	o := leaderOptions()
	o.Reconfig = true
	z := zk.MakeZxid(1, 5)
	o.History = NewHistory(zk.MakeZxid(1, 4))
	o.History.Append(reconfigRecord(z, five(0)))
	o.Config = o.Config.WithVersion(3).With(five(int64(z)))
	now := time.Unix(1000, 0)
	var out Output
	l := NewLeader(o, now, &out)
	step := func(in Input) { l.Step(now, in, &out) }
	from := func(id zk.ServerID, kind peerwire.PacketType, z zk.Zxid, data []byte) {
		step(Received{Link: LinkID(id), Packet: peerwire.Packet{Type: kind, Zxid: z, Data: data}})
	}
	for _, id := range []zk.ServerID{1, 4} {
		step(LinkUp{Link: LinkID(id)})
		from(id, peerwire.FollowerInfo, 0x100000000, peerwire.LearnerInfo{ServerID: id, Protocol: peerwire.ProtocolVersion}.Append(nil))
	}
	step(Persisted{Persist{AcceptedEpoch, 2}})
	for _, id := range []zk.ServerID{1, 4} {
		from(id, peerwire.AckEpoch, z, []byte{0, 0, 0, 1})
	}
	step(Persisted{Persist{CurrentEpoch, 2}})
	from(1, peerwire.Ack, 0x200000000, nil)
	if l.Established() {
		t.Fatal("established by the old quorum alone")
	}
	from(4, peerwire.Ack, 0x200000000, nil)
	if !l.Established() || l.Config().Next != nil || l.Config().Version != int64(z) {
		t.Errorf("established %v with configuration %+v, want version %v in force", l.Established(), l.Config(), z)
	}
}

// An observer may be told of a transaction while it synchronises: it is there
// afterwards (quorum.md 7.5, 1551), also behind a snapshot.
func TestAnObserverKeepsWhatCameBeforeUpToDate(t *testing.T) {
	p := &pupil{t: t, now: time.Unix(1000, 0)}
	o := Options{
		Self: 4, Observer: true, Config: traceConfig(3, 1), Tick: time.Second, InitLimit: 10, SyncLimit: 5,
		History: NewHistory(0), TrustEmpty: true,
	}
	p.l = NewLearner(o, 1, p.now, &p.out)
	p.packet(peerwire.LeaderInfo, zk.MakeZxid(2, 0), []byte{0, 1, 0, 0})
	p.packet(peerwire.Snap, zk.MakeZxid(1, 7), nil)
	p.step(SnapReceived{zk.MakeZxid(1, 7)})
	var recs []*txn.Record
	for i := range uint32(2) {
		recs = append(recs, record(zk.MakeZxid(2, i+1), 1))
	}
	got := p.all(
		peerwire.Packet{Type: peerwire.Inform, Zxid: recs[0].Zxid, Data: recs[0].Bytes},
		peerwire.Packet{Type: peerwire.NewLeader, Zxid: zk.MakeZxid(2, 0)},
		peerwire.Packet{Type: peerwire.Inform, Zxid: recs[1].Zxid, Data: recs[1].Bytes},
		peerwire.Packet{Type: peerwire.UpToDate, Zxid: -1},
	)
	if len(got) != 1 || got[0].Commit != recs[1].Zxid || p.l.history.Len() != 2 {
		t.Errorf("delivered %+v, history of %d; want both transactions", got, p.l.history.Len())
	}
}
