package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/prep"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A changeable server tells its configuration and takes requests for another.
type changeable interface {
	Members() *ensemble.Config
	Submit(q *prep.Request)
}

// An organiser changes the members of an ensemble through whoever leads.
type organiser struct {
	e       *Ensemble
	session zk.SessionID
}

func newOrganiser(e *Ensemble) *organiser { return &organiser{e: e, session: 0x7e << 56} }

// drawChanges draws whether members come and go, with dice of their own. Of five servers
// three are members in the beginning.
func drawChanges(r *rand.Rand, roles Roles) bool {
	return r.IntN(4) == 0 && roles.Voters > 1 && roles.Observers == 0 && roles.Groups == nil
}

// reconfigure lets an ensemble that has not begun change its members.
func (e *Ensemble) reconfigure() {
	e.setSettings(func(s *Settings) { s.Reconfig, s.Local, s.ReadOnly = true, false, false })
	for i, m := range e.Members {
		m.setup.Servers = []zk.ServerID{1, 2, 3}
		if i >= 3 {
			m.setup.Servers = append(m.setup.Servers, m.ID)
		}
	}
	o := newOrganiser(e)
	e.Plan.faults = append(e.Plan.faults, fault{"change of members", 1500 * time.Millisecond, func(*Plan) { o.change() }})
}

// setSettings changes what was drawn, before the ensemble begins.
func (e *Ensemble) setSettings(change func(s *Settings)) {
	change(&e.settings)
	e.Load.rules, e.Load.reconfig = e.settings.rules(), e.settings.Reconfig
	e.Load.local, e.Load.readOnly = e.settings.Local, e.settings.ReadOnly
	for _, m := range e.Members {
		m.setup.Settings = e.settings
	}
}

// membersAt is what a running server has in force.
func membersAt(m *Member) *ensemble.Config {
	if s, ok := m.M.Server().(changeable); ok {
		return s.Members()
	}
	return nil
}

// submit asks the leader for a change of members, on behalf of a session of its own.
func (o *organiser) submit(leader *Member, r wire.ReconfigRequest) {
	to := leader.M.Server().(changeable)
	o.session++
	super := []zk.ID{{Scheme: "super"}}
	to.Submit(&prep.Request{Session: o.session, Cxid: 1, Op: zk.OpCreateSession, Timeout: 3_600_000})
	r.NullJoining, r.NullLeaving, r.NullNewMembers, r.ConfigVersion = r.Joining == "", r.Leaving == "", true, -1
	to.Submit(&prep.Request{Session: o.session, Cxid: 2, Op: zk.OpReconfig, Body: r.Append(nil), Auth: super})
}

// change adds, removes or demotes a server at random.
func (o *organiser) change() {
	leader := o.e.leader()
	if leader == nil || !leader.M.Running() || leader.M.Paused() {
		return
	}
	now := membersAt(leader)
	if now == nil {
		return // it is about to start
	}
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

// changes is how many changes of members were committed.
func (o *Oracle) changes() (n int) {
	for _, e := range o.log {
		if e.rec != nil && e.rec.Type == zk.OpReconfig {
			n++
		}
	}
	return n
}

// checkMembers checks that at rest all have one configuration, and none that is only
// proposed (INV-C1, C3, C6).
func (e *Ensemble) checkMembers() {
	first := membersAt(e.Members[0])
	if first == nil {
		return
	}
	for _, m := range e.Members {
		c := membersAt(m)
		switch {
		case c == nil || string(c.Text()) != string(first.Text()):
			e.W.Failf("server %d has another configuration at rest than server 1: %v, %v", m.ID, c, first)
		case c.Next != nil:
			e.W.Failf("server %d still takes a configuration for proposed at rest: %v, behind %v", m.ID, c.Next, c)
		}
	}
}
