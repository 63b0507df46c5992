package election

import (
	"math"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// none is what servers without a vote put in place of a number (quorum.md 3.1).
const none = math.MinInt64

// roundMax bounds the rounds taken over from others, so that counting on never
// overflows.
const roundMax = 1 << 62

// A ballot is a vote as it was received.
type ballot struct {
	Vote
	state   peerwire.ServerState
	version int32 // of the notification; settles how votes compare
}

// voteOf returns the vote in a notification.
func voteOf(n *peerwire.Notification) Vote {
	return Vote{Leader: n.Leader, Zxid: n.Zxid, ElectionEpoch: n.ElectionEpoch, PeerEpoch: n.PeerEpoch}
}

// better reports whether a is to be preferred to b (quorum.md 3.4).
func better(c *ensemble.Config, a, b Vote) bool {
	switch {
	case c.Weight(a.Leader) == 0:
		return false
	case a.PeerEpoch != b.PeerEpoch:
		return a.PeerEpoch > b.PeerEpoch
	case a.Zxid != b.Zxid:
		return a.Zxid > b.Zxid
	default:
		return a.Leader > b.Leader
	}
}

// agrees reports whether two ballots are for the same reign (quorum.md 3.5).
// Settled servers may differ in zxid and round and still mean the same.
func agrees(a, b ballot) bool {
	if a.state == peerwire.Looking || b.state == peerwire.Looking {
		return a.Vote == b.Vote
	}
	if (a.version > 0) != (b.version > 0) {
		return a.Leader == b.Leader
	}
	return a.Leader == b.Leader && a.PeerEpoch == b.PeerEpoch
}

// empty reports whether a vote proves that its voter holds nothing committed (see
// the package comment).
func (v Vote) empty() bool { return v.Zxid <= 0 }

// supports reports whether a quorum of ballots agrees with b.
func supports(c *ensemble.Config, ballots map[zk.ServerID]ballot, b ballot) bool {
	return c.ContainsQuorum(func(id zk.ServerID) bool {
		o, ok := ballots[id]
		return ok && agrees(o, b)
	})
}
