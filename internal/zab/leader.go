package zab

import (
	"fmt"
	"slices"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// linksMax bounds the connections a leader keeps.
const linksMax = 1024

// counterLast is the last counter of an epoch that is used; the one after it would
// touch the bits of the epoch (quorum.md R13).
const counterLast = 1<<32 - 2

// A leaderPhase is how far a leader has come (quorum.md 4.9).
type leaderPhase int

const (
	discovering   leaderPhase = iota // until a quorum has told what it promised before
	promising                        // until acceptedEpoch is on disk
	electing                         // until a quorum has promised this epoch
	adopting                         // until currentEpoch is on disk
	synchronising                    // until a quorum has this leader's history
	broadcasting
	resigned
)

// leaderWaits says what a leader waited for when a phase takes too long.
var leaderWaits = [...]string{
	discovering:   "no quorum of followers connected",
	promising:     "the accepted epoch was not written in time",
	electing:      "no quorum promised the new epoch",
	adopting:      "the current epoch was not written in time",
	synchronising: "no quorum of followers synchronised",
}

// A Leader is the leading half of Zab (quorum.md 4.4, 4.6, 4.9, 4.10).
type Leader struct {
	o       Options
	config  *ensemble.Config
	history *History
	text    []byte // the newest configuration, for NEWLEADER

	phase    leaderPhase
	began    time.Time
	deadline time.Time // of the phase, up to synchronising
	now      time.Time // of this step
	nextHalf time.Time // when half a tick has passed
	halves   int

	current   zk.Epoch             // of the last leadership that this server took part in
	epoch     zk.Epoch             // of this one
	connected map[zk.ServerID]bool // voters that told their accepted epoch
	promised  map[zk.ServerID]bool // voters that promised epoch
	confirmed map[zk.ServerID]bool // voters that acknowledged NEWLEADER

	peers map[LinkID]*peer
	order []*peer // as they connected

	initial   zk.Zxid // the end of the history that leadership began with
	durable   zk.Zxid // own log
	committed zk.Zxid // initial at first: a quorum takes that over whole
	pending   zk.Zxid // the reconfiguration under way, 0 for none
	syncs     []pendingSync
	// Rounds in which a quorum is asked whether it follows, see pendingSync. One
	// is under way while round is above confirmedRound.
	round, confirmedRound int64
	roundHeard            map[zk.ServerID]bool
	votes                 []vote // scratch

	granted time.Time // until then an oracle lets this server go on alone

	handing *handOver // leadership is on its way to another; nil: no
}

// NewLeader begins to lead: it waits for a quorum to connect.
func NewLeader(o Options, now time.Time, out *Output) *Leader {
	last := o.History.Last()
	l := &Leader{
		o: o, config: o.Config, history: o.History, text: o.Config.Newest().Text(),
		current: max(o.Current, 0), now: now, began: now, nextHalf: now.Add(o.Tick / 2),
		connected: make(map[zk.ServerID]bool),
		promised:  make(map[zk.ServerID]bool),
		confirmed: make(map[zk.ServerID]bool),
		peers:     make(map[LinkID]*peer),
		initial:   last, durable: last, committed: last,
	}
	l.enter(discovering)
	if o.Appointed {
		l.deadline = now.Add(appointedTime)
	}
	switch {
	case !o.Config.IsVoter(o.Self):
		l.resign("this server has no vote", out)
	case o.untrusted():
		l.resign("this server has no history, and does not count before it has synced", out)
	default:
		l.connect(o.Self, max(o.Accepted, 0), out)
	}
	out.WakeAt = l.nextHalf
	return l
}

// Epoch returns the epoch of this leadership, once it is chosen.
func (l *Leader) Epoch() zk.Epoch { return l.epoch }

// Established reports whether a quorum has this leader's history, so that it may
// propose.
func (l *Leader) Established() bool { return l.phase == broadcasting }

// Committed returns the zxid up to which everything is committed. Before the
// leader is established it says nothing.
func (l *Leader) Committed() zk.Zxid { return l.committed }

// NextZxid returns the zxid that the next Propose must carry.
func (l *Leader) NextZxid() zk.Zxid { return l.lastProposed() + 1 }

// lastProposed is where proposals go on from: the epoch's beginning at first.
func (l *Leader) lastProposed() zk.Zxid { return max(l.history.Last(), l.start()) }

// start is the zxid of NEWLEADER: the epoch with counter 0.
func (l *Leader) start() zk.Zxid { return zk.MakeZxid(l.epoch, 0) }

// Step takes one input and appends what it wants done to out, in order.
func (l *Leader) Step(now time.Time, in Input, out *Output) {
	if l.phase == resigned {
		out.WakeAt = time.Time{} // nothing is a matter of time any more
		return
	}
	l.now = now
	switch in := in.(type) {
	case Tick:
		l.tick(out)
	case LinkUp:
		l.linkUp(in.Link, out)
	case LinkDown:
		l.forget(l.peers[in.Link])
	case Received:
		if p := l.peers[in.Link]; p != nil {
			l.receive(p, &in.Packet, out)
		}
	case Sync:
		if !l.sync(pendingSync{local: true}, out) {
			l.resign("too many syncs wait", out)
		}
	case Looking:
		l.onLooking(in.Server, out)
	case Propose:
		l.propose(in.Record, out)
	case Oracle:
		l.hearOracle(in, out)
	case HandOver:
		l.beginHandOver("planned hand-over", in.Leaving, in.Leaving || in.Away, out)
	case Durable:
		checkDurable(in.Zxid, l.history)
		l.durable = max(l.durable, in.Zxid)
		l.commit(out)
	case Persisted:
		l.persisted(in.Persist, out)
	case SnapshotReady:
		if p := l.peers[in.Link]; p != nil && p.stage == awaitSnapshot {
			l.sendSnapshot(p, in.Zxid, out)
		}
	}
	l.tryHandOver(out)
	out.WakeAt = l.wakeAt()
}

// wakeAt is when time matters next.
func (l *Leader) wakeAt() time.Time {
	if h := l.handing; h != nil && h.deadline.Before(l.nextHalf) {
		return h.deadline
	}
	return l.nextHalf
}

// enter begins a phase and gives it its time.
func (l *Leader) enter(p leaderPhase) {
	l.phase = p
	l.deadline = l.now.Add(l.o.ticks(l.o.InitLimit))
}

// resign ends the leadership.
func (l *Leader) resign(reason string, out *Output) {
	l.phase = resigned
	out.StepDown = reason
}

// hasQuorum reports whether this server and a quorum are in set.
func (l *Leader) hasQuorum(set map[zk.ServerID]bool) bool {
	return set[l.o.Self] && (l.config.ContainsQuorum(func(id zk.ServerID) bool { return set[id] }) || l.alone())
}

// linkUp admits a connection, which has to introduce itself.
func (l *Leader) linkUp(link LinkID, out *Output) {
	if len(l.order) >= linksMax {
		out.Close = append(out.Close, Closed{Link: link, Reason: "too many connections"})
		return
	}
	p := &peer{link: link, deadline: l.now.Add(l.o.ticks(l.o.InitLimit + l.o.SyncLimit))}
	l.peers[link] = p
	l.order = append(l.order, p)
}

// close ends a link.
func (l *Leader) close(p *peer, out *Output, format string, args ...any) {
	reason := fmt.Sprintf(format, args...)
	if p.stage != awaitInfo {
		reason = fmt.Sprintf("server %d: %s", p.server, reason)
	}
	out.Close = append(out.Close, Closed{Link: p.link, Reason: reason})
	l.forget(p)
}

// forget drops what is known of a link.
func (l *Leader) forget(p *peer) {
	if p == nil {
		return
	}
	delete(l.peers, p.link)
	l.order = slices.DeleteFunc(l.order, func(o *peer) bool { return o == p })
	l.syncs = slices.DeleteFunc(l.syncs, func(s pendingSync) bool { return !s.local && s.link == p.link })
}

// send queues a packet for a learner.
func (l *Leader) send(p *peer, packet peerwire.Packet, out *Output) {
	out.Send = append(out.Send, Sent{Link: p.link, Packet: packet})
}
