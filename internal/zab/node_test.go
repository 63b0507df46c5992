package zab

import (
	"maps"
	"slices"
	"time"

	"ostler/internal/election"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A node is a server of a world: the two cores, and a disk that keeps what was
// written when the server crashes.
type node struct {
	w        *world
	id       zk.ServerID
	observer bool
	// earlyAcks makes a learner acknowledge like some releases of ZooKeeper: every
	// transaction that is logged, before NEWLEADER is acknowledged (quorum.md R18).
	earlyAcks bool
	trusted   bool // as the shell's: by what is on disk, or by having served

	// On disk.
	log               []*txn.Record // from the beginning; snapshots are prefixes
	accepted, current zk.Epoch
	born              bool    // its empty history counted: as a snapshot of zxid 0
	frozen            [2]bool // writes to this disk take for ever

	// In memory.
	up       bool
	boot     int
	term     int
	draining bool
	disks    [2]disk // the log and snapshots; the epoch files
	history  *History
	floor    []*txn.Record // what history's floor stands for
	election *election.Core
	leader   *Leader
	learner  *Learner
	relay    *Relay // of a follower, in a world of masters
	relayed  Output
	links    map[LinkID]*simLink
	link     *simLink // to the leader
	leaderID zk.ServerID
	served   bool // delivered anything in this role
	out      Output
	votes    election.Output
	wakeAt   time.Time
	needSnap bool
	next     zk.ServerID // leads without an election
	reason   string      // of the last step down
	syncs    int
}

// A disk does one write after another. The two of a node are not in step, so that
// a core which relied on their order would be found out.
type disk struct {
	queue []diskOp
	busy  bool
}

const (
	logDisk = iota
	epochDisk
)

// A diskOp is a write under way; done changes the disk, then runs in memory.
type diskOp struct {
	disk func()
	done func()
	recs []*txn.Record // an append, which a crash may cut short
}

// recs is the whole history in memory.
func (n *node) recs() []*txn.Record {
	return append(slices.Clone(n.floor), n.history.Records(n.history.Floor(), n.history.Last())...)
}

func lastOf(recs []*txn.Record) zk.Zxid {
	if len(recs) == 0 {
		return 0
	}
	return recs[len(recs)-1].Zxid
}

func upTo(recs []*txn.Record, z zk.Zxid) []*txn.Record {
	i := 0
	for i < len(recs) && recs[i].Zxid <= z {
		i++
	}
	return slices.Clone(recs[:i])
}

// begin starts the server from its disk.
func (n *node) begin() {
	n.up = true
	n.boot++
	n.disks = [2]disk{}
	n.links = make(map[LinkID]*simLink)
	n.leader, n.learner, n.link, n.relay, n.next = nil, nil, nil, nil, 0
	n.trusted = n.born
	floor := 0
	if n.w.trim {
		floor = n.w.rand.IntN(len(n.log) + 1)
	}
	n.floor = slices.Clone(n.log[:floor])
	n.history = NewHistory(lastOf(n.floor))
	for _, rec := range n.log[floor:] {
		n.history.Append(rec)
	}
	n.election = election.New(n.w.electionOptions(n))
	n.w.logf("%d starts with %v, accepted %d, current %d", n.id, n.history.Last(), n.accepted, n.current)
	n.drain("start")
}

// crash loses memory, and an arbitrary part of what is being written.
func (n *node) crash() {
	if !n.up {
		return
	}
	n.w.logf("%d crashes", n.id)
	n.w.stats.crashes++
	n.up = false
	for i := range n.disks {
		q := n.disks[i].queue
		for n.w.rand.IntN(2) == 0 && len(q) > 0 {
			q[0].disk()
			q = q[1:]
		}
		if len(q) > 0 && len(q[0].recs) > 0 {
			n.log = append(n.log, q[0].recs[:n.w.rand.IntN(len(q[0].recs)+1)]...)
		}
	}
	n.disks = [2]disk{}
	n.dropAll()
}

// wipe empties the disk of a server that is down.
func (n *node) wipe() {
	n.w.logf("%d loses its disk", n.id)
	n.w.stats.wipes++
	n.log, n.accepted, n.current, n.born, n.needSnap = nil, 0, 0, false, false
	maps.DeleteFunc(n.w.promises, func(k promiseKey, _ zk.ServerID) bool { return k.server == n.id })
}

func (n *node) dropAll() {
	for _, id := range n.w.linkIDs() {
		if l := n.w.links[id]; l.learner == n || l.leader == n {
			n.w.dropLink(l)
		}
	}
}

// drain ends a role: the disk finishes, then the next election begins.
func (n *node) drain(reason string) {
	n.reason = reason
	if reason != "start" {
		n.w.logf("%d leaves its role: %s", n.id, reason)
	}
	n.term++
	n.draining = true
	n.served = false
	n.dropAll()
	clear(n.links)
	n.leader, n.learner, n.link, n.relay = nil, nil, nil, nil
	n.election.SetRole(peerwire.Looking)
	n.out.Reset()
	n.wakeAt = time.Time{}
	n.drained()
}

// drained starts the election once the disk is idle (and adopts the epoch of a
// history that outran it, quorum.md R19).
func (n *node) drained() {
	if !n.draining || len(n.disks[logDisk].queue) > 0 || len(n.disks[epochDisk].queue) > 0 {
		return
	}
	if got, want := n.history.Last(), lastOf(n.log); got != want && !(len(n.log) == 0 && got == 0) {
		n.w.fail("server %d drained with %v in memory and %v on disk", n.id, got, want)
	}
	if e := n.history.Last().Epoch(); e > n.current {
		if e > n.accepted {
			n.w.fail("server %d holds %v but accepted only epoch %d", n.id, n.history.Last(), n.accepted)
		}
		n.write(epochDisk, diskOp{disk: func() { n.current = e }, done: n.drained})
		return
	}
	n.draining = false
	if n.w.chaos && n.w.rand.IntN(2) == 0 {
		// An election that went wrong: Zab alone has to keep the data safe.
		n.settle(election.Vote{Leader: n.w.favourite()})
		return
	}
	if n.next != 0 {
		n.election.Appoint(n.next, n.history.Last(), n.current, &n.votes)
		n.carryOutVotes()
		return
	}
	n.election.Start(n.w.now, n.history.Last(), n.current, n.trusted, &n.votes)
	n.carryOutVotes()
}

// write queues a disk operation.
func (n *node) write(which int, op diskOp) {
	d := &n.disks[which]
	d.queue = append(d.queue, op)
	n.pump(which)
}

// thaw lets a disk go on that was stuck.
func (n *node) thaw() {
	n.frozen = [2]bool{}
	n.pump(logDisk)
	n.pump(epochDisk)
}

func (n *node) pump(which int) {
	d := &n.disks[which]
	if d.busy || len(d.queue) == 0 || n.frozen[which] || !n.up {
		return
	}
	d.busy = true
	boot := n.boot
	n.w.after(n.w.between(n.w.diskMin, n.w.diskMax), func() {
		if n.boot != boot || !n.up {
			return
		}
		d.busy = false
		if n.frozen[which] || len(d.queue) == 0 {
			return
		}
		op := d.queue[0]
		d.queue = d.queue[1:]
		op.disk()
		n.checkDisk()
		op.done()
		n.pump(which)
		n.drained()
	})
}

// checkDisk checks INV-Z8 and INV-D10.
func (n *node) checkDisk() {
	if n.current > n.accepted {
		n.w.fail("server %d has current epoch %d above accepted %d", n.id, n.current, n.accepted)
	}
	if last := lastOf(n.log); last.Epoch() > n.accepted {
		n.w.fail("server %d logged %v, accepted epoch %d", n.id, last, n.accepted)
	}
}

// step hands an input to the core in charge.
func (n *node) step(in Input) {
	if !n.up {
		return
	}
	switch {
	case n.forRelay(in):
		n.stepRelay(in)
		return
	case n.leader != nil:
		n.leader.Step(n.w.now, in, &n.out)
	case n.learner != nil:
		n.learner.Step(n.w.now, in, &n.out)
	default:
		return
	}
	n.carryOut()
}

// inRole wraps an answer that is only for the role that asked.
func (n *node) inRole(f func()) func() {
	term, boot := n.term, n.boot
	return func() {
		if n.up && n.term == term && n.boot == boot {
			f()
		}
	}
}

// carryOut does what the core wants, in the order Output gives.
func (n *node) carryOut() {
	o := &n.out
	for _, p := range o.Persist {
		n.write(epochDisk, diskOp{disk: func() {
			if p.Kind == AcceptedEpoch {
				if p.Epoch <= n.accepted {
					n.w.fail("server %d accepts epoch %d after %d", n.id, p.Epoch, n.accepted)
				}
				n.accepted = p.Epoch
			} else {
				if p.Epoch <= n.current {
					n.w.fail("server %d takes epoch %d after %d", n.id, p.Epoch, n.current)
				}
				n.current = p.Epoch
			}
		}, done: n.inRole(func() { n.step(Persisted{Persist: p}) })})
	}
	if len(o.Append) > 0 {
		recs := slices.Clone(o.Append)
		z := lastOf(recs)
		n.write(logDisk, diskOp{
			recs: recs, disk: func() { n.log = append(n.log, recs...) },
			done: n.inRole(func() {
				if n.earlyAcks && n.learner != nil && n.learner.phase < confirmed && !n.observer {
					for _, rec := range recs {
						n.sendPacket(&Sent{Link: n.link.id, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: rec.Zxid}})
					}
				}
				n.step(Durable{Zxid: z})
			}),
		})
	}
	for _, to := range o.Truncate {
		n.truncate(to)
	}
	for i := range o.Send {
		n.sendPacket(&o.Send[i])
	}
	for _, c := range o.Close {
		n.closeLink(c)
	}
	if o.Established {
		n.trusted = true
		if n.leader != nil {
			n.w.logf("%d leads epoch %d", n.id, n.leader.Epoch())
			n.w.established(n)
			n.election.SetEpoch(n.leader.Epoch())
		} else {
			n.w.logf("%d follows in epoch %d", n.id, n.learner.Epoch())
			n.election.SetEpoch(n.learner.Epoch())
			n.beginRelay()
		}
	}
	for _, d := range o.Deliver {
		if n.relay != nil {
			n.stepRelay(Delivered{d})
		}
		if d.Sync {
			n.syncs++
			continue
		}
		n.served = true
		n.w.deliverable(n, upTo(n.recs(), d.Commit))
		if n.w.trim && n.w.rand.IntN(4) == 0 {
			before := n.recs()
			n.history.Trim(n.w.rand.IntN(8), 1<<20, d.Commit)
			n.floor = upTo(before, n.history.Floor())
		}
	}
	for _, link := range o.Snapshot {
		n.openView(link)
	}
	for _, z := range o.Pings {
		n.sendPacket(&Sent{Link: n.link.id, Packet: peerwire.Packet{Type: peerwire.Ping, Zxid: z, Data: []byte{}}})
	}
	wake, reason, need, next := o.WakeAt, o.StepDown, o.NeedSnapshot, o.Designated
	o.Reset()
	switch {
	case next != 0 && n.leader != nil:
		// What was sent has to arrive before the links end.
		n.next = next
		n.w.stats.handovers++
		n.w.after(n.w.netMax, n.inRole(func() { n.drain(reason) }))
		return
	case reason != "":
		n.needSnap, n.next = need, next
		n.drain(reason)
		return
	}
	n.wake(wake)
}

