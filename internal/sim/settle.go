package sim

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ostler/internal/zk"
)

// recoverMax is how long an ensemble may take to serve everyone once all is well.
const recoverMax = 60 * time.Second

// recover checks liveness: every server is established and serves, and every client is
// answered (INV-L1, INV-L2).
func (e *Ensemble) recover() {
	w := e.W
	before := make([]int, len(e.Clients))
	for i, c := range e.Clients {
		before[i] = c.Answered
	}
	limit := w.Now() + recoverMax
	for w.failure == nil && !e.served(before) {
		if w.Now() > limit {
			w.Failf("liveness: %v after the last fault: %s", recoverMax, e.state())
		}
		w.Run(100 * time.Millisecond)
	}
}

// serves reports whether a server is up and serves. That it was established says less: it
// may have lost its leader since, and not be back for as long as a slow disk keeps it.
func (m *Member) serves() bool {
	node, ok := m.M.Server().(Node)
	return ok && m.M.Running() && node.Serving()
}

func (e *Ensemble) served(before []int) bool {
	for _, m := range e.Members {
		if v := e.O.views[m.ID]; !m.serves() || v == nil || !v.established {
			return false
		}
	}
	for i, c := range e.Clients {
		if c.Answered < before[i]+5 {
			return false
		}
	}
	return true
}

// state says where everyone is, for a failure.
func (e *Ensemble) state() string {
	s := ""
	for _, m := range e.Members {
		v := e.O.views[m.ID]
		s += fmt.Sprintf("server %d running=%v serving=%v", m.ID, m.M.Running(), m.serves())
		if v != nil {
			s += fmt.Sprintf(" established=%v epoch=%d last=%v", v.established, v.epoch, v.last)
		}
		if m.lastErr != nil {
			s += fmt.Sprintf(" last error %q", m.lastErr)
		}
		s += "; "
	}
	for _, c := range e.Clients {
		s += fmt.Sprintf("%s state=%d answered=%d unanswered=%d; ", c.name, c.state, c.Answered, len(c.calls))
	}
	return s + fmt.Sprintf("history ends at %v", e.O.Last())
}

// restMax is how long sessions may take to end, whoever leads.
const restMax = 120 * time.Second

// rest lets the clients fall silent and every abandoned session expire. Each has its full
// timeout from when somebody began to lead (INV-S4, INV-S5), and where epochs are short
// the ends of sessions use them up. For no other reason does leadership change at rest.
func (e *Ensemble) rest() {
	w := e.W
	for _, c := range e.Clients {
		c.quiet = true
	}
	longest := 20 * e.tick
	begun, epoch := w.Now(), e.O.newest
	for limit := begun + restMax; w.failure == nil; {
		switch {
		case w.Now() > limit:
			w.Failf("liveness: leaders come and go for %v after the last request: %s", restMax, e.state())
		case e.O.newest != epoch && !e.O.spent(epoch, e.lastCounter):
			w.Failf("liveness: epoch %d is over at rest, though it was not used up: %s", epoch, e.state())
		}
		epoch = e.O.newest
		if m := e.leader(); m != nil {
			begun = max(begun, e.O.views[m.ID].since)
		}
		left := begun + longest + 4*e.tick + 2*time.Second - w.Now()
		if left <= 0 {
			return
		}
		w.Run(left)
	}
}

// finish checks the state at rest.
func (e *Ensemble) finish() {
	w := e.W
	if w.failure != nil {
		return
	}
	var ids []zk.ServerID
	for _, m := range e.Members {
		ids = append(ids, m.ID)
	}
	if behind := e.O.Behind(ids); len(behind) > 0 {
		w.Failf("servers %v are behind at rest: %s", behind, e.state())
	}
	e.checkMembers()
	e.checkSessions()
	e.checkContainers()
	e.Load.checkRegisters()
	e.readEverything()
}

// checkSessions checks that exactly the sessions of the clients live, and no
// ephemeral of another (INV-S1, INV-S5, INV-S6).
func (e *Ensemble) checkSessions() {
	live := make(map[zk.SessionID]bool)
	for _, c := range e.Clients {
		if c.state != online {
			e.W.Failf("%s is not connected at rest", c.name)
		}
		live[c.session] = true
		if _, ok := e.O.model.sessions[c.session]; !ok && !(e.Load.local && !e.Load.everGlobal(c.session)) {
			e.W.Failf("%s: session %v is not in the replicated table", c.name, c.session)
		}
		for _, old := range c.old {
			if _, ok := e.O.model.sessions[old]; ok {
				e.W.Failf("%s left session %v long ago, but it lives", c.name, old)
			}
		}
	}
	for _, id := range e.Load.refused {
		if _, ok := e.O.model.closed[id]; !ok {
			e.W.Failf("session %v was refused as expired, but never closed", id)
		}
	}
	for _, path := range e.O.model.paths(e.O.Last()) {
		if owner := e.O.model.now(path).stat.EphemeralOwner; owner != 0 && !live[owner] {
			e.W.Failf("%s outlives its session %v", path, owner)
		}
	}
}

// checkContainers checks that no container stays empty for longer than two sweeps. One
// that is empty now may have lost its last TTL node to the sweep just before.
func (e *Ensemble) checkContainers() {
	if !honoured(settingReaper) || e.settings.ReapInterval > time.Second {
		return
	}
	before := e.emptied()
	if len(before) == 0 {
		return
	}
	e.W.Run(2*e.settings.ReapInterval + time.Second)
	after := e.emptied()
	for _, path := range slices.Sorted(maps.Keys(after)) {
		if before[path] == after[path] {
			e.W.Failf("container %s has been empty since %v, and is still there", path, after[path])
		}
	}
}

// emptied returns the containers that had children and have none, with the
// transactions that took the last ones.
func (e *Ensemble) emptied() map[string]zk.Zxid {
	found := make(map[string]zk.Zxid)
	for _, path := range e.O.model.paths(e.O.Last()) {
		if v := e.O.model.now(path); v.owner == zk.OwnerContainer && v.creates > 0 && len(v.children) == 0 {
			found[path] = v.stat.Pzxid
		}
	}
	return found
}

// readEverything reads the whole tree from each server. The checks of the reader
// compare it with the model.
func (e *Ensemble) readEverything() {
	for i, m := range e.Members {
		c := newClient(e.W, e.O, e.Load, 90+i, []string{ClientAddr(m.ID)})
		c.quiet = true
		if !e.Load.plain {
			c.shows = []login{super}
		}
		e.W.names[c.name].Boot()
		for range 100 {
			if e.W.Run(50 * time.Millisecond); c.state == online {
				break
			}
		}
		if c.state != online {
			e.W.Failf("server %d does not serve at rest", m.ID)
			return
		}
		z := e.O.Last()
		for _, path := range e.O.model.paths(z) {
			c.readNode(path)
		}
		e.W.Run(time.Second)
		if len(c.calls) > 0 || c.last < z {
			e.W.Failf("server %d left %d reads of the final state unanswered; it is at %v, not %v", m.ID, len(c.calls), c.last, z)
		}
	}
}
