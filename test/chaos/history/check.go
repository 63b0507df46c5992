package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"ostler/internal/zk"
)

// A Report is what Check found.
type Report struct {
	Violations []Violation
	// StaleSyncs counts the syncs behind an acknowledged write that a leader of a Lax
	// epoch may have answered (INV-O6).
	StaleSyncs int
}

// Check judges a history.
func Check(h *History) Report {
	m := newModel(h)
	m.checkZxids()
	m.checkRealTime()
	m.checkRefusals()
	m.checkSessions()
	m.checkMultis()
	m.checkSequences()
	m.checkBank()
	m.checkExpiry()
	m.checkTrees()
	r := Report{StaleSyncs: m.checkSyncs()}
	r.Violations = m.found
	return r
}

// checkZxids wants a zxid of its own for each write (INV-X7), refused ones included.
func (m *model) checkZxids() {
	owner := map[zk.Zxid]*Op{}
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if !o.writes() || o.Outcome == Lost || o.Zxid <= 0 {
			continue
		}
		if other := owner[o.Zxid]; other != nil {
			m.violate("INV-X7", paths(o, other), "two writes at %v: %v; %v", o.Zxid, other, o)
		}
		owner[o.Zxid] = o
	}
}

func paths(ops ...*Op) (list []string) {
	for _, o := range ops {
		for _, p := range o.Parts {
			list = append(list, p.Path)
		}
	}
	return list
}

// A progress is the greatest zxid acknowledged to anyone, over time.
type progress struct {
	ops  []*Op // acknowledged writes by the time of the answer
	next int
	last *Op
}

func (m *model) progress() *progress {
	p := &progress{}
	for i := range m.h.Ops {
		if o := &m.h.Ops[i]; o.writes() && o.Outcome == Acked {
			p.ops = append(p.ops, o)
		}
	}
	slices.SortStableFunc(p.ops, func(a, b *Op) int { return cmp.Compare(a.Return, b.Return) })
	return p
}

// before returns the write with the greatest zxid that was answered before t, or nil.
// t must not decrease from call to call.
func (p *progress) before(t time.Duration) *Op {
	for ; p.next < len(p.ops) && p.ops[p.next].Return < t; p.next++ {
		if o := p.ops[p.next]; p.last == nil || o.Zxid > p.last.Zxid {
			p.last = o
		}
	}
	return p.last
}

// checkRealTime wants a write that is called after another was answered to come after
// it in the order (INV-O1); a lost one counts where it is seen (INV-O8).
func (m *model) checkRealTime() {
	acked := m.progress()
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if !o.writes() {
			continue
		}
		z := o.Zxid
		if o.Outcome == Lost {
			for _, p := range o.Parts {
				if w := m.writes[p.Data]; w != nil && w.placed != 0 {
					z = w.placed
				}
			}
		}
		if before := acked.before(o.Call); before != nil && z > 0 && z <= before.Zxid {
			m.violate("INV-O1", paths(o, before), "a write took effect at %v, before one that was answered before its call: %v; %v", z, before, o)
		}
	}
}

// checkSyncs wants a sync to be answered no earlier in the order than any write that was
// answered before its call (INV-O6).
func (m *model) checkSyncs() (stale int) {
	acked := m.progress()
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if o.Kind != zk.OpSync || o.Outcome != Acked {
			continue
		}
		before := acked.before(o.Call)
		if before == nil || o.Zxid >= before.Zxid {
			continue
		}
		if m.lax(o, before.Zxid.Epoch()) {
			stale++
			continue
		}
		m.violateSession("INV-O6", o.Session, paths(before), "a sync missed a write that was answered before: %v; %v", before, o)
	}
	return stale
}

// lax reports whether a leader of ZooKeeper's may have answered a sync behind a write of
// an epoch: one that leads answers its own clients so, one that is deposed all.
func (m *model) lax(sync *Op, last zk.Epoch) bool {
	for e := sync.Zxid.Epoch(); e <= last; e++ {
		if seat, ok := m.h.Lax[e]; ok && (seat == sync.Seat || e < last) {
			return true
		}
	}
	return false
}

// checkRefusals wants the reason of a refusal in the state before it (INV-X8).
func (m *model) checkRefusals() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if !o.writes() || o.Outcome != Refused || len(o.Parts) != 1 || o.Zxid <= 0 {
			continue
		}
		p := o.Parts[0]
		l := m.at(p.Path, o.Zxid)
		switch {
		case p.Code == zk.NoNode && p.Kind != zk.OpCreate2 && l != nil && m.earliest(l) > o.Zxid:
			m.violate("INV-X8", paths(o), "refused for want of a node that existed from %v: %v", l.born, o)
		case p.Code == zk.NodeExists && m.complete(p.Path) && (l == nil || l.latest() < o.Zxid):
			m.violate("INV-X8", paths(o), "refused because of a node that did not exist: %v", o)
		case p.Code == zk.BadVersion && l != nil && l.certainly(p.Version, o.Zxid):
			m.violate("INV-X8", paths(o), "refused although the version was %d: %v", p.Version, o)
		}
	}
}

