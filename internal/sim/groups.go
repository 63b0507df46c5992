package sim

import (
	"fmt"

	"ostler/internal/ensemble"
	"ostler/internal/zk"
)

// drawGroups puts the voters of some ensembles into groups, with weights, so that a
// quorum is a majority of the groups, each by a majority of its weight (quorum.md 1.4). It
// has dice of its own: all other seeds stay what they were.
func drawGroups(w *World, r *Roles) {
	dice := w.dice(12)
	if r.Voters < 3 || dice.IntN(6) > 0 {
		return
	}
	if r.Voters == 5 && dice.IntN(2) == 0 {
		r.Voters = 7
	}
	r.Groups, r.Weights = make(map[zk.ServerID]int64), make(map[zk.ServerID]int64)
	groups := 1 + dice.Int64N(3)
	for i := range r.Voters {
		id := zk.ServerID(i + 1)
		r.Groups[id] = 1 + dice.Int64N(groups)
		if dice.IntN(3) == 0 {
			r.Weights[id] = 1 + dice.Int64N(3)
		}
	}
	if dice.IntN(2) == 0 { // one that votes without effect and never leads
		r.Weights[zk.ServerID(1+dice.IntN(r.Voters))] = 0
	}
}

// config is the configuration that a server begins with.
func (s *Setup) config() *ensemble.Config {
	c := &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member), Groups: s.Groups, Weights: s.Weights}
	for _, id := range s.Servers {
		m := ensemble.Member{ID: id, QuorumAddr: ensemble.Addrs(QuorumAddr(id)), ElectionAddr: ensemble.Addrs(ElectionAddr(id))}
		if s.TwoNetworks {
			m.QuorumAddr += ensemble.Addrs(fmt.Sprintf("|%s:%d", SecondName(id), quorumPort))
			m.ElectionAddr += ensemble.Addrs(fmt.Sprintf("|%s:%d", SecondName(id), electionPort))
		}
		if s.observes(id) {
			m.Role = ensemble.Observer
		}
		c.Members[id] = m
	}
	return c
}

// spared reports whether the others are a quorum without a server.
func (e *Ensemble) spared(id zk.ServerID) bool {
	return e.Members[0].setup.config().ContainsQuorum(func(o zk.ServerID) bool { return o != id })
}
