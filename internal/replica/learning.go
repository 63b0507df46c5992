package replica

import (
	"errors"
	"time"

	"ostler/internal/datadir"
	"ostler/internal/env"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// How often and for how long a learner dials a leader that may not have opened
// its port yet (quorum.md 4.3).
const (
	dialTries      = 16
	dialFirstPause = 2 * time.Millisecond // doubles up to leaderConnectDelayDuringRetryMs
)

// A dialState is an attempt to reach the leader.
type dialState struct {
	tries    int
	next     time.Time // when to try again; zero while a dial is under way
	deadline time.Time
}

// connect begins the way to a leader.
func (r *Replica) connect() {
	limit := r.cfg.ConnectLimit
	if limit == 0 {
		limit = r.cfg.InitLimit
	}
	r.phase = connecting
	r.election.SetRole(r.role)
	now := r.clock.Now()
	r.dial = dialState{deadline: now.Add(r.ticks(limit))}
	if !r.delayConnecting(now) {
		r.dialLeader()
	}
}

// dialLeader opens a connection to the leader's quorum port.
func (r *Replica) dialLeader() {
	m, ok := r.member(r.leaderID)
	if !ok {
		r.leaveRole("the elected leader is not a member")
		return
	}
	r.dial.next = time.Time{}
	r.dial.tries++
	term := r.term
	timeout := r.dial.deadline.Sub(r.clock.Now())
	r.dialServer(r.upstream(m), timeout, func(s env.Stream, err error) env.Handler {
		if err != nil {
			r.inbox.Put(evDialled{term: term, err: err})
			return nil
		}
		link := r.newLink(s, true)
		r.inbox.Put(evDialled{term: term, link: link})
		return link
	})
}

// dialAgain tries once more when it is time.
func (r *Replica) dialAgain(now time.Time) {
	if !r.dial.next.IsZero() && !now.Before(r.dial.next) {
		r.dialLeader()
	}
}

// onDialled goes on once the leader was reached, or was not.
func (r *Replica) onDialled(e evDialled) {
	if e.term != r.term || r.phase != connecting {
		if e.link != nil {
			e.link.Close()
		}
		return
	}
	now := r.clock.Now()
	if e.err != nil {
		pause, last := r.dialPauseAfter(r.dial.tries)
		if last || !now.Before(r.dial.deadline) {
			r.log.Warn("cannot reach the leader", "leader", int64(r.leaderID), "err", e.err)
			r.leaveRole("the leader cannot be reached")
			return
		}
		r.dial.next = now.Add(pause)
		return
	}
	r.leaderLink = zab.LinkID(e.link.ID)
	r.links[r.leaderLink] = e.link
	e.link.SetReadTimeout(r.ticks(r.cfg.InitLimit))
	r.phase = learning
	r.initFresh()
	o := r.zabOptions()
	o.ByMaster = r.masters.at != 0
	r.learner = zab.NewLearner(o, r.leaderLink, now, &r.out)
	r.afterStep()
}

// stepLearner hands an input to the learner core.
func (r *Replica) stepLearner(in zab.Input) {
	r.learner.Step(r.clock.Now(), in, &r.out)
	r.afterStep()
}

// newLink wraps a stream of the quorum port, to a leader or from a learner.
func (r *Replica) newLink(s env.Stream, toLeader bool) *peers.Link {
	return peers.NewLink(r.linkID(), s, linkOwner{r, toLeader}, r.pusher.loop)
}

// onTruncated takes over what truncating left (quorum.md R3), also when the role
// that asked for it is over: it happened.
func (r *Replica) onTruncated(e evTruncated) {
	if errors.Is(e.err, datadir.ErrUnreachable) {
		// Nothing was changed: the core asks for a snapshot (quorum.md R24).
		r.step1(zab.Failed{Err: e.err})
		return
	}
	if e.err != nil {
		r.fail(e.err)
		return
	}
	if e.tree != nil {
		r.adoptTree(e.tree, e.last, e.fuzzy)
	}
	if e.term != r.term || r.phase != learning {
		r.history.TruncateAfter(e.last)
		return
	}
	r.stepLearner(zab.Truncated{Last: e.last})
	if e.tree != nil {
		r.findPending(e.tree) // what was proposed may have been cut off
	}
	r.continueLink()
}

// onInstalled takes over the state that a leader's snapshot brought.
func (r *Replica) onInstalled(e evInstalled) {
	if e.err != nil {
		r.fail(e.err)
		return
	}
	r.adoptTree(e.tree, e.zxid, true)
	r.shadow.spoilt = false
	if e.term != r.term || r.phase != learning {
		r.history.Reset(e.zxid)
		return
	}
	r.stepLearner(zab.SnapReceived{Zxid: e.zxid})
	r.findPending(e.tree)
	r.continueLink()
}

// continueLink lets the packets behind a TRUNC or SNAP come.
func (r *Replica) continueLink() {
	if l := r.links[r.leaderLink]; l != nil && r.phase == learning {
		l.Continue()
	}
}

// answerPing tells the leader which sessions gave a sign of life (quorum.md 4.13).
func (r *Replica) answerPing(zxid zk.Zxid) {
	if j := r.o.Judge; j != nil {
		j.Pinged(zxid)
	}
	r.sendLeader(peerwire.Packet{Type: peerwire.Ping, Zxid: zxid, Data: peerwire.AppendTouches([]byte{}, r.touchedAll())})
}

// sendLeader sends a packet on the link to the leader.
func (r *Replica) sendLeader(p peerwire.Packet) {
	if l := r.links[r.leaderLink]; l != nil {
		l.Send(&p)
	}
}

// syncNames are the ways in which a leader brings a learner up to date.
var syncNames = map[peerwire.PacketType]string{peerwire.Diff: "DIFF", peerwire.Trunc: "TRUNC", peerwire.Snap: "SNAP"}

// noteSync logs how this learner is brought up to date: operators look for it.
func (r *Replica) noteSync(p peerwire.Packet) {
	if name, ok := syncNames[p.Type]; ok && r.phase == learning {
		r.log.Info("the leader brings this server up to date", "by", name, "zxid", p.Zxid, "own", r.history.Last())
		if j := r.o.Judge; j != nil {
			j.Syncing(name, p.Zxid)
		}
	}
}
