package election

import (
	"maps"
	"slices"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// outsiderMaxInterval bounds the back-off of a server without a vote: nobody
// tells it when an election ends, it has to ask.
const outsiderMaxInterval = 2 * time.Second

// How many elections in a row may lead nowhere before a server takes its time, and
// the most that it takes.
const (
	fruitlessFree = 3
	joinMaxPause  = 5 * time.Second
)

// A Core is one server's part in elections, for the life of the process.
type Core struct {
	o      Options
	voters []zk.ServerID
	voter  bool // this server has a vote
	// inForce is the configuration without the one proposed behind it. Its voters alone
	// are candidates: who votes only in one that is proposed cannot be known to all
	// (quorum.md 3.4).
	inForce *ensemble.Config
	text    []byte

	state   peerwire.ServerState
	current Vote  // what the others are told (quorum.md 3.10)
	round   int64 // "logical clock"

	// The election that runs; meaningless while running is false.
	running  bool
	initial  Vote
	proposed Vote
	counts   bool // this server's own history counts; once true it stays
	votes    map[zk.ServerID]ballot
	settled  map[zk.ServerID]ballot // "outOfElection"
	heard    map[zk.ServerID]bool   // voters heard; true: its history is empty
	interval time.Duration          // back-off between broadcasts
	resendAt time.Time
	joinAt   time.Time // not before this are those who have settled joined
	settleAt time.Time // zero unless a quorum agrees with proposed

	// fruitless counts the elections since the last established leadership.
	fruitless int

	// What arrived between two elections, the last of each voter.
	early map[zk.ServerID]peerwire.Notification

	// gone are those whose link was lost and is not back: no vote of theirs is on
	// its way.
	gone map[zk.ServerID]bool

	// granted is until when an oracle lets this server go on alone.
	granted time.Time

	// answered is when a server without a vote was last answered.
	answered map[zk.ServerID]time.Time
}

// New returns a core that is in no election yet.
func New(o Options) *Core {
	c := &Core{
		o:       o,
		current: Vote{Leader: o.Self, ElectionEpoch: -1},
		early:   make(map[zk.ServerID]peerwire.Notification),
		gone:    make(map[zk.ServerID]bool), answered: make(map[zk.ServerID]time.Time),
	}
	c.SetConfig(o.Config, o.Observer)
	return c
}

// SetConfig changes who votes, and whether this server only observes. An election
// that runs must be started anew.
func (c *Core) SetConfig(config *ensemble.Config, observer bool) {
	c.o.Config, c.o.Observer = config, observer
	c.voters, c.inForce = config.Voters(), config.With(nil)
	c.voter = config.IsVoter(c.o.Self) && !observer
	if c.o.Outsider {
		config = config.WithVersion(0)
	}
	c.text = config.Text()
}

// State returns what this server tells the others that it is.
func (c *Core) State() peerwire.ServerState { return c.state }

// Vote returns the vote of the running election, or the outcome of the last one.
func (c *Core) Vote() Vote {
	if c.running {
		return c.proposed
	}
	return c.current
}

// Trusted reports whether the history of this server counts, though it may be
// empty: it was said to, or all members proved empty. It is what
// zab.Options.TrustEmpty has to be. A server that took a role with it may record
// that, durably, and say so to Start after a restart.
func (c *Core) Trusted() bool { return c.counts }

// SetRole tells what the server is now. Looking stands for the time between a role
// and the next Start: nothing is promised in it.
func (c *Core) SetRole(state peerwire.ServerState) {
	c.state = state
	c.running = false
}

// SetEpoch is called once a leadership is established, at a learner once it is up to
// date, with its epoch: those who come late compare it (quorum.md 3.10).
func (c *Core) SetEpoch(e zk.Epoch) {
	c.current.PeerEpoch = e
	c.fruitless = 0
}

// Appoint makes leader the outcome without an election: the configuration that has
// come into force names it (quorum.md 5.5). last and epoch are those on disk.
func (c *Core) Appoint(leader zk.ServerID, last zk.Zxid, epoch zk.Epoch, out *Output) {
	c.round++
	c.settle(Vote{Leader: leader, Zxid: last, ElectionEpoch: c.round, PeerEpoch: epoch}, out)
}

// Start begins an election. last and currentEpoch are those on disk; trusted says
// that an empty history counts.
func (c *Core) Start(now time.Time, last zk.Zxid, currentEpoch zk.Epoch, trusted bool, out *Output) {
	c.state = peerwire.Looking
	c.running = true
	c.round++
	c.joinAt = now.Add(c.pause())
	c.fruitless++
	c.votes = make(map[zk.ServerID]ballot)
	c.settled = make(map[zk.ServerID]ballot)
	c.heard = make(map[zk.ServerID]bool)
	c.counts = c.counts || trusted || last > 0 || currentEpoch > 0
	c.initial = c.campaign(last, currentEpoch)
	c.current = c.initial
	c.current.ElectionEpoch = -1
	c.propose(now, c.initial, out)
	c.recognise(now, out)
	c.consider(now, out)
	early := c.early
	c.early = make(map[zk.ServerID]peerwire.Notification)
	for _, id := range slices.Sorted(maps.Keys(early)) {
		if c.running {
			c.Notify(now, id, early[id], out)
		}
	}
	c.wake(out)
}

// pause is how long to wait before joining those who have settled: a server that
// their leader sends away again and again must not spin (INV-L2).
func (c *Core) pause() time.Duration {
	if c.fruitless <= fruitlessFree {
		return 0
	}
	return min(c.o.MinInterval<<min(c.fruitless-fruitlessFree, 16), joinMaxPause)
}

// campaign is the vote that this server begins with (quorum.md 3.1).
func (c *Core) campaign(last zk.Zxid, currentEpoch zk.Epoch) Vote {
	v := Vote{Leader: c.o.Self, Zxid: max(last, 0), PeerEpoch: max(currentEpoch, 0)}
	switch {
	case !c.voter || !c.inForce.IsVoter(c.o.Self):
		v.Leader = none
		if c.o.Observer {
			v.Zxid, v.PeerEpoch = none, none
		}
	case !c.counts:
		v.Zxid, v.PeerEpoch = -1, -1
	}
	return v
}

// Tick lets time pass.
func (c *Core) Tick(now time.Time, out *Output) {
	if c.running && !c.settleAt.IsZero() && !now.Before(c.settleAt) {
		c.settle(c.proposed, out)
	}
	if c.running && !now.Before(c.resendAt) && c.alone(now) {
		c.settle(c.proposed, out)
	}
	if c.running && !now.Before(c.resendAt) {
		// Nothing new came for a while: a message may have been lost, or a
		// voter may not have a link to us.
		c.broadcast(out)
		out.Reconnect = true
		c.interval = min(2*c.interval, c.maxInterval())
		c.resendAt = now.Add(c.interval)
	}
	c.wake(out)
}

// Link tells that there is a link to a server, or that the link was lost.
func (c *Core) Link(now time.Time, id zk.ServerID, up bool, out *Output) {
	if up {
		delete(c.gone, id)
		return
	}
	c.gone[id] = true
	if c.running {
		c.consider(now, out)
		c.wake(out)
	}
}

// propose changes this server's vote and tells it.
func (c *Core) propose(now time.Time, v Vote, out *Output) {
	v.ElectionEpoch = c.round
	c.proposed = v
	c.settleAt = time.Time{}
	c.interval = min(c.o.MinInterval, c.maxInterval())
	c.resendAt = now.Add(c.interval)
	if c.voter && c.counts {
		c.votes[c.o.Self] = ballot{Vote: v, state: peerwire.Looking}
	}
	c.broadcast(out)
}

// maxInterval is the longest pause between two broadcasts.
func (c *Core) maxInterval() time.Duration {
	if c.voter {
		return c.o.MaxInterval
	}
	return min(c.o.MaxInterval, outsiderMaxInterval)
}

// broadcast sends the vote to every other voter.
func (c *Core) broadcast(out *Output) {
	for _, id := range c.voters {
		if id != c.o.Self {
			c.send(id, c.proposed, peerwire.Looking, out)
		}
	}
}

// send tells one server a vote.
func (c *Core) send(to zk.ServerID, v Vote, state peerwire.ServerState, out *Output) {
	out.Send = append(out.Send, Sent{To: to, Notification: peerwire.Notification{
		State: state, Leader: v.Leader, Zxid: v.Zxid, ElectionEpoch: v.ElectionEpoch, PeerEpoch: v.PeerEpoch,
		Version: 2, Config: c.text,
	}})
}

// consider looks whether a quorum agrees with the proposed vote, and for how long
// to wait for a better one (quorum.md 3.8). Nobody waits for a server that is gone:
// after a crash of the leader that would be most of the time without one.
func (c *Core) consider(now time.Time, out *Output) {
	if !c.voter || !c.counts {
		return
	}
	mine := ballot{Vote: c.proposed, state: peerwire.Looking}
	switch {
	case !supports(c.o.Config, c.votes, mine):
		c.settleAt = time.Time{}
	case c.unanimous(mine):
		// No better vote can come.
		c.settle(c.proposed, out)
	case c.settleAt.IsZero():
		c.settleAt = now.Add(c.o.Finalize)
	}
}

// unanimous reports whether every voter agrees that is not gone.
func (c *Core) unanimous(b ballot) bool {
	for _, id := range c.voters {
		if o, ok := c.votes[id]; !c.gone[id] && (!ok || !agrees(o, b)) {
			return false
		}
	}
	return true
}

// settle ends the election.
func (c *Core) settle(v Vote, out *Output) {
	c.running = false
	c.current = v
	switch {
	case v.Leader == c.o.Self:
		c.state = peerwire.Leading
		out.Backers = c.backers(v)
	case c.o.Observer:
		c.state = peerwire.Observing
	default:
		c.state = peerwire.Following
	}
	out.Settled = &v
	out.WaitingFor = nil
}

// backers are the others who agree with a vote.
func (c *Core) backers(v Vote) []zk.ServerID {
	var ids []zk.ServerID
	for _, id := range c.voters {
		if b, ok := c.votes[id]; ok && id != c.o.Self && agrees(b, ballot{Vote: v, state: peerwire.Looking}) {
			ids = append(ids, id)
		}
	}
	return ids
}

// wake says when to step again.
func (c *Core) wake(out *Output) {
	if !c.running {
		out.WakeAt = time.Time{}
		return
	}
	out.WakeAt = c.resendAt
	if !c.settleAt.IsZero() && c.settleAt.Before(out.WakeAt) {
		out.WakeAt = c.settleAt
	}
	out.WaitingFor = c.waitingFor()
}

// waitingFor lists the voters without whom this empty server cannot tell whether
// the ensemble is new: those not heard yet, and those that have history.
func (c *Core) waitingFor() []zk.ServerID {
	if !c.voter || c.counts {
		return nil
	}
	var ids []zk.ServerID
	for _, id := range c.voters {
		if id != c.o.Self && !c.heard[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
