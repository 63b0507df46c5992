package tree

import (
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// FuzzApply applies whatever decodes as a transaction, twice, in a tree with nodes
// of every kind: applying is total (INV-X2), leaves a consistent tree (INV-T1, T2,
// T13, T14, T16, G1), and is the same on every server (INV-X1).
func FuzzApply(f *testing.F) {
	for _, tx := range []txn.Txn{
		{Header: txn.Header{Session: 1, Zxid: 100, Type: zk.OpCreate}, Body: &txn.Create{Path: "/a/b", Ephemeral: true, ParentCreates: 1}},
		{Header: txn.Header{Zxid: 101, Type: zk.OpCreateTTL}, Body: &txn.CreateTTL{Path: "/a/t", ACL: zk.OpenACL(), TTL: -1}},
		{Header: txn.Header{Zxid: 102, Type: zk.OpCreateContainer}, Body: &txn.CreateContainer{Path: "/", ParentCreates: -1 << 31}},
		{Header: txn.Header{Zxid: 103, Type: zk.OpDelete}, Body: &txn.Delete{Path: "/zookeeper"}},
		{Header: txn.Header{Zxid: 104, Type: zk.OpDelete}, Body: &txn.Delete{Path: "/zookeeper/quota/a/zookeeper_limits"}},
		{Header: txn.Header{Zxid: 105, Type: zk.OpSetData}, Body: &txn.SetData{Path: "/zookeeper/quota/a/zookeeper_stats", Version: 3}},
		{Header: txn.Header{Zxid: 106, Type: zk.OpSetACL}, Body: &txn.SetACL{Path: "", Version: -1}},
		{Header: txn.Header{Session: 2, Zxid: 107, Type: zk.OpCloseSession}, Body: &txn.CloseSession{Paths: []string{"/", "", "/a", "/no/x"}, HasPaths: true}},
		{Header: txn.Header{Session: 2, Zxid: 3, Type: zk.OpCreateSession}, Body: &txn.CreateSession{Timeout: -1}},
		{Header: txn.Header{Zxid: 108, Type: zk.OpMulti}, Body: &txn.Multi{Ops: []txn.Op{
			{Type: zk.OpCreate2, Body: &txn.Create{Path: "/m", ParentCreates: -1}},
			{Type: zk.OpCheck, Body: &txn.Check{Path: "/none"}},
			{Type: zk.OpDelete, Body: &txn.Delete{Path: "/a"}},
		}}},
		{Header: txn.Header{Zxid: 109, Type: zk.OpError}, Body: &txn.Error{Code: 77}},
	} {
		f.Add(tx.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		tx, err := txn.Decode(b)
		if err != nil {
			return
		}
		one, other := staged(t), staged(t)
		for range 2 {
			want := one.tree.Apply(&tx, func(Change) {})
			one.verify()
			diff(t, "result on another server", other.tree.Apply(&tx, func(Change) {}), want)
		}
		diff(t, "tree of another server", dumpTree(other.tree), dumpTree(one.tree))
		// What was applied can be written to a snapshot and loaded. Quotas are counted
		// anew then, which is no part of the digest.
		diff(t, "digest after loading", reload(t, one.tree).Digest(), one.tree.Digest())
	})
}

// staged is a tree with plain nodes, ephemerals of session 2, and a quota.
func staged(t *testing.T) *history {
	h := newHistory(t, Options{Digest: true})
	h.do(2, zk.OpCreateSession, &txn.CreateSession{Timeout: 1000})
	for _, path := range []string{
		"/a", "/a/b", "/a/b/c", "/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_stats",
	} {
		h.create(path, "data")
	}
	h.do(2, zk.OpCreate, &txn.Create{Path: "/a/e", ACL: zk.OpenACL(), Ephemeral: true, ParentCreates: 2})
	h.do(0, zk.OpCreateContainer, &txn.CreateContainer{Path: "/box", ACL: zk.OpenACL(), ParentCreates: -1})
	return h
}
