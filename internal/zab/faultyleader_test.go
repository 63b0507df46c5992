package zab

import (
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A pupil is a learner whose disk answers at once.
type pupil struct {
	t   *testing.T
	l   *Learner
	out Output
	now time.Time
}

func newPupil(t *testing.T) *pupil {
	p := &pupil{t: t, now: time.Unix(1000, 0)}
	o := Options{Self: 1, Config: traceConfig(3, 0), Tick: time.Second, InitLimit: 10, SyncLimit: 5, History: NewHistory(0), TrustEmpty: true}
	p.l = NewLearner(o, 1, p.now, &p.out)
	return p
}

// packet hands over a packet of the leader and does what the learner wants done.
func (p *pupil) packet(kind peerwire.PacketType, z zk.Zxid, data []byte) {
	p.t.Helper()
	p.step(Received{Link: 1, Packet: peerwire.Packet{Type: kind, Zxid: z, Data: data}})
}

func (p *pupil) step(in Input) {
	p.out.Reset()
	p.l.Step(p.now, in, &p.out)
	var next []Input
	for _, persist := range p.out.Persist {
		next = append(next, Persisted{persist})
	}
	if n := len(p.out.Append); n > 0 {
		next = append(next, Durable{p.out.Append[n-1].Zxid})
	}
	for _, in := range next {
		p.step(in)
	}
}

// follow brings the learner to the broadcast phase of epoch 1 with the history up
// to last, all committed.
func (p *pupil) follow(snapshot bool, last uint32) {
	p.t.Helper()
	p.packet(peerwire.LeaderInfo, zk.MakeZxid(1, 0), []byte{0, 1, 0, 0})
	if z := zk.MakeZxid(1, last); snapshot {
		p.packet(peerwire.Snap, z, nil)
		p.step(SnapReceived{z})
	} else {
		p.packet(peerwire.Diff, z, nil)
		for i := range last {
			p.propose(i + 1)
			p.packet(peerwire.Commit, zk.MakeZxid(1, i+1), nil)
		}
	}
	p.packet(peerwire.NewLeader, zk.MakeZxid(1, 0), nil)
	p.packet(peerwire.UpToDate, -1, nil)
	if p.l.phase != following {
		p.t.Fatalf("the learner is in phase %d: %s", p.l.phase, p.out.StepDown)
	}
}

func (p *pupil) propose(counter uint32) {
	z := zk.MakeZxid(1, counter)
	p.packet(peerwire.Proposal, z, record(z, 1).Bytes)
}

// A leader that gives out a zxid a second time is faulty, and is left, so that the
// ensemble can elect another: H1, INV-X11, INV-Z10. Neither the log nor the history
// take the second transaction.
func TestLearnerLeavesALeaderThatReusesAZxid(t *testing.T) {
	for _, c := range []struct {
		name     string
		snapshot bool
		then     []uint32 // proposed; the last one must not be accepted
	}{
		{"the last one of a proposal", false, []uint32{4, 4}},
		{"the last one of the synchronisation", false, []uint32{3}},
		{"an earlier one", false, []uint32{4, 5, 4}},
		{"the one of the snapshot", true, []uint32{3}},
		{"one within the snapshot", true, []uint32{4, 2}},
		{"none, but one is left out", false, []uint32{5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPupil(t)
			p.follow(c.snapshot, 3)
			last := p.l.history.Last()
			for i, counter := range c.then {
				p.out.StepDown = ""
				p.propose(counter)
				if i < len(c.then)-1 {
					last = zk.MakeZxid(1, counter)
				}
			}
			if p.l.phase != departed || p.out.StepDown == "" {
				t.Errorf("the learner stays, in phase %d", p.l.phase)
			}
			if len(p.out.Append) != 0 || p.l.history.Last() != last {
				t.Errorf("%d transactions to log, history up to %v, want none and %v", len(p.out.Append), p.l.history.Last(), last)
			}
		})
	}
}
