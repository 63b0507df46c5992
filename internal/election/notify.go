package election

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// Notify takes a notification, in any state (quorum.md 3.3).
func (c *Core) Notify(now time.Time, from zk.ServerID, n peerwire.Notification, out *Output) {
	defer c.wake(out)
	switch {
	case from == c.o.Self:
		// A copy of this server, or a mistake: not a vote.
	case c.outdated(&n, out):
	case !c.o.Config.IsVoter(from):
		c.answerOutsider(now, from, &n, out)
	case c.running && n.State == peerwire.Looking:
		c.onLooking(now, from, &n, out)
	case c.running:
		c.onSettled(now, from, &n, out)
	case c.state == peerwire.Looking:
		n.Config = nil
		c.early[from] = n
	case n.State == peerwire.Looking:
		c.send(from, c.current, c.state, out)
	}
}

// outdated reports whether the sender has a newer configuration in force, which is
// taken over while this server looks for a leader (quorum.md 3.11, R29).
func (c *Core) outdated(n *peerwire.Notification, out *Output) bool {
	if !c.o.Reconfig || !c.running || len(n.Config) == 0 {
		return false
	}
	config, err := ensemble.ParseConfig(n.Config)
	if err != nil || config.Version <= c.o.Config.Version {
		return false
	}
	out.Config = config
	return true
}

// answersEvery is how often a server without a vote is answered at most, and answersMax how
// many such are remembered.
const (
	answersEvery = 100 * time.Millisecond
	answersMax   = 1024
)

// answerOutsider tells a server without a vote how things are. Its own message never
// enters the algorithm. Two servers that have no vote, each as the other sees it, would
// answer each other's answers for ever: so only who looks is answered, and not at once
// again.
func (c *Core) answerOutsider(now time.Time, to zk.ServerID, n *peerwire.Notification, out *Output) {
	if last, ok := c.answered[to]; n.State != peerwire.Looking || ok && now.Sub(last) < answersEvery {
		return
	}
	if len(c.answered) >= answersMax {
		clear(c.answered)
	}
	c.answered[to] = now
	v := c.current
	v.ElectionEpoch = c.round
	c.send(to, v, c.state, out)
}

// onLooking takes the vote of a server that is looking, too.
func (c *Core) onLooking(now time.Time, from zk.ServerID, n *peerwire.Notification, out *Output) {
	v := voteOf(n)
	if v.ElectionEpoch < 0 || v.ElectionEpoch > roundMax {
		return
	}
	if !c.voter {
		// Settles with those who have settled (quorum.md 3.12), and must not
		// answer: the voter would answer that, and so on.
		return
	}
	if v.ElectionEpoch < c.round {
		c.send(from, c.proposed, peerwire.Looking, out)
	}
	// A vote without a valid candidate still tells whether its voter is empty.
	c.heard[from] = v.empty()
	c.recognise(now, out)
	switch {
	case v.ElectionEpoch < c.round:
		return
	case v.ElectionEpoch > c.round:
		c.joinRound(now, v, out)
	case !c.counts || !c.counted(v):
	case better(c.o.Config, v, c.proposed):
		c.propose(now, v, out)
	case better(c.o.Config, c.proposed, v):
		// What was broadcast may have come before its election began, when a server
		// only answers: it would hear of the better vote no sooner than it is resent.
		c.send(from, c.proposed, peerwire.Looking, out)
	}
	if c.counted(v) {
		c.votes[from] = ballot{Vote: v, state: peerwire.Looking}
	}
	c.consider(now, out)
}

// counted reports whether a vote is one: for a voter, and not by or for a server
// whose empty history is not trusted (quorum.md 3.8).
func (c *Core) counted(v Vote) bool { return v.Zxid != -1 && c.inForce.IsVoter(v.Leader) }

// joinRound goes on to a later round, with nothing of the earlier one.
func (c *Core) joinRound(now time.Time, v Vote, out *Output) {
	c.round = v.ElectionEpoch
	clear(c.votes)
	if c.counts && c.counted(v) && better(c.o.Config, v, c.initial) {
		c.propose(now, v, out)
	} else {
		c.propose(now, c.initial, out)
	}
}

// recognise begins to count this empty server once all others proved empty.
func (c *Core) recognise(now time.Time, out *Output) {
	if c.counts || len(c.waitingFor()) > 0 {
		return
	}
	c.counts = true
	c.initial = c.campaign(0, 0)
	c.current.Zxid, c.current.PeerEpoch = 0, 0
	best := c.initial
	for _, id := range c.voters {
		if b, ok := c.votes[id]; ok && better(c.o.Config, b.Vote, best) {
			best = b.Vote
		}
	}
	c.propose(now, best, out)
}

// onSettled takes the word of a server that has found its leader.
func (c *Core) onSettled(now time.Time, from zk.ServerID, n *peerwire.Notification, out *Output) {
	c.heard[from] = false
	if n.State != peerwire.Following && n.State != peerwire.Leading || !c.inForce.IsVoter(n.Leader) {
		return
	}
	b := ballot{Vote: voteOf(n), state: n.State}
	if n.ElectionEpoch == c.round {
		// Within one round votes compare by id alone (quorum.md 3.5).
		c.votes[from] = b
		probe := b
		probe.version = n.Version
		if c.settledOn(c.votes, probe) {
			c.follow(now, b.Vote, out)
			return
		}
	}
	b.version = n.Version
	c.settled[from] = b
	if c.settledOn(c.settled, b) || c.led(now, b.Vote, n.State) {
		c.follow(now, b.Vote, out)
		return
	}
	c.consider(now, out)
}

// settledOn reports whether enough servers have settled on the leader of b to join them.
// To follow, a quorum of the configuration in force is enough: a leader that does not
// know of the proposed one counts by its own, and ends the proposal with its history.
// Who would wait for a quorum of both may wait for itself, for ever (INV-L2). To lead
// takes both (quorum.md R14), as it does in the discovery of every leader.
func (c *Core) settledOn(ballots map[zk.ServerID]ballot, b ballot) bool {
	config := c.inForce
	if b.Leader == c.o.Self {
		config = c.o.Config
	}
	return supports(config, ballots, b) && c.leads(ballots, b.Vote)
}

// leads reports whether the leader of v is known to lead, so that nobody follows a
// dead one (quorum.md 3.7).
func (c *Core) leads(ballots map[zk.ServerID]ballot, v Vote) bool {
	if v.Leader == c.o.Self {
		return c.counts && c.round == v.ElectionEpoch
	}
	b, ok := ballots[v.Leader]
	return ok && b.state == peerwire.Leading
}

// follow joins those who have settled.
func (c *Core) follow(now time.Time, v Vote, out *Output) {
	if now.Before(c.joinAt) && v.Leader != c.o.Self {
		return // the answers to the next broadcast come after the pause
	}
	if v.ElectionEpoch >= 0 && v.ElectionEpoch <= roundMax {
		c.round = v.ElectionEpoch
	}
	c.settle(v, out)
}
