package zab

import (
	"time"

	"ostler/internal/election"
	"ostler/internal/zk"
)

func (n *node) options() Options {
	return Options{
		Self: n.id, Observer: n.observer, Config: n.w.config, Tick: simTick, InitLimit: 10, SyncLimit: 5,
		Accepted: n.accepted, Current: n.current, History: n.history,
		TrustEmpty: n.trusted || n.election.Trusted(), ForceSnapshot: n.needSnap,
	}
}

// settle takes the role that the election gave.
func (n *node) settle(v election.Vote) {
	n.term++
	n.born = n.born || n.options().TrustEmpty
	n.leaderID = v.Leader
	n.w.logf("%d settles on %d", n.id, v.Leader)
	if v.Leader == n.id {
		o := n.options()
		o.Appointed = n.next != 0
		n.next = 0
		n.leader = NewLeader(o, n.w.now, &n.out)
		n.carryOut()
		return
	}
	n.next = 0
	n.dial(10)
}

// dial connects to the leader, as soon as it leads.
func (n *node) dial(tries int) {
	w := n.w
	w.after(w.between(w.netMin, w.netMax), n.inRole(func() {
		to := n.upstream()
		if !to.up || to.leader == nil && to.relay == nil || w.cut[pair(n.id, to.id)] {
			if tries == 0 {
				n.drain("cannot reach the leader")
				return
			}
			w.after(20*time.Millisecond, n.inRole(func() { n.dial(tries - 1) }))
			return
		}
		w.nextID++
		l := &simLink{id: w.nextID, learner: n, leader: to}
		w.links[l.id] = l
		n.links[l.id], to.links[l.id] = l, l
		n.link = l
		to.step(LinkUp{Link: l.id})
		n.learner = NewLearner(n.options(), l.id, w.now, &n.out)
		n.carryOut()
	}))
}

// upstream is whom a learner connects to: the leader or, for an observer in a world of
// masters, anybody who may be one.
func (n *node) upstream() *node {
	if !n.observer || !n.w.masters {
		return n.w.node(n.leaderID)
	}
	for {
		if id := zk.ServerID(1 + n.w.rand.IntN(len(n.w.config.Voters()))); id != n.leaderID {
			return n.w.node(id)
		}
	}
}

// beginRelay makes an established follower a master of observers.
func (n *node) beginRelay() {
	if n.w.masters && !n.observer {
		n.relay = NewRelay(n.learner, n.w.now, &n.relayed)
		n.wakeRelay()
	}
}

// forRelay reports whether an input is not for the follower but for its relay.
func (n *node) forRelay(in Input) bool {
	if n.relay == nil {
		return false
	}
	switch in := in.(type) {
	case LinkUp, SnapshotReady:
		return true
	case LinkDown:
		return in.Link != n.link.id
	case Received:
		return in.Link != n.link.id
	}
	return false
}

func (n *node) stepRelay(in Input) {
	n.relay.Step(n.w.now, in, &n.relayed)
	o := &n.relayed
	for i := range o.Send {
		n.sendPacket(&o.Send[i])
	}
	for _, c := range o.Close {
		n.closeLink(c)
	}
	for _, link := range o.Snapshot {
		n.openView(link)
	}
	n.w.stats.relayed += len(o.Synced)
	o.Reset()
}

func (n *node) wakeRelay() {
	n.w.after(simTick/2, n.inRole(func() {
		n.stepRelay(Tick{})
		n.wakeRelay()
	}))
}

// committed is up to where this server's tree is, and its epoch if it is established.
func (n *node) committed() (zk.Zxid, zk.Epoch) {
	switch {
	case n.relay != nil:
		return n.learner.Committed(), n.learner.Epoch()
	case n.leader.Established():
		return n.leader.Committed(), n.leader.Epoch()
	}
	return n.leader.Committed(), 0
}
