package history

import (
	"strings"

	"ostler/internal/zk"
)

// checkTrees wants the servers to end with one tree (INV-Z17), which has what was
// acknowledged and nothing else.
func (m *model) checkTrees() {
	for i, t := range m.h.Trees {
		if i > 0 {
			m.compare(m.h.Trees[0], t)
		}
	}
	if len(m.h.Trees) == 0 {
		return
	}
	for _, list := range m.lives {
		for _, l := range list {
			for _, t := range m.h.Trees {
				m.checkLife(l, t)
			}
		}
	}
}

// replicated reports whether a node is the same on all servers: below /zookeeper there
// is what each makes of its own configuration.
func replicated(path string) bool { return !strings.HasPrefix(path, zk.PathZK) }

func (m *model) compare(a, b Tree) {
	for path, n := range a.Nodes {
		if other, ok := b.Nodes[path]; replicated(path) && (!ok || other != n) {
			m.violate("INV-Z17", []string{path}, "server %d has %s %+v, server %d %v %+v", a.Seat, path, n, b.Seat, ok, other)
		}
	}
	for path, n := range b.Nodes {
		if _, ok := a.Nodes[path]; replicated(path) && !ok {
			m.violate("INV-Z17", []string{path}, "server %d has %s %+v, server %d does not", b.Seat, path, n, a.Seat)
		}
	}
}

// checkLife wants a life to be in a tree, or not, as it is known to have ended.
func (m *model) checkLife(l *life, t Tree) {
	n, ok := t.Nodes[l.path]
	there := ok && n.Stat.Czxid == l.born
	switch {
	case there && l.end != 0:
		m.violateSession(undone(l), l.owner, []string{l.path}, "server %d has %s of %v, which ended at %v", t.Seat, l.path, l.born, l.end)
	case there && l.owner != 0 && m.ended(l.owner):
		m.violateSession("INV-S1", l.owner, []string{l.path}, "server %d has the ephemeral %s of session %v, which is over", t.Seat, l.path, l.owner)
	case there:
		m.checkVersions(l, n, t)
	case l.end == 0 && !l.mayEnd && m.alive(l.owner):
		m.violateSession("INV-O7", l.owner, []string{l.path}, "server %d lacks %s of %v", t.Seat, l.path, l.born)
	}
}

func undone(l *life) string {
	if l.owner != 0 {
		return "INV-S1"
	}
	return "INV-O7"
}

// alive reports whether what a session owns must be there at the end; session 0 owns
// what is not ephemeral.
func (m *model) alive(id zk.SessionID) bool {
	s := m.session[id]
	return id == 0 || s != nil && s.End == Kept
}

// ended reports whether nothing of a session may be there at the end. Sessions that
// nobody knows had no answer to their call, and ended long ago.
func (m *model) ended(id zk.SessionID) bool {
	s := m.session[id]
	return s == nil || s.End != Kept
}

// checkVersions wants the last version of a life on a server to be the newest known,
// and a write for each before it.
func (m *model) checkVersions(l *life, n Node, t Tree) {
	newest := l.order[len(l.order)-1]
	if n.Stat.Version < newest.number {
		m.violate("INV-O7", []string{l.path}, "server %d has %s in version %d, and version %d was seen at %v",
			t.Seat, l.path, n.Stat.Version, newest.number, newest.zxid)
	}
	if unknown, lost := int(n.Stat.Version)+1-len(l.order), m.unplaced(l.path); unknown > lost {
		m.violate("INV-X9", []string{l.path}, "%s went through %d versions that nobody saw, and only %d writes were not answered", l.path, unknown, lost)
	}
}

// unplaced counts the lost writes of a path of which nothing is known.
func (m *model) unplaced(path string) (n int) {
	if m.lostWrites == nil {
		m.lostWrites = map[string]int{}
		for _, w := range m.writes {
			if w.op.Outcome == Lost && w.placed == 0 {
				m.lostWrites[w.part.Path]++
			}
		}
	}
	return m.lostWrites[path]
}
