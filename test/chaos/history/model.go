package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"ostler/internal/zk"
)

// forever is the end of what has none.
const forever zk.Zxid = math.MaxInt64

// A model is what the ensemble must have gone through, as far as it is known.
type model struct {
	h       *History
	found   []Violation
	lives   map[string][]*life // by path, oldest first once built
	writes  map[string]*write  // by value
	session map[zk.SessionID]*owner
	// lostWrites counts the writes of a path that were not answered nor seen.
	lostWrites map[string]int
	// lostCreates holds the paths with such a create.
	lostCreates map[string]bool
}

// A life is a node from its creation to its end.
type life struct {
	path     string
	born     zk.Zxid
	owner    zk.SessionID
	versions map[int32]version
	order    []version // by number, once built
	end      zk.Zxid   // of an acknowledged delete or closeSession, 0 when there is none
	mayEnd   bool      // there is a delete whose outcome is not known
	final    bool      // it is in a tree at the end
}

// A version is the content of a life from a zxid on.
type version struct {
	number int32
	zxid   zk.Zxid
	data   string
}

// A write is a value and the op that wrote it.
type write struct {
	op     *Op
	part   *Part
	placed zk.Zxid // where it is known to have taken effect, 0 when it is not
	path   string  // of the node where
}

// An owner is a session as the owner of ephemerals.
type owner struct {
	*Session
	closed zk.Zxid // of the answered closeSession
	last   zk.Zxid // of its last acknowledged write
	called *Op     // that write
}

func newModel(h *History) *model {
	m := &model{h: h, lives: map[string][]*life{}, writes: map[string]*write{}, session: map[zk.SessionID]*owner{}}
	for i := range h.Sessions {
		m.session[h.Sessions[i].ID] = &owner{Session: &h.Sessions[i]}
	}
	slices.SortStableFunc(h.Ops, func(a, b Op) int { return cmp.Compare(a.Call, b.Call) })
	m.indexWrites()
	m.learn()
	for _, list := range m.lives {
		slices.SortFunc(list, func(a, b *life) int { return cmp.Compare(a.born, b.born) })
		for _, l := range list {
			m.orderVersions(l)
		}
	}
	m.learnEnds()
	return m
}

func (m *model) violate(invariant string, paths []string, format string, args ...any) {
	m.found = append(m.found, Violation{Invariant: invariant, Text: fmt.Sprintf(format, args...), Paths: paths})
}

func (m *model) violateSession(invariant string, s zk.SessionID, paths []string, format string, args ...any) {
	m.violate(invariant, paths, format, args...)
	m.found[len(m.found)-1].Session = s
}

func (m *model) indexWrites() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if !o.writes() {
			continue
		}
		for j := range o.Parts {
			p := &o.Parts[j]
			if p.Kind != zk.OpDelete {
				m.writes[p.Data] = &write{op: o, part: p}
			}
		}
		s := m.session[o.Session]
		if s == nil || o.Outcome != Acked {
			continue
		}
		if o.Kind == zk.OpCloseSession {
			s.closed = o.Zxid
		} else if o.Zxid > s.last {
			s.last, s.called = o.Zxid, o
		}
	}
}

// learn notes what answers and trees show of nodes.
func (m *model) learn() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if o.Outcome != Acked {
			continue
		}
		for j := range o.Parts {
			if p := &o.Parts[j]; p.Code == zk.OK && p.Kind != zk.OpDelete && p.Kind != zk.OpSync {
				m.learnPart(o, p)
			}
		}
	}
	for _, t := range m.h.Trees {
		for path, n := range t.Nodes {
			if !strings.HasPrefix(path, zk.PathZK) && path != zk.PathRoot {
				m.see(path, n.Stat, n.Data, fmt.Sprintf("the tree of server %d", t.Seat)).final = true
			}
		}
	}
}

func (m *model) learnPart(o *Op, p *Part) {
	if o.writes() && p.Stat.Mzxid != o.Zxid {
		m.violate("INV-O5", []string{p.Path}, "a write is answered at %v with mzxid %v: %v", o.Zxid, p.Stat.Mzxid, o)
	}
	if p.Stat.Mzxid > o.Zxid {
		m.violate("INV-O9", []string{p.Path}, "an answer shows a change later than its own zxid: %v", o)
	}
	m.see(p.Path, p.Stat, p.Data, o)
}

