package tree

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A machine is one history, as a correct leader makes it, told to three: a tree
// with views open, a twin that is loaded anew and told things twice, and the model.
type machine struct {
	*world
	model *model
	twin  *Tree
	now   dump
	views []viewed
}

// A viewed is an open view and the tree when it was opened.
type viewed struct {
	v    *View
	then dump
}

// TestTwoTreesAndAModel does anything in any order, and wants equal results,
// events, dumps and digests from all three, and the laws of the tree after every
// transaction (invariants T1 to T9, T11 to T16, G1, X1).
func TestTwoTreesAndAModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{
			world: &world{history: newHistory(t, Options{Digest: true})},
			model: newModel(), twin: New(Options{Digest: true}),
		}
		m.now = dumpTree(m.tree)
		rt.Repeat(map[string]func(*rapid.T){
			"apply":       m.apply,
			"apply more":  m.apply,
			"apply again": m.again,
			"load":        func(t *rapid.T) { m.twin = reload(t, m.twin) },
			"open a view": m.open,
			"close one":   m.close,
			"":            m.check,
		})
		for len(m.views) > 0 {
			m.close(rt)
		}
		diff(rt, "views left", len(m.tree.views.open), 0)
	})
}

// apply makes the next transaction.
func (m *machine) apply(t *rapid.T) {
	session := zk.SessionID(rapid.IntRange(1, 3).Draw(t, "session"))
	op, body := m.draw(t, session)
	tx := m.next(session, op, body)
	var changes, twins []Change
	res := m.tree.Apply(tx, func(c Change) { changes = append(changes, c) })
	diff(t, "result of the twin", m.twin.Apply(tx, func(c Change) { twins = append(twins, c) }), res)
	diff(t, "events of the twin", twins, changes)
	diff(t, "result", res, m.model.apply(tx))
	diff(t, "events", changes, m.model.changes)
	before := m.now
	m.now = dumpTree(m.tree)
	checkLaws(t, before, m.now, tx, changes)
}

// again tells the twin the last transactions once more, as a replay does after a
// fuzzy snapshot: nothing comes of it.
func (m *machine) again(t *rapid.T) {
	n := rapid.IntRange(0, min(len(m.all), 5)).Draw(t, "how many")
	for _, tx := range m.all[len(m.all)-n:] {
		m.twin.Apply(tx, func(Change) {})
	}
}

func (m *machine) open(t *rapid.T) {
	if len(m.views) == 3 {
		t.Skip("enough views")
	}
	m.views = append(m.views, viewed{m.tree.View(), m.now})
}

// close walks a view, which must be as the tree was, and closes it.
func (m *machine) close(t *rapid.T) {
	if len(m.views) == 0 {
		t.Skip("no view")
	}
	i := rapid.IntRange(0, len(m.views)-1).Draw(t, "view")
	o := m.views[i]
	got, err := walk(o.v)
	if err != nil {
		t.Fatalf("walk: %v", err)
	}
	diff(t, "view", got, walkOf(o.then))
	diff(t, "digest of the view", o.v.Digest(), o.then.Digest)
	o.v.Close()
	m.views = slices.Delete(m.views, i, i+1)
}

// check compares all three after every step.
func (m *machine) check(t *rapid.T) {
	diff(t, "tree", m.now, dumpModel(m.model))
	diff(t, "twin", dumpTree(m.twin), m.now)
	for _, tr := range []*Tree{m.tree, m.twin} {
		if err := tr.verify(); err != nil {
			t.Fatalf("%v", err)
		}
		checkCounts(t, tr, m.model)
	}
}

// checkLaws looks at the tree before and after a transaction.
func checkLaws(t *rapid.T, before, after dump, tx *txn.Txn, changes []Change) {
	t.Helper()
	for _, key := range []string{"", zk.PathZK, zk.PathQuota, zk.PathConfig} {
		if _, ok := after.Nodes[key]; !ok {
			t.Fatalf("%v: %q is gone (T3)", tx.Type, key)
		}
	}
	for key, n := range after.Nodes {
		s := n.Stat
		_, hasParent := after.Nodes[parentKey(key)]
		switch {
		case key != "" && !hasParent:
			t.Fatalf("%q has no parent (T1)", key)
		case s.Czxid > s.Mzxid || s.Czxid > s.Pzxid || max(s.Mzxid, s.Pzxid) > tx.Zxid:
			t.Fatalf("%q has %+v at %v (T4)", key, s, tx.Zxid)
		case s.Owner.Session() != 0 && len(n.Children) > 0:
			t.Fatalf("%q is ephemeral and has children (T11)", key)
		case s.Ctime > s.Mtime:
			t.Fatalf("%q: %+v (T12)", key, s)
		}
	}
	checkTouched(t, before, after, tx, changes)
}

// checkTouched wants nothing changed but what the events and the transaction name,
// and of that only what may change (T5 to T9).
func checkTouched(t *rapid.T, before, after dump, tx *txn.Txn, changes []Change) {
	t.Helper()
	kids := map[string]int32{} // children that came or went
	sets := map[string]int32{}
	born := map[string]bool{}
	for _, c := range changes {
		switch c.Kind {
		case DataChanged:
			sets[rootKey(c.Path)]++
		default:
			kids[rootKey(c.Parent)]++
			born[c.Path] = true
		}
	}
	for key, old := range before.Nodes {
		now, there := after.Nodes[key]
		if born[key] {
			continue
		}
		if !there {
			t.Fatalf("%q is gone without an event (T8)", key)
		}
		if acl, ok := tx.Body.(*txn.SetACL); ok && rootKey(acl.Path) == key {
			diff(t, key+" aversion (T5)", now.Stat.Aversion, old.Stat.Aversion+1)
			old.ACL, old.Stat.Aversion = acl.ACL, now.Stat.Aversion
		}
		if n := sets[key]; n > 0 {
			diff(t, key+" version (T5)", now.Stat.Version, old.Stat.Version+n)
			diff(t, key+" mzxid", now.Stat.Mzxid, tx.Zxid)
			old.Data, old.Stat.Version, old.Stat.Mzxid, old.Stat.Mtime = now.Data, now.Stat.Version, tx.Zxid, tx.Time
		}
		if n := kids[key]; n > 0 {
			diff(t, key+" cversion (T6)", now.Client.Cversion, old.Client.Cversion+n)
			diff(t, key+" pzxid (T7)", now.Stat.Pzxid, tx.Zxid)
			old.Children, old.Stat.Creates, old.Stat.Pzxid = now.Children, now.Stat.Creates, tx.Zxid
		}
		old.Client = now.Client // made of the rest
		diff(t, key+" (T8, T9)", now, old)
	}
	for key := range after.Nodes {
		if _, was := before.Nodes[key]; !was && !born[key] {
			t.Fatalf("%q came without an event (T8)", key)
		}
	}
}

// parentKey is the stored path of a node's parent; the root is its own.
func parentKey(key string) string {
	if key == "" {
		return ""
	}
	return parentOf(key)
}