// complete reports whether no create of a path is lost and was not seen.
func (m *model) complete(path string) bool {
	if m.lostCreates == nil {
		m.lostCreates = map[string]bool{}
		for _, w := range m.writes {
			if w.part.Kind == zk.OpCreate2 && w.op.Outcome == Lost && w.placed == 0 {
				m.lostCreates[w.part.Path] = true
			}
		}
	}
	return !m.lostCreates[path]
}

// certainly reports whether a life was in a version right before z, whatever became of
// writes whose outcome is not known.
func (l *life) certainly(number int32, z zk.Zxid) bool {
	for i, v := range l.order {
		if v.zxid < z && v.number == number {
			next := i + 1
			return next < len(l.order) && l.order[next].number == number+1 && l.order[next].zxid > z
		}
	}
	return false
}

// checkMultis wants all parts of a lost multi where one is (INV-X4).
func (m *model) checkMultis() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if o.Kind != zk.OpMulti || o.Outcome != Lost {
			continue
		}
		var at zk.Zxid
		for _, p := range o.Parts {
			if w := m.writes[p.Data]; w != nil {
				at = max(at, w.placed)
			}
		}
		for _, p := range o.Parts {
			w := m.writes[p.Data]
			if at == 0 || p.Kind != zk.OpSetData || w.placed == at {
				continue
			}
			if w.placed != 0 || !m.room(p.Path, at) {
				m.violate("INV-X4", paths(o), "only a part of a multi took effect at %v, not %s: %v", at, p.Path, o)
			}
		}
	}
}

// room reports whether an unknown version of a path may have begun at z.
func (m *model) room(path string, z zk.Zxid) bool {
	l := m.at(path, z)
	if l == nil {
		return false
	}
	for i, v := range l.order {
		if v.zxid == z {
			return false
		}
		if v.zxid > z {
			return i > 0 && v.number > l.order[i-1].number+1
		}
	}
	return !l.final
}

// checkSequences wants the numbers below a node to follow the order of creation
// (INV-T10); that they are unique follows, as a path has one creator.
func (m *model) checkSequences() {
	type made struct {
		number int
		life   *life
	}
	below := map[string][]made{}
	for _, w := range m.writes {
		if w.placed == 0 || !w.part.Sequential {
			continue
		}
		path := w.path
		number, err := strconv.Atoi(path[max(0, len(path)-10):])
		if err != nil {
			m.violate("INV-T10", []string{path}, "%s has no number: %v", path, w.op)
			continue
		}
		parent, _ := zk.Parent(path)
		for _, l := range m.lives[path] {
			below[parent] = append(below[parent], made{number, l})
		}
	}
	for parent, list := range below {
		slices.SortFunc(list, func(a, b made) int { return cmp.Compare(a.life.born, b.life.born) })
		for i := 1; i < len(list); i++ {
			if a, b := list[i-1], list[i]; b.number <= a.number {
				m.violate("INV-T10", []string{a.life.path, b.life.path}, "below %s number %d was given at %v and %d at %v",
					parent, a.number, a.life.born, b.number, b.life.born)
			}
		}
	}
}

// checkBank wants the same sum whenever all accounts are read at once (INV-X4).
func (m *model) checkBank() {
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if o.Kind != zk.OpMultiRead || o.Outcome != Acked {
			continue
		}
		sum := 0
		for _, p := range o.Parts {
			sum += balance(p.Data)
		}
		if sum != m.h.Total {
			m.violate("INV-X4", paths(o), "the accounts hold %d together, not %d: %v", sum, m.h.Total, o)
		}
	}
	for _, t := range m.h.Trees {
		sum := 0
		for path, n := range t.Nodes {
			if strings.HasPrefix(path, m.h.Bank+"/") {
				sum += balance(n.Data)
			}
		}
		if sum != m.h.Total {
			m.violate("INV-X4", nil, "at the end the accounts on server %d hold %d together, not %d", t.Seat, sum, m.h.Total)
		}
	}
}

// balance is the number that data begin with.
func balance(data string) int {
	text, _, _ := strings.Cut(data, " ")
	n, _ := strconv.Atoi(text)
	return n
}