// see notes that a node is in a version with a content.
func (m *model) see(path string, stat zk.Stat, data string, from any) *life {
	l := m.lifeOf(path, stat)
	v := version{stat.Version, stat.Mzxid, data}
	if known, ok := l.versions[v.number]; ok {
		if known != v {
			m.violate("INV-O1", []string{path}, "%s of %v has two versions %d: %q at %v and %q at %v (%v)",
				path, l.born, v.number, known.data, known.zxid, data, v.zxid, from)
		}
		return l
	}
	l.versions[v.number] = v
	w := m.writes[data]
	switch {
	case w == nil:
		m.violate("INV-O9", []string{path}, "%s holds %q, which nobody wrote (%v)", path, data, from)
	case w.op.Outcome == Refused:
		m.violate("INV-O7", []string{path}, "%s holds %q, whose write was refused: %v (%v)", path, data, w.op, from)
	case w.part.Path != path && !(w.part.Sequential && strings.HasPrefix(path, w.part.Path)):
		m.violate("INV-O9", []string{path, w.part.Path}, "%s holds %q, which was written to %s (%v)", path, data, w.part.Path, from)
	case w.placed != 0:
		m.violate("INV-X9", []string{path}, "%q took effect twice, at %v and at %v: %v", data, w.placed, v.zxid, w.op)
	case w.op.Outcome == Acked && w.op.Zxid != v.zxid:
		m.violate("INV-O1", []string{path}, "%q took effect at %v and not where it was acknowledged: %v", data, v.zxid, w.op)
	default:
		w.placed, w.path = v.zxid, path
	}
	return l
}

func (m *model) lifeOf(path string, stat zk.Stat) *life {
	for _, l := range m.lives[path] {
		if l.born == stat.Czxid {
			return l
		}
	}
	l := &life{path: path, born: stat.Czxid, owner: stat.EphemeralOwner, versions: map[int32]version{}}
	m.lives[path] = append(m.lives[path], l)
	return l
}

// orderVersions wants later versions at later zxids.
func (m *model) orderVersions(l *life) {
	for _, v := range l.versions {
		l.order = append(l.order, v)
	}
	slices.SortFunc(l.order, func(a, b version) int { return cmp.Compare(a.number, b.number) })
	for i, v := range l.order {
		if v.zxid < l.born || i > 0 && v.zxid <= l.order[i-1].zxid {
			m.violate("INV-T5", []string{l.path}, "%s of %v: version %d at %v is not after the one before", l.path, l.born, v.number, v.zxid)
		}
	}
}

// learnEnds notes which lives have ended, and which may have.
func (m *model) learnEnds() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		for j := range o.Parts {
			if p := &o.Parts[j]; o.writes() && p.Kind == zk.OpDelete && o.Outcome != Refused {
				m.learnDelete(o, p.Path)
			}
		}
	}
	for _, list := range m.lives {
		for i, l := range list {
			if s := m.session[l.owner]; s != nil && s.closed > l.born && (l.end == 0 || l.end > s.closed) {
				l.end = s.closed
			}
			if i+1 < len(list) && l.latest() > list[i+1].born {
				l.mayEnd = true
			}
		}
	}
}

func (m *model) learnDelete(o *Op, path string) {
	if o.Outcome == Lost {
		for _, l := range m.lives[path] {
			l.mayEnd = true
		}
		return
	}
	l := m.at(path, o.Zxid)
	switch {
	case l == nil:
		// The create may be a lost one that nobody has seen.
	case l.end != 0:
		m.violate("INV-X9", []string{path}, "%s of %v was deleted at %v and at %v", path, l.born, l.end, o.Zxid)
	default:
		l.end = o.Zxid
	}
}

// at returns the last life of a path born before a zxid.
func (m *model) at(path string, z zk.Zxid) *life {
	var last *life
	for _, l := range m.lives[path] {
		if l.born < z {
			last = l
		}
	}
	return last
}

// earliest returns the first zxid at which the life may be over.
func (m *model) earliest(l *life) zk.Zxid {
	s := m.session[l.owner]
	switch {
	case l.final:
		return forever
	case l.end != 0 && !l.mayEnd:
		return l.end
	case l.mayEnd:
		return l.born + 1
	case l.owner == 0, s != nil && s.End == Kept:
		return forever
	case s == nil:
		return l.born + 1
	}
	return max(l.born, s.last) + 1
}

// latest returns the zxid at which the life is over at the latest.
func (l *life) latest() zk.Zxid {
	if l.end != 0 {
		return l.end
	}
	return forever
}

// until returns the zxid at which a version was over at the latest.
func (l *life) until(number int32) zk.Zxid {
	for _, v := range l.order {
		if v.number > number {
			return v.zxid
		}
	}
	return l.latest()
}