// truncate cuts the disk; the answer carries where it ends now.
func (n *node) truncate(to zk.Zxid) {
	term := n.term
	n.write(logDisk, diskOp{disk: func() { n.log = upTo(n.log, to) }, done: func() {
		last := lastOf(n.log)
		if n.term == term && n.learner != nil {
			n.step(Truncated{Last: last})
			n.release()
		} else {
			n.history.TruncateAfter(last)
		}
		n.floor = upTo(n.floor, last)
	}})
}

// install makes a snapshot the only generation on disk.
func (n *node) install(z zk.Zxid, view []*txn.Record) {
	term := n.term
	n.write(logDisk, diskOp{disk: func() { n.log = slices.Clone(view) }, done: func() {
		if n.term == term && n.learner != nil {
			n.floor = slices.Clone(view)
			n.step(SnapReceived{Zxid: z})
			n.release()
		} else {
			n.history.Reset(lastOf(view))
			n.floor = slices.Clone(view)
		}
	}})
}

// openView takes a view of what is delivered (all, before it is established).
func (n *node) openView(link LinkID) {
	n.w.after(n.w.between(n.w.diskMin, n.w.diskMax), n.inRole(func() {
		l := n.links[link]
		if l == nil || n.leader == nil && n.relay == nil {
			return
		}
		z, epoch := n.committed()
		view := upTo(n.recs(), z)
		if epoch > z.Epoch() {
			z = zk.MakeZxid(epoch, 0) // as the tree of an established server says
		}
		n.view(l, view)
		n.step(SnapshotReady{Link: link, Zxid: z})
	}))
}

