package tree

import (
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// TestEmptyTree checks the built-in nodes (client-protocol.md 4.6, disk.md 6.1)
// and the digest of disk.md 7.2 (invariant G6).
func TestEmptyTree(t *testing.T) {
	tr := New(Options{Digest: true})
	if got, want := tr.Digest(), uint64(1371985504); got != want {
		t.Errorf("digest %d, want %d", got, want)
	}
	for path, want := range map[string]zk.Stat{
		"/":                 {Cversion: -1, NumChildren: 1},
		"/zookeeper":        {Cversion: -2, NumChildren: 2},
		"/zookeeper/quota":  {},
		"/zookeeper/config": {Aversion: -1},
	} {
		tr.Read(path, func(n *Node) {
			if n == nil {
				t.Fatalf("%s is missing", path)
			}
			diff(t, path, n.ClientStat(), want)
			if n.Data == nil || len(n.Data) != 0 {
				t.Errorf("data of %s is %q, want empty and not null", path, n.Data)
			}
		})
	}
	diff(t, "nodes", tr.NodeCount(), 5)
	diff(t, "digest without digests", New(Options{}).Digest(), uint64(0))
}

// TestReplayRules has a case for each rule of disk.md 5.6 that is not plain:
// what is applied to what, and what of the node, its parent and the code results.
func TestReplayRules(t *testing.T) {
	read := []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}
	create := func(path string, creates int32) *txn.Create {
		return &txn.Create{Path: path, Data: []byte("new"), ACL: read, ParentCreates: creates}
	}
	// Before each case: /p with one child /p/k, created by 0x2, creates 5, pzxid 0x20.
	tests := []struct {
		name    string
		zxid    zk.Zxid
		op      zk.OpCode
		body    txn.Body
		code    zk.Code
		creates int32
		pzxid   zk.Zxid
		kidData string // "-" when /p/k is gone
		kidACL  []zk.ACL
	}{
		{"create below a missing parent", 0x30, zk.OpCreate, create("/no/x", 9), zk.NoNode, 5, 0x20, "kid", zk.OpenACL()},
		{"create with a larger child version", 0x30, zk.OpCreate, create("/p/x", 9), zk.OK, 9, 0x30, "kid", zk.OpenACL()},
		{"create with the next child version left out", 0x30, zk.OpCreate, create("/p/x", -1), zk.OK, 6, 0x30, "kid", zk.OpenACL()},
		{"create with a child version of the past", 0x10, zk.OpCreate, create("/p/x", 5), zk.OK, 5, 0x20, "kid", zk.OpenACL()},
		{"create of what exists replaces the list alone", 0x10, zk.OpCreate, create("/p/k", 1), zk.NodeExists, 5, 0x20, "kid", read},
		{"create of what exists raises the parent", 0x30, zk.OpCreate, create("/p/k", 9), zk.NodeExists, 9, 0x30, "kid", read},
		{"create2 does so too (R-16)", 0x30, zk.OpCreate2, create("/p/k", 9), zk.NodeExists, 9, 0x30, "kid", read},
		{
			"createContainer does so too (R-16)", 0x30, zk.OpCreateContainer,
			&txn.CreateContainer{Path: "/p/k", ACL: read, ParentCreates: 9}, zk.NodeExists, 9, 0x30, "kid", read,
		},
		{
			"createTTL does so too (R-16)", 0x30, zk.OpCreateTTL,
			&txn.CreateTTL{Path: "/p/k", ACL: read, ParentCreates: 9, TTL: 1}, zk.NodeExists, 9, 0x30, "kid", read,
		},
		{
			"createTTL without a valid TTL is skipped (H2)", 0x30, zk.OpCreateTTL,
			&txn.CreateTTL{Path: "/p/x", ACL: read, ParentCreates: 9, TTL: -1}, zk.SystemError, 5, 0x20, "kid", zk.OpenACL(),
		},
		{"delete", 0x30, zk.OpDelete, &txn.Delete{Path: "/p/k"}, zk.OK, 5, 0x30, "-", nil},
		{"delete of the past leaves pzxid", 0x10, zk.OpDelete, &txn.Delete{Path: "/p/k"}, zk.OK, 5, 0x20, "-", nil},
		{"delete of what is gone raises pzxid", 0x30, zk.OpDelete, &txn.Delete{Path: "/p/x"}, zk.NoNode, 5, 0x30, "kid", zk.OpenACL()},
		{"delete below a missing parent", 0x30, zk.OpDelete, &txn.Delete{Path: "/no/x"}, zk.NoNode, 5, 0x20, "kid", zk.OpenACL()},
		{"setData of what is gone", 0x30, zk.OpSetData, &txn.SetData{Path: "/p/x", Version: 7}, zk.NoNode, 5, 0x20, "kid", zk.OpenACL()},
		{"setData of the past", 0x10, zk.OpSetData, &txn.SetData{Path: "/p/k", Data: []byte("old")}, zk.OK, 5, 0x20, "old", zk.OpenACL()},
		{"setACL", 0x30, zk.OpSetACL, &txn.SetACL{Path: "/p/k", ACL: read, Version: 4}, zk.OK, 5, 0x20, "kid", read},
		{"check", 0x30, zk.OpCheck, &txn.Check{Path: "/p/k", Version: 99}, zk.OK, 5, 0x20, "kid", zk.OpenACL()},
		{"error", 0x30, zk.OpError, &txn.Error{Code: zk.BadVersion}, zk.BadVersion, 5, 0x20, "kid", zk.OpenACL()},
		{
			"close of a session deletes what is listed, whoever owns it", 0x30, zk.OpCloseSession,
			&txn.CloseSession{Paths: []string{"/no/x", "/p/k"}, HasPaths: true}, zk.OK, 5, 0x30, "-", nil,
		},
		{
			"multi with an error does nothing", 0x30, zk.OpMulti,
			&txn.Multi{Ops: []txn.Op{{Type: zk.OpDelete, Body: &txn.Delete{Path: "/p/k"}}, {Type: zk.OpError, Body: &txn.Error{}}}},
			zk.OK, 5, 0x20, "kid", zk.OpenACL(),
		},
		{
			"multi goes on after an operation that cannot be applied", 0x30, zk.OpMulti,
			&txn.Multi{Ops: []txn.Op{{Type: zk.OpDelete, Body: &txn.Delete{Path: "/no/x"}}, {Type: zk.OpDelete, Body: &txn.Delete{Path: "/p/k"}}}},
			zk.OK, 5, 0x30, "-", nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHistory(t, Options{Digest: true})
			h.create("/p", "")
			h.do(1, zk.OpCreate, &txn.Create{Path: "/p/k", Data: []byte("kid"), ACL: zk.OpenACL(), ParentCreates: 5})
			h.zxid = 0x1f
			h.delete("/p/never")
			h.zxid = test.zxid - 1
			res := h.do(7, test.op, test.body)
			diff(t, "code", res.Code, test.code)
			info, _ := h.tree.Info("/p")
			diff(t, "creates of the parent", info.Stat.Creates, test.creates)
			diff(t, "pzxid of the parent", info.Stat.Pzxid, test.pzxid)
			kid, ok := h.tree.Info("/p/k")
			if want := test.kidData != "-"; ok != want {
				t.Fatalf("/p/k exists: %v, want %v", ok, want)
			}
			if ok {
				diff(t, "data", h.data("/p/k"), test.kidData)
				diff(t, "access list", kid.ACL, test.kidACL)
			}
			h.verify()
		})
	}
}
