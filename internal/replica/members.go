package replica

import (
	"cmp"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/tree"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// An activation is a configuration that is being recorded, and what has to wait for
// that (INV-C3).
type activation struct {
	zab.Activation
	held     []func()    // in order
	stepDown string      // the core has left the role meanwhile
	next     zk.ServerID // to whom it handed over; 0: it did not
}

// members tells prep of the ensemble; replica loop only.
type members struct{ r *Replica }

// Config implements prep.Members.
func (m members) Config() *ensemble.Config {
	if m.r.leader == nil {
		return nil
	}
	return m.r.leader.Config()
}

// Synced implements prep.Members.
func (m members) Synced(c *ensemble.Config) bool { return m.r.leader.Synced(c) }

// VotersMin implements prep.Members.
func (m members) VotersMin() int {
	if m.r.cfg.StandaloneEnabled {
		return 2 // one would run alone after a restart (quorum.md 5.1)
	}
	return 1
}

// member returns the line of a server: as the newest configuration has it or, for
// this server before it is a member, as its own file does.
func (r *Replica) member(id zk.ServerID) (ensemble.Member, bool) {
	for _, c := range [...]*ensemble.Config{r.ensemble, r.ensemble.Newest()} {
		if m, ok := c.Members[id]; ok {
			return m, true
		}
	}
	if id != r.cfg.MyID {
		return ensemble.Member{}, false
	}
	m, ok := r.cfg.Ensemble.Members[id]
	return m, ok
}

// self is this server's own line.
func (r *Replica) self() ensemble.Member {
	m, _ := r.member(r.cfg.MyID)
	return m
}

// observes reports whether this server is an observer. One that is no member follows
// without a vote, until it is made one (quorum.md 5.3 step 8).
func (r *Replica) observes() bool {
	if r.cfg.Shadow {
		return true
	}
	m, ok := r.ensemble.Members[r.cfg.MyID]
	return ok && m.Role == ensemble.Observer
}

// electionAddrs are those of all other members.
func (r *Replica) electionAddrs() map[zk.ServerID][]string {
	addrs := make(map[zk.ServerID][]string)
	for _, c := range [...]*ensemble.Config{r.ensemble.Newest(), r.ensemble} {
		for id, m := range c.Members {
			if id != r.cfg.MyID {
				addrs[id] = m.ElectionAddr.List()
			}
		}
	}
	return addrs
}

// loadMembers takes the newest configuration that was in force here.
func (r *Replica) loadMembers(text []byte) {
	if r.ensemble == nil || !r.cfg.ReconfigEnabled || text == nil {
		return
	}
	c, err := ensemble.ParseConfig(text)
	if err != nil {
		r.log.Warn("the recorded configuration cannot be read; going on with that of the configuration file", "err", err)
		return
	}
	if c.Version > r.ensemble.Version {
		r.ensemble = c
	}
}

// findPending looks whether the history holds a configuration beyond the one in force:
// until that is known to be committed, both count (quorum.md R14). t has the whole
// history.
func (r *Replica) findPending(t *tree.Tree) {
	if !r.cfg.ReconfigEnabled {
		return
	}
	next := configIn(t)
	if next != nil && (next.Version <= r.ensemble.Version || zk.Zxid(next.Version) > r.history.Last()) {
		next = nil
	}
	r.ensemble = r.ensemble.With(next)
	r.useMembers()
}

// configIn reads the configuration in a tree; nil if there is none.
func configIn(t *tree.Tree) *ensemble.Config {
	var text []byte
	t.Read(zk.PathConfig, func(n *tree.Node) {
		if n != nil {
			text = n.Data
		}
	})
	c, err := ensemble.ParseConfig(text)
	if err != nil {
		return nil
	}
	return c
}

// useMembers tells the election who there is.
func (r *Replica) useMembers() {
	r.election.SetConfig(r.ensemble, r.observes())
	r.mesh.SetAddrs(r.electionAddrs())
}

// beginActivation has a configuration recorded. What is delivered behind it waits.
func (r *Replica) beginActivation(a *zab.Activation) {
	r.activating = &activation{Activation: *a}
	r.logger.put(logMembers{a.Config})
}

// inOrder does something for the apply loop now, or behind what waits until a
// configuration is on record.
func (r *Replica) inOrder(f func()) {
	if r.activating != nil {
		r.activating.held = append(r.activating.held, f)
		return
	}
	f()
}

// onRecorded brings a configuration into force that is on record.
func (r *Replica) onRecorded(c *ensemble.Config) {
	before := r.ensemble
	r.setMembers(c)
	if act := r.orphaned; act != nil && act.Config == c {
		// The role ended meanwhile; what the configuration says of the leader stands.
		r.orphaned, r.designated = nil, cmp.Or(act.Leader, act.next, r.designated)
		if r.phase == draining {
			r.drained()
		}
		return
	}
	act := r.activating
	if act == nil || act.Config != c {
		return
	}
	r.activating = nil
	for _, f := range act.held {
		r.inOrder(f)
	}
	if r.activating != nil {
		r.activating.stepDown, r.activating.next = act.stepDown, act.next
		return
	}
	if reason := r.roleEnds(before, act); reason != "" {
		r.designated = cmp.Or(act.Leader, act.next)
		r.partWithPeers()
		r.leaveRole(reason)
	}
}

// resigned reports whether this server has ceased to lead: it waits until the
// configuration that says so is on record, or until leadership is handed over.
func (r *Replica) resigned() bool {
	return r.activating != nil && r.activating.stepDown != "" || r.leader != nil && r.leader.HandingOver()
}

// partWithPeers closes the links once what was sent has left, or is to be sent in this
// step: those who follow have to hear of the configuration that ends this role.
func (r *Replica) partWithPeers() {
	r.carryOut()
	for _, id := range r.linkIDs() {
		r.parting[id] = r.links[id]
		r.links[id].Finish()
		delete(r.links, id)
	}
	r.publishLinks()
}

// setMembers makes c the configuration in force, if it is newer (quorum.md R29).
func (r *Replica) setMembers(c *ensemble.Config) {
	if c.Version <= r.ensemble.Version {
		return
	}
	r.avoidItself(c)
	r.log.Info("configuration in force", "version", zk.Zxid(c.Version), "members", c.IDs(), "voters", c.Voters())
	r.ensemble = c
	r.useMembers()
	r.applier.put(applyConfig{c})
	if f := r.o.Members; f != nil {
		f(c)
	}
	r.publish()
}

// roleEnds says why this server cannot go on as it is under a new configuration
// (quorum.md 5.5), "" if it can.
func (r *Replica) roleEnds(before *ensemble.Config, act *activation) string {
	leader, had := before.Newest().Members[r.leaderID]
	now, has := r.ensemble.Members[r.leaderID]
	switch {
	case act.stepDown != "":
		return act.stepDown
	case r.phase != learning:
		return ""
	case r.observes() != (r.role == peerwire.Observing):
		return "this server has another role in the new configuration"
	case act.Leader != 0 && act.Leader != r.leaderID:
		return "another server leads in the new configuration"
	case had && (!has || leader.QuorumAddr != now.QuorumAddr):
		return "the leader is none in the new configuration"
	}
	return ""
}
