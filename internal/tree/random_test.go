package tree

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// Paths that collide, nest, carry quotas, or are none at all.
var paths = []string{
	"/a", "/a", "/a/b", "/a/b", "/a/b/c", "/a/b/d", "/a/e", "/a/e/f", "/b", "/b/c", "/a-b",
	"/zookeeper/x", "/zookeeper/zookeeper_limits", "/zookeeper-foo", "/zookeeper-foo/zookeeper_limits",
	"/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_limits",
	"/zookeeper/quota/a/zookeeper_stats", "/zookeeper/quota/a/zookeeper_stats",
	"/zookeeper/quota/a/b", "/zookeeper/quota/a/b/zookeeper_limits", "/zookeeper/quota/a/b/zookeeper_stats",
	"/zookeeper/quota/zookeeper_limits", "/zookeeper/quota/zookeeper_stats",
	"/zookeeper/quotax", "/zookeeper/quotax/zookeeper_limits",
	"/zookeeper", "/zookeeper/quota", "/zookeeper/config",
	"", "/", "//", "/a/", "a", "/a//b", "/a/../b", "/\x00", "/\xff", "/é", "/no/parent",
}

var (
	genPath = rapid.SampledFrom(paths)
	genData = rapid.SampledFrom([][]byte{
		nil, {}, []byte("x"), []byte("longer data"), []byte("count=7,bytes=9"), []byte("count=,bytes=z"), {0xff, 0},
	})
	genACL = rapid.SampledFrom([][]zk.ACL{
		zk.OpenACL(),
		{{Perms: zk.PermRead, ID: zk.WorldAnyone}},
		{{Perms: 0, ID: zk.ID{Scheme: "digest", ID: "bob:x"}}, {Perms: -1, ID: zk.ID{Scheme: "ip", ID: "::1"}}},
		{{Perms: 1, ID: zk.ID{Scheme: "a", ID: "bc"}}},
		{{Perms: 1, ID: zk.ID{Scheme: "ab", ID: "c"}}},
	})
	genCreates = rapid.SampledFrom([]int32{-1, -1, -1, 1, 2, 3, 5, 0, 1<<31 - 1, -1 << 31})
	genSession = rapid.SampledFrom([]zk.SessionID{1, 2, 0x100000000000003, -1 << 55, 0})
)

// draw makes any transaction body. Rapid prefers small numbers, so what needs
// company to have an effect comes first.
func draw(t *rapid.T, nested bool) (zk.OpCode, txn.Body) {
	kind := rapid.IntRange(0, 8).Draw(t, "kind")
	switch {
	case kind == 1 && !nested:
		return drawSession(t)
	case kind == 3 && !nested:
		return drawMulti(t)
	case kind <= 1:
		return drawCreate(t)
	case kind <= 3:
		return zk.OpDelete, &txn.Delete{Path: genPath.Draw(t, "path")}
	case kind <= 5:
		return zk.OpSetData, &txn.SetData{
			Path: genPath.Draw(t, "path"), Data: genData.Draw(t, "data"), Version: rapid.Int32().Draw(t, "version"),
		}
	case kind == 6:
		return zk.OpSetACL, &txn.SetACL{Path: genPath.Draw(t, "path"), ACL: genACL.Draw(t, "acl"), Version: 3}
	case kind == 7:
		return zk.OpCheck, &txn.Check{Path: "/a", Version: 1}
	}
	return zk.OpError, &txn.Error{Code: zk.RuntimeInconsistency}
}

func drawCreate(t *rapid.T) (zk.OpCode, txn.Body) {
	path, data, acl := genPath.Draw(t, "path"), genData.Draw(t, "data"), genACL.Draw(t, "acl")
	creates := genCreates.Draw(t, "creates")
	switch rapid.IntRange(0, 5).Draw(t, "mode") {
	case 0:
		return zk.OpCreateContainer, &txn.CreateContainer{Path: path, Data: data, ACL: acl, ParentCreates: creates}
	case 1:
		ttl := rapid.SampledFrom([]int64{1, zk.TTLMax, 0, -1, zk.TTLMax + 1}).Draw(t, "ttl")
		return zk.OpCreateTTL, &txn.CreateTTL{Path: path, Data: data, ACL: acl, ParentCreates: creates, TTL: ttl}
	case 2, 3:
		return zk.OpCreate, &txn.Create{Path: path, Data: data, ACL: acl, Ephemeral: true, ParentCreates: creates}
	}
	return zk.OpCreate2, &txn.Create{Path: path, Data: data, ACL: acl, ParentCreates: creates}
}

