package sim

import (
	"fmt"
	"testing"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/prep"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An organiser changes the members of an ensemble through whoever leads.
type organiser struct {
	e       *Ensemble
	session zk.SessionID
}

// membersAt is what a running server has in force.
func membersAt(m *Member) *ensemble.Config {
	n, ok := m.M.Server().(*realServer)
	if !ok {
		return nil
	}
	return n.Replica().Status().Ensemble
}

// submit asks the leader for a change of members, on behalf of a session of its own.
func (o *organiser) submit(leader *Member, r wire.ReconfigRequest) {
	rep := leader.M.Server().(*realServer).Replica()
	o.session++
	super := []zk.ID{{Scheme: "super"}}
	rep.Submit(&prep.Request{Session: o.session, Cxid: 1, Op: zk.OpCreateSession, Timeout: 3_600_000})
	r.NullJoining, r.NullLeaving, r.NullNewMembers, r.ConfigVersion = r.Joining == "", r.Leaving == "", true, -1
	rep.Submit(&prep.Request{Session: o.session, Cxid: 2, Op: zk.OpReconfig, Body: r.Append(nil), Auth: super})
}

// change adds, removes or demotes a server at random.
func (o *organiser) change() {
	leader := o.e.leader()
	if leader == nil || !leader.M.Running() {
		return
	}
	now := membersAt(leader)
	id := zk.ServerID(1 + o.e.W.Rand.IntN(len(o.e.Members)))
	_, member := now.Members[id]
	role := [...]string{"participant", "participant", "observer"}[o.e.W.Rand.IntN(3)]
	switch {
	case member && len(now.Members) > 1 && o.e.W.Rand.IntN(3) > 0:
		o.submit(leader, wire.ReconfigRequest{Leaving: fmt.Sprint(id)})
	default:
		o.submit(leader, wire.ReconfigRequest{Joining: fmt.Sprintf("server.%d=%s:%d:%d:%s;%s", id,
			HostName(id), quorumPort, electionPort, role, ClientAddr(id))})
	}
}

// Members come, go and change roles while servers crash, lose power and are cut off. What
// the oracle checks holds all the time, and in the end all have one configuration
// (quorum.md section 5, INV-C1, C3, C6).
func TestMembersChangeUnderFaults(t *testing.T) {
	changes := 0
	for seed := uint64(1); seed <= 25; seed++ {
		e := newCalm(seed, realNode, 5, func(s *Settings) { s.Reconfig, s.Local, s.ReadOnly = true, false, false })
		for i, m := range e.Members {
			m.setup.Servers = []zk.ServerID{1, 2, 3}
			m.setup.Masters = seed%2 == 0
			if i >= 3 {
				m.setup.Servers = append(m.setup.Servers, m.ID)
			}
		}
		e.begin()
		o := &organiser{e: e, session: 0x7e << 56}
		for range 12 {
			for range 1 + e.W.Rand.IntN(3) {
				e.W.After(time.Duration(e.W.Rand.Int64N(int64(500*time.Millisecond))), o.change)
			}
			for _, m := range e.Members {
				if e.W.Rand.IntN(4) == 0 {
					e.W.After(time.Duration(e.W.Rand.Int64N(int64(700*time.Millisecond))), func() { m.M.EndIn(0, e.W.Rand.IntN(2) == 0) })
					e.rebootIn(m, 800*time.Millisecond+time.Duration(e.W.Rand.Int64N(int64(2*time.Second))))
				}
			}
			e.W.Run(time.Second + time.Duration(e.W.Rand.Int64N(int64(3*time.Second))))
		}
		for _, m := range e.Members {
			e.rebootIn(m, 0)
		}
		e.W.Run(5 * time.Second)
		e.recover()
		e.Load.steady = true
		e.W.Run(5 * time.Second)
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
			continue
		}
		first := membersAt(e.Members[0])
		for _, m := range e.Members[1:] {
			if c := membersAt(m); string(c.Text()) != string(first.Text()) || c.Next != nil {
				t.Errorf("seed %d: server %d has configuration %q, server 1 %q", seed, m.ID, c.Text(), first.Text())
			}
		}
		changes += o.made()
	}
	if changes < 100 {
		t.Errorf("%d changes of members were committed, want many", changes)
	}
}

// made is how many changes of members were committed.
func (o *organiser) made() (n int) {
	for _, e := range o.e.O.log {
		if e.rec != nil && e.rec.Type == zk.OpReconfig {
			n++
		}
	}
	return n
}
