package sim

import "ostler/internal/zk"

// Roles are the parts that servers play.
type Roles struct {
	Voters, Observers int
	// Masters: observers follow followers (observerMasterPort, quorum.md 4.18).
	Masters bool
	// Narrow: one learner is brought up to date at a time (quorum.md 4.19), and masters
	// keep no more for observers than they have to.
	Narrow bool
	// Groups and Weights are set for a hierarchical quorum.
	Groups, Weights map[zk.ServerID]int64
}

// drawRoles draws an ensemble. Its observers are drawn with dice of their own: the
// voters of a seed stay what they were.
func drawRoles(w *World) Roles {
	sizes := [...]int{1, 3, 3, 3, 3, 5, 5}
	r := Roles{Voters: sizes[w.Rand.IntN(len(sizes))]}
	dice := w.dice(6)
	if r.Voters > 1 && dice.IntN(5) < 2 {
		r.Observers = 1 + dice.IntN(2)
		r.Masters = honoured(settingMaster) && dice.IntN(3) > 0
		r.Narrow = dice.IntN(2) == 0
	}
	drawGroups(w, &r)
	return r
}

const (
	settingMaster = "observerMasterPort"
	masterPort    = 2191
)

// A pupil tells which follower it follows, 0 for the leader.
type pupil interface{ Master() zk.ServerID }

// master is the follower that a server follows, 0 if it follows none.
func (m *Member) master() zk.ServerID {
	if p, ok := m.M.Server().(pupil); ok {
		return p.Master()
	}
	return 0
}

// metBehind notes what a client met at a server that follows a follower.
func (c *Client) metBehind(what string) {
	if c.load.behind != nil && c.load.behind(c.server) {
		c.load.met(what + " through a master")
	}
}

// behind reports whether the server at an address follows a follower.
func (e *Ensemble) behind(addr string) bool {
	for _, m := range e.Members {
		if ClientAddr(m.ID) == addr {
			return m.master() != 0
		}
	}
	return false
}

// observes reports whether a server begins as an observer.
func (s *Setup) observes(id zk.ServerID) bool { return int(id) > s.Voters }

// cover counts what observers did.
func (e *Ensemble) cover(c Coverage) {
	for _, m := range e.Members {
		if m.setup.observes(m.ID) && m.formed {
			c["an observer up to date"]++
		}
		if _, grouped := m.setup.Groups[m.ID]; grouped && m.formed {
			c["a member of a group up to date"]++
			if w, weighed := m.setup.Weights[m.ID]; weighed && w == 0 {
				c["a voter without weight up to date"]++
			}
		}
		if m.followed {
			c["an observer synced by a follower"]++
		}
	}
}