func drawSession(t *rapid.T) (zk.OpCode, txn.Body) {
	switch rapid.IntRange(0, 4).Draw(t, "session") {
	case 0:
		return zk.OpCreateSession, &txn.CreateSession{Timeout: rapid.Int32Range(0, 9).Draw(t, "timeout")}
	case 1:
		return zk.OpCloseSession, &txn.CloseSession{}
	case 2:
		return 99, nil
	case 3:
		return zk.OpError, &txn.Error{Code: zk.NoNode}
	}
	listed := rapid.SliceOfN(genPath, 0, 3).Draw(t, "listed")
	return zk.OpCloseSession, &txn.CloseSession{Paths: listed, HasPaths: true}
}

func drawMulti(t *rapid.T) (zk.OpCode, txn.Body) {
	m := &txn.Multi{}
	for range rapid.IntRange(0, 5).Draw(t, "ops") {
		op, body := draw(t, true)
		m.Ops = append(m.Ops, txn.Op{Type: op, Body: body})
	}
	return zk.OpMulti, m
}

func drawTxn(t *rapid.T, zxid zk.Zxid) *txn.Txn {
	op, body := draw(t, false)
	return &txn.Txn{
		Header: txn.Header{Session: genSession.Draw(t, "by"), Zxid: zxid, Time: int64(zxid) * 7, Type: op},
		Body:   body,
	}
}

// TestAgainstModel applies any transactions, also those no leader makes, and wants
// results, events and the whole tree as the specification says
// (disk.md 5.6; invariants T1 to T9, T13 to T16, G1, Q1 to Q3, Q5).
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, m := New(Options{Digest: true}), newModel()
		zxid := zk.Zxid(0)
		for range rapid.IntRange(1, 40).Draw(t, "transactions") {
			zxid += zk.Zxid(rapid.IntRange(0, 2).Draw(t, "step"))
			tx := drawTxn(t, zxid)
			var changes []Change
			got := tr.Apply(tx, func(c Change) { changes = append(changes, c) })
			want := m.apply(tx)
			about := fmt.Sprintf("%v %+v", tx.Type, tx.Body)
			diff(t, "result of "+about, got, want)
			diff(t, "events of "+about, changes, m.changes)
			diff(t, "tree after "+about, dumpTree(tr), dumpModel(m))
			if err := tr.verify(); err != nil {
				t.Fatalf("after %s: %v", about, err)
			}
			checkCounts(t, tr, m)
		}
	})
}

// checkCounts compares the numbers that are exported as metrics (invariant T14).
func checkCounts(t *rapid.T, tr *Tree, m *model) {
	size, ephemerals := int64(len("/")), 0
	for p, n := range m.nodes {
		size += int64(len(p) + len(n.data))
		if n.stat.Owner.Session() != 0 {
			ephemerals++
		}
	}
	diff(t, "nodes", tr.NodeCount(), len(m.nodes)+1)
	diff(t, "size", tr.ApproximateDataSize(), size)
	diff(t, "ephemerals", tr.EphemeralCount(), ephemerals)
	if n, ok := tr.AllChildrenNumber("/"); !ok || n != len(m.nodes)-1 {
		t.Fatalf("AllChildrenNumber(/) = %d, %v, want %d", n, ok, len(m.nodes)-1)
	}
	if n, ok := tr.AllChildrenNumber(""); !ok || n != len(m.nodes) {
		t.Fatalf(`AllChildrenNumber("") = %d, %v, want %d`, n, ok, len(m.nodes))
	}
}

// TestRegisteredQuotas checks that exactly the limits below /zookeeper/quota
// register a path (invariant Q2), also after the tree has been loaded anew.
func TestRegisteredQuotas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr, m := New(Options{}), newModel()
		for zxid := range zk.Zxid(rapid.IntRange(1, 30).Draw(t, "transactions")) {
			tx := drawTxn(t, zxid+1)
			tr.Apply(tx, func(Change) {})
			m.apply(tx)
		}
		got := map[string]bool{}
		for p := range tr.quotas.paths {
			got[p] = true
		}
		diff(t, "registered", got, m.limits)
		again := reload(t, tr)
		got = map[string]bool{}
		for p := range again.quotas.paths {
			got[p] = true
		}
		diff(t, "registered after loading", got, m.limits)
	})
}
