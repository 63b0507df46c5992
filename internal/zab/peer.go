package zab

import (
	"iter"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A stage is how far a learner has come with its leader.
type stage int

const (
	awaitInfo      stage = iota // FOLLOWERINFO or OBSERVERINFO is due from it
	awaitEpoch                  // LEADERINFO is due from us
	awaitPromise                // ACKEPOCH is due
	awaitSync                   // until this leader's current epoch is on disk
	awaitSnapshot               // until a view of the tree is open
	awaitNewLeader              // ACK of NEWLEADER is due; proposals flow from here on
	joined                      // has the history; UPTODATE is due from us
	serving
)

// A peer is a learner at the leader.
type peer struct {
	link     LinkID
	server   zk.ServerID
	observer bool
	voter    bool
	stage    stage
	deadline time.Time // to be heard of again

	snapshot bool                // is sent one, which takes as long as it takes
	slot     peerwire.PacketType // Diff or Snap: counts among those that are being synchronised

	able     bool     // knows HANDOVER
	burnt    bool     // told that its promise is ahead of its current epoch
	accepted zk.Epoch // as FOLLOWERINFO told
	zxid     zk.Zxid  // as ACKEPOCH told
	current  zk.Epoch

	// base is where the learner's history was joined to ours: it holds everything
	// up to there, and no COMMIT for it is sent.
	base  zk.Zxid
	acked zk.Zxid           // it has everything up to here; valid once joined
	given zk.Zxid           // what it was sent before NEWLEADER ends here
	held  []peerwire.Packet // commits to send behind UPTODATE

	syncs  []zk.Zxid         // what its unanswered syncs wait for, oldest first
	behind []peerwire.Packet // commits to send behind the answers to those

	// One proposal is timed from when it was sent until it is acknowledged
	// (quorum.md 4.17); timed is 0 when none is.
	timed      zk.Zxid
	timedSince time.Time
}

// subscribed reports whether proposals and commits go to p.
func (p *peer) subscribed() bool { return p.stage >= awaitNewLeader }

// time begins to time a proposal unless an earlier one is being timed.
func (p *peer) time(zxid zk.Zxid, now time.Time) {
	if p.timed == 0 {
		p.timed, p.timedSince = zxid, now
	}
}

// A LearnerStatus describes a learner of this leader, for people.
type LearnerStatus struct {
	Server   zk.ServerID
	Link     LinkID
	Observer bool
	Voter    bool
	Synced   bool    // was sent UPTODATE
	Acked    zk.Zxid // the newest transaction it acknowledged
}

// Learners describes the learners in the order they connected.
func (l *Leader) Learners() iter.Seq[LearnerStatus] {
	return func(yield func(LearnerStatus) bool) {
		for _, p := range l.order {
			if p.stage == awaitInfo {
				continue
			}
			s := LearnerStatus{
				Server: p.server, Link: p.link, Observer: p.observer, Voter: p.voter,
				Synced: p.stage == serving, Acked: p.acked,
			}
			if !yield(s) {
				return
			}
		}
	}
}

// receive takes a packet from a learner.
func (l *Leader) receive(p *peer, packet *peerwire.Packet, out *Output) {
	l.heard(p)
	switch {
	case p.stage == awaitInfo:
		l.onInfo(p, packet, out)
	case packet.Type == peerwire.AckEpoch && p.stage == awaitPromise:
		l.onPromise(p, packet, out)
	case packet.Type == peerwire.Ack:
		l.onAck(p, packet.Zxid, out)
	case p.stage < joined || l.phase != broadcasting:
		l.close(p, out, "packet of type %d before it has synced", packet.Type)
	case packet.Type == peerwire.Ping:
		l.onPing(p, packet, out)
	case packet.Type == peerwire.Request:
		l.onRequest(p, packet, out)
	case packet.Type == peerwire.Revalidate:
		l.onRevalidate(p, packet, out)
	default:
		// Unknown types are ignored, as by every other server (quorum.md 4.11).
	}
}

// heard gives a learner new time to be heard of again (quorum.md 4.17).
func (l *Leader) heard(p *peer) {
	until := l.now.Add(l.o.ticks(l.o.SyncLimit))
	if p.stage == serving || until.After(p.deadline) {
		p.deadline = until
	}
}
