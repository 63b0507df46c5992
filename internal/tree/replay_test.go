package tree

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A world makes histories that a correct leader could have made, and keeps the
// tree after every transaction.
type world struct {
	*history
	states []dump // states[i]: after transaction i; states[0] is the empty tree
}

var worldPaths = []string{"/a", "/a/b", "/a/b/c", "/a/d", "/a/d/e", "/f", "/f/g", "/é"}

func drawWorld(t *rapid.T, tb testing.TB) *world {
	w := &world{history: newHistory(tb, Options{Digest: true})}
	w.states = []dump{dumpTree(w.tree)}
	for range rapid.IntRange(1, 30).Draw(t, "transactions") {
		session := zk.SessionID(rapid.IntRange(1, 3).Draw(t, "session"))
		op, body := w.draw(t, session)
		w.do(session, op, body)
		last := w.all[len(w.all)-1]
		last.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: w.tree.Digest()}
		w.states = append(w.states, dumpTree(w.tree))
	}
	return w
}

func (w *world) draw(t *rapid.T, session zk.SessionID) (zk.OpCode, txn.Body) {
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return zk.OpCreateSession, &txn.CreateSession{Timeout: int32(rapid.IntRange(1, 9).Draw(t, "timeout"))}
	case 1:
		return zk.OpCloseSession, &txn.CloseSession{Paths: w.tree.Ephemerals(session), HasPaths: rapid.Bool().Draw(t, "listed")}
	case 2:
		return w.drawMulti(t, session)
	}
	return w.drawOp(t, w.tree)
}

// drawMulti prepares each operation against the state that the earlier ones leave.
func (w *world) drawMulti(t *rapid.T, session zk.SessionID) (zk.OpCode, txn.Body) {
	m, ahead := &txn.Multi{}, reload(t, w.tree)
	for range rapid.IntRange(1, 4).Draw(t, "ops") {
		op, body := w.drawOp(t, ahead)
		if op == zk.OpSetACL || op == zk.OpError {
			continue
		}
		m.Ops = append(m.Ops, txn.Op{Type: op, Body: body})
		ahead.Apply(&txn.Txn{Header: txn.Header{Session: session, Zxid: w.zxid + 1, Type: op}, Body: body}, func(Change) {})
	}
	return zk.OpMulti, m
}

// drawOp makes a change of one node that a leader would grant in the state given.
func (w *world) drawOp(t *rapid.T, tr *Tree) (zk.OpCode, txn.Body) {
	path := rapid.SampledFrom(worldPaths).Draw(t, "path")
	data, acl := genData.Draw(t, "data"), genACL.Draw(t, "acl")
	parentPath, _ := zk.Parent(path)
	parent, hasParent := tr.Info(parentPath)
	info, exists := tr.Info(path)
	kind := rapid.IntRange(0, 3).Draw(t, "change")
	switch {
	case !hasParent || parent.Stat.Owner.Session() != 0:
		return zk.OpError, &txn.Error{Code: zk.NoNode}
	case !exists:
		creates := parent.Stat.Creates + 1
		switch kind {
		case 0:
			return zk.OpCreateContainer, &txn.CreateContainer{Path: path, Data: data, ACL: acl, ParentCreates: creates}
		case 1:
			return zk.OpCreateTTL, &txn.CreateTTL{Path: path, Data: data, ACL: acl, ParentCreates: creates, TTL: 5}
		}
		return zk.OpCreate, &txn.Create{Path: path, Data: data, ACL: acl, ParentCreates: creates, Ephemeral: kind == 2}
	case kind == 0:
		return zk.OpSetACL, &txn.SetACL{Path: path, ACL: acl, Version: info.Stat.Aversion + 1}
	case kind == 1 && info.NumChildren == 0 || kind == 2 && info.NumChildren == 0:
		return zk.OpDelete, &txn.Delete{Path: path}
	}
	return zk.OpSetData, &txn.SetData{Path: path, Data: data, Version: info.Stat.Version + 1}
}

// TestReplayOfASuffixChangesNothing applies the end of a history again to the state
// it has led to: all that a fuzzy snapshot may hold of the future (disk.md 4.8, 5.6).
func TestReplayOfASuffixChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, t)
		want := dumpTree(w.tree)
		from := rapid.IntRange(0, len(w.all)).Draw(rt, "from")
		for _, tx := range w.all[from:] {
			w.tree.Apply(tx, func(Change) {})
		}
		diff(rt, "tree after replay", dumpTree(w.tree), want)
		if err := w.tree.verify(); err != nil {
			rt.Fatalf("%v", err)
		}
	})
}

// TestFuzzySnapshotConverges loads a snapshot as a server writes it that walks the
// tree while transactions go on: each node is as it was at some moment, later ones
// at a later moment. Replaying what follows the name must give the exact tree, with
// the right digest at every transaction after the walk.
func TestFuzzySnapshotConverges(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawWorld(rt, t)
		begin := rapid.IntRange(0, len(w.all)).Draw(rt, "begin")
		tr, end := w.fuzzy(rt, begin)
		for i, tx := range w.all[begin:] {
			res := tr.Apply(tx, func(Change) {})
			if at := begin + i + 1; at >= end && res.DigestMismatch {
				rt.Fatalf("the digest differs after transaction %d; the snapshot was written from %d to %d", at, begin, end)
			}
			if err := tr.verify(); err != nil {
				rt.Fatalf("after transaction %d: %v", begin+i+1, err)
			}
		}
		diff(rt, "tree after replay", dumpTree(tr), dumpTree(w.tree))
	})
}

// fuzzy loads such a snapshot, and returns when its writing ended.
func (w *world) fuzzy(t *rapid.T, begin int) (tr *Tree, now int) {
	l := NewLoader(Options{Digest: true})
	for id, timeout := range w.states[begin].Sessions {
		l.Session(id, timeout)
	}
	now = begin
	var visit func(key string)
	visit = func(key string) {
		if rapid.IntRange(0, 2).Draw(t, "time passes") == 0 {
			now = min(now+rapid.IntRange(1, 4).Draw(t, "time"), len(w.all))
		}
		n, ok := w.states[now].Nodes[key]
		if !ok {
			return // deleted since its parent was written
		}
		if err := l.Node(&snapshot.Node{Path: key, Data: n.Data, ACL: n.ACL, Stat: n.Stat}); err != nil {
			t.Fatalf("load %q: %v", key, err)
		}
		// Java lists children in no order.
		for _, name := range rapid.Permutation(slices.Clone(n.Children)).Draw(t, "children") {
			visit(key + "/" + name)
		}
	}
	visit("")
	tr, err := l.Finish(zk.Zxid(begin))
	if err != nil {
		t.Fatalf("%v", err)
	}
	return tr, now
}
