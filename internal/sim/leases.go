package sim

import (
	"math"
	"slices"
	"time"

	"ostler/internal/zk"
)

// Leases are what servers owe to the sessions whose clients show signs of life: none is
// given up while it does, and time in which its server or the leader stood still does not
// count (INV-S4). Judged is each expiry, when the leader decides it.
//
//	signs      s  s  s                                      decided
//	leader     |--|--|--| paused             |--|--|--|--|--|--|--X
//	counted          '--'                    '--------------------'  must be the timeout
//
// A sign of life counts if it can have reached the leader: it was sent on a connection
// whose other end is there, to a member that followed this leader all the time since, and
// not another follower, and nothing between them was broken. Once the leader has let the
// session in through another server it waits for nothing more from the one before.
type leases struct {
	e     *Ensemble
	signs map[zk.SessionID][]sign
}

// A sign is a frame that a client sent on a connection that has its session.
type sign struct {
	at      time.Duration
	client  *Machine
	server  *Member
	timeout time.Duration
}

// signsMax is how many signs are kept of a session.
const signsMax = 200

func newLeases(e *Ensemble) *leases { return &leases{e: e, signs: make(map[zk.SessionID][]sign)} }

// sent records a sign of life, at most four in a tick. A client that talks to a machine
// which went without a word talks to nobody, whoever has come back in its place since.
func (l *leases) sent(c *Client) {
	if c.stream.(*end).peer.state != open {
		return
	}
	now := l.e.W.Now()
	all := l.signs[c.session]
	if n := len(all); n > 0 && now-all[n-1].at < l.e.tick/4 {
		return
	}
	l.signs[c.session] = l.with(all, c, now)
}

// with adds a sign of life that a client gave at a time.
func (l *leases) with(all []sign, c *Client, at time.Duration) []sign {
	for _, m := range l.e.Members {
		if ClientAddr(m.ID) == c.server && m.master() == 0 {
			all = append(all, sign{at, l.e.W.names[c.name], m, c.timeout})
		}
	}
	return all[max(0, len(all)-signsMax):]
}

// attached records that a session was let in through a server that was asked at a time,
// which is a sign of life. No pause of an earlier server keeps it alive any more.
func (l *leases) attached(c *Client, asked time.Duration) {
	here := slices.DeleteFunc(l.signs[c.session], func(s sign) bool { return ClientAddr(s.server.ID) != c.server })
	l.signs[c.session] = l.with(here, c, asked)
}

// hungUp forgets what may have been lost with a connection.
func (l *leases) hungUp(c *Client) {
	all := l.signs[c.session]
	for len(all) > 0 && all[len(all)-1].at >= l.e.W.Now()-l.e.tick/2 {
		all = all[:len(all)-1]
	}
	l.signs[c.session] = all
}

// expired judges that a server gives a session up.
func (l *leases) expired(leader zk.ServerID, id zk.SessionID) {
	w := l.e.W
	l.e.Load.met("an expiry")
	if l.e.settings.Charged {
		return
	}
	for _, s := range l.signs[id] {
		lead := l.e.Members[slices.IndexFunc(l.e.Members, func(m *Member) bool { return m.ID == leader })]
		if !l.e.reaches(s, lead) {
			continue
		}
		l.e.Load.met("a sign of life judged")
		stopped, pauses := stoppedSince(s.at, w.Now(), lead.M, s.server.M)
		counted := w.Now() - s.at - stopped
		// A step of half a tick that ends in a pause is not told from the pause, and a
		// pause that is hardly longer than that is not noticed.
		slack := time.Duration(pauses)*l.e.tick*3/4 + 10*time.Millisecond
		if counted > l.e.tick && counted < s.timeout-slack {
			w.Failf("session %v is given up by server %d, but its client spoke to server %d %v ago, of which %v count; its timeout is %v (INV-S4)",
				id, leader, s.server.ID, w.Now()-s.at, counted, s.timeout)
		}
	}
}

// reaches reports whether a sign of life can have reached a leader and still counts.
func (e *Ensemble) reaches(s sign, leader *Member) bool {
	w := e.W
	lead, at := e.O.views[leader.ID], e.O.views[s.server.ID]
	switch {
	case !s.server.M.Running() || lead == nil || at == nil || !lead.established || !at.established:
		return false
	case at.epoch != lead.epoch || lead.since >= s.at || at.since >= s.at:
		return false
	case !w.soundSince(s.client, s.server.M, s.at):
		return false
	case leader == s.server:
		return true
	}
	// A learner that is stopped for so long is sent away, and cannot know it yet.
	tooLong := 4 * e.tick
	return w.soundSince(s.server.M, leader.M, s.at) && w.soundSince(leader.M, s.server.M, s.at) &&
		s.server.M.longestStop(s.at) < tooLong && leader.M.longestStop(s.at) < tooLong
}

// A span is a time in which a machine stood still.
type span struct{ from, to time.Duration }

// noteStop and noteGo are the beginning and the end of a pause.
func (m *Machine) noteStop() {
	if n := len(m.stops); n == 0 || m.stops[n-1].to != math.MaxInt64 {
		m.stops = append(m.stops, span{m.w.Now(), math.MaxInt64})
	}
}

func (m *Machine) noteGo() {
	if n := len(m.stops); n > 0 {
		m.stops[n-1].to = min(m.stops[n-1].to, m.w.Now())
	}
}

// longestStop is the longest stop that was not over at a time.
func (m *Machine) longestStop(since time.Duration) (longest time.Duration) {
	for _, s := range m.stops {
		if s.to >= since {
			longest = max(longest, min(s.to, m.w.Now())-s.from)
		}
	}
	return longest
}

// stoppedSince is for how long, in a time, one machine or the other stood still, and
// how often.
func stoppedSince(from, to time.Duration, a, b *Machine) (stopped time.Duration, n int) {
	all := slices.Clone(a.stops)
	if a != b {
		all = append(all, b.stops...)
	}
	slices.SortFunc(all, func(x, y span) int { return int(x.from - y.from) })
	for _, s := range all {
		if s.to < from {
			continue
		}
		n++
		if begin, end := max(s.from, from), min(s.to, to); end > begin {
			stopped += end - begin
			from = end
		}
	}
	return stopped, n
}

// soundLatency is what a link takes at most that is not slow.
const soundLatency = int64(5 * time.Millisecond)

// settleTime is how long after trouble the bytes that it kept may still be under way.
const settleTime = int64(500 * time.Millisecond)

// trouble notes that a link is not as it should be until a time.
func (l *link) trouble(until int64) { l.troubled = max(l.troubled, until+settleTime) }

// set makes a link as fast as it is to be.
func (l *link) set(now, latency, jitter int64) {
	l.trouble(now)
	l.latency, l.jitter = latency, jitter
}

// soundSince reports whether nothing has been wrong with a link since a time.
func (w *World) soundSince(from, to *Machine, since time.Duration) bool {
	l := w.link(from, to)
	return !l.cut && l.latency+l.jitter < soundLatency && l.troubled < int64(since) && !w.darkened(from) && !w.darkened(to)
}