// view keeps what the stream behind the next SNAP will carry.
func (n *node) view(l *simLink, recs []*txn.Record) { l.views = append(l.views, recs) }

func (n *node) wake(at time.Time) {
	if at.IsZero() || !n.wakeAt.IsZero() && !at.Before(n.wakeAt) && n.wakeAt.After(n.w.now) {
		return
	}
	n.wakeAt = at
	n.w.at(at, n.inRole(func() {
		if n.wakeAt.Equal(at) {
			n.wakeAt = time.Time{}
		}
		n.step(Tick{})
	}))
}

// carryOutVotes does what the election core wants.
func (n *node) carryOutVotes() {
	w := n.w
	for _, s := range n.votes.Send {
		if w.cut[pair(n.id, s.To)] {
			continue
		}
		to := w.node(s.To)
		boot := to.boot
		w.after(w.between(w.netMin, w.netMax), func() {
			if to.up && to.boot == boot && !w.cut[pair(n.id, to.id)] {
				to.election.Notify(w.now, n.id, s.Notification, &to.votes)
				to.carryOutVotes()
			}
		})
	}
	settled, wake := n.votes.Settled, n.votes.WakeAt
	n.votes = election.Output{}
	if settled != nil {
		n.settle(*settled)
		return
	}
	if !wake.IsZero() {
		w.at(wake, n.inRole(func() {
			if n.leader == nil && n.learner == nil {
				n.election.Tick(w.now, &n.votes)
				n.carryOutVotes()
			}
		}))
	}
}

func (n *node) closeLink(c Closed) {
	if l := n.links[c.Link]; l != nil {
		n.w.logf("%d closes link %d: %s", n.id, c.Link, c.Reason)
		delete(n.links, c.Link)
		n.w.dropLink(l)
	}
}
