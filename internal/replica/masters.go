package replica

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// masterList is whom an observer follows: one follower after another, in an order drawn
// once for each set of voters, so that observers spread and none comes back at once to
// the one it has lost (quorum.md 4.18).
type masterList struct {
	voters []zk.ServerID // sorted: what order was drawn for
	order  []zk.ServerID
	next   int
	at     zk.ServerID // the server at the other end; 0: the leader
}

// masterAddrs are where observers reach a server that is a master.
func masterAddrs(m ensemble.Member, to int) ensemble.Addrs {
	addrs := m.QuorumAddr.List()
	for i, addr := range addrs {
		addrs[i] = fmt.Sprintf("%s:%d", strings.TrimSuffix(addr, port(addr)), to)
	}
	return ensemble.Addrs(strings.Join(addrs, "|"))
}

// seeksMasters reports whether this server is an observer that does not burden the leader.
func (r *Replica) seeksMasters() bool {
	return r.role == peerwire.Observing && r.cfg.Learners.MasterPort > 0 && len(r.masterVoters()) > 0
}

// masterVoters are all who may be a master: the leader is none.
func (r *Replica) masterVoters() []zk.ServerID {
	return slices.DeleteFunc(r.ensemble.Voters(), func(id zk.ServerID) bool { return id == r.leaderID })
}

// upstream is whom a learner connects to next: the leader m or, of an observer, a master.
func (r *Replica) upstream(m ensemble.Member) ensemble.Member {
	l := &r.masters
	l.at = 0
	if !r.seeksMasters() {
		return m
	}
	if voters := r.ensemble.Voters(); !slices.Equal(voters, l.voters) {
		*l = masterList{voters: voters, order: slices.Clone(voters)}
		r.rand.Shuffle(len(voters), func(i, j int) { l.order[i], l.order[j] = l.order[j], l.order[i] })
	}
	for {
		id := l.order[l.next]
		l.next = (l.next + 1) % len(l.order)
		if m, ok := r.member(id); ok && id != r.leaderID {
			l.at = id
			m.QuorumAddr = masterAddrs(m, r.cfg.Learners.MasterPort)
			return m
		}
	}
}

// dialPauseAfter is how long to wait after so many tries; last means that there is none
// more. Of masters, each gets its tries, and only a whole round is followed by a pause.
func (r *Replica) dialPauseAfter(tries int) (pause time.Duration, last bool) {
	if !r.seeksMasters() {
		return min(r.cfg.Learners.DialPause, dialFirstPause<<min(tries-1, 20)), tries >= dialTries
	}
	round := len(r.masterVoters())
	if tries%round != 0 {
		return 0, false
	}
	return max(r.cfg.Learners.DialPause, r.drawDelay(r.cfg.Learners.ReconnectDelay)), tries >= dialTries*round
}

// drawDelay draws a delay below d, so that not all observers come at once.
func (r *Replica) drawDelay(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(r.rand.Int64N(int64(d)))
}

// delayConnecting puts an observer's way to the leader off (observer.reconnectDelayMs). It
// reports whether it did.
func (r *Replica) delayConnecting(now time.Time) bool {
	if d := r.shadowPause(); d > 0 {
		r.dial.next = now.Add(d)
		r.dial.deadline = r.dial.deadline.Add(d)
		return true
	}
	if r.role != peerwire.Observing || r.seeksMasters() {
		return false
	}
	d := r.drawDelay(r.cfg.Learners.ReconnectDelay)
	if d > 0 {
		r.dial.next = now.Add(d)
		r.dial.deadline = r.dial.deadline.Add(d)
	}
	return d > 0
}

// delayLooking puts off the election of a server that was an observer
// (observer.election.DelayMs).
func (r *Replica) delayLooking(was peerwire.ServerState) {
	r.lookAt = time.Time{}
	if was != peerwire.Observing {
		return
	}
	if d := r.drawDelay(r.cfg.Learners.ElectionDelay); d > 0 {
		r.lookAt = r.clock.Now().Add(d)
	}
}

// mayLook reports whether the time for an election has come, or none is needed.
func (r *Replica) mayLook() bool {
	if r.lookAt.IsZero() || r.designated != 0 || !r.clock.Now().Before(r.lookAt) {
		r.lookAt = time.Time{}
		return true
	}
	return false
}
