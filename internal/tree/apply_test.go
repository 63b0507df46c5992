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

// TestReservedNodesStay checks invariant T3 against transactions, not requests.
func TestReservedNodesStay(t *testing.T) {
	for _, path := range []string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		alarms := 0
		tr := New(Options{Digest: true, OnAlarm: func(string, zk.Zxid) { alarms++ }})
		tx := txn.Txn{Header: txn.Header{Zxid: 1, Type: zk.OpDelete}, Body: &txn.Delete{Path: path}}
		res := tr.Apply(&tx, func(c Change) { t.Errorf("event %+v", c) })
		if res.Code == zk.OK || alarms != 1 {
			t.Errorf("delete of %s: %v and %d alarms, want a refusal and one", path, res.Code, alarms)
		}
		if _, ok := tr.Info(path); !ok {
			t.Errorf("%s is gone", path)
		}
	}
}

// TestClosedSessionWithChildren replays the end of a session onto a fuzzy snapshot
// in which its ephemeral has already come again as a parent.
func TestClosedSessionWithChildren(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	for _, path := range []string{"/e", "/e/a", "/e/a/b", "/e/c"} {
		h.create(path, "x")
	}
	before := h.tree.NodeCount()
	res := h.do(9, zk.OpCloseSession, &txn.CloseSession{Paths: []string{"/e"}, HasPaths: true})
	diff(t, "code", res.Code, zk.OK)
	diff(t, "nodes", h.tree.NodeCount(), before-4)
	h.verify()
}

// TestEventsComeBeforeTheZxid checks the order inside Apply on which readers rely
// (client-protocol.md 9, rule 5): events first, under the locks, then the zxid.
func TestEventsComeBeforeTheZxid(t *testing.T) {
	h := newHistory(t, Options{})
	fired := 0
	h.tree.Apply(h.next(1, zk.OpCreate, h.createBody("/a", nil)), func(c Change) {
		fired++
		if got := h.tree.LastZxid(); got != 0 {
			t.Errorf("zxid %v is out before the event of %v", got, c.Zxid)
		}
		for _, key := range []string{"", "/a"} {
			s := &h.tree.stripes[h.tree.stripeOf(key)]
			if s.mu.TryRLock() {
				s.mu.RUnlock()
				t.Errorf("the stripe of %q can be read before the event is queued", key)
			}
		}
	})
	diff(t, "events", fired, 1)
	diff(t, "zxid", h.tree.LastZxid(), zk.Zxid(1))
}

// TestDataIsCopied: the tree must not keep the bytes of a transaction alive.
func TestDataIsCopied(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	data := []byte("first")
	h.do(1, zk.OpCreate, &txn.Create{Path: "/a", Data: data, ACL: zk.OpenACL(), ParentCreates: 1})
	clear(data)
	diff(t, "data", h.data("/a"), "first")
	data = []byte("second")
	h.do(1, zk.OpSetData, &txn.SetData{Path: "/a", Data: data, Version: 1})
	clear(data)
	diff(t, "data", h.data("/a"), "second")
}

// TestDigestMismatch: only a digest of our version is compared (disk.md 7.4).
func TestDigestMismatch(t *testing.T) {
	right := uint64(1371985504)
	for _, test := range []struct {
		digest *txn.Digest
		off    bool
		want   bool
	}{
		{nil, false, false},
		{&txn.Digest{Version: txn.DigestVersion, Tree: right}, false, false},
		{&txn.Digest{Version: txn.DigestVersion, Tree: right + 1}, false, true},
		{&txn.Digest{Version: 1, Tree: right + 1}, false, false},
		{&txn.Digest{Version: txn.DigestVersion, Tree: right + 1}, true, false},
	} {
		tr := New(Options{Digest: !test.off})
		res := tr.Apply(&txn.Txn{
			Header: txn.Header{Zxid: 1, Type: zk.OpError}, Body: &txn.Error{Code: zk.NoNode}, Digest: test.digest,
		}, nil)
		if res.DigestMismatch != test.want {
			t.Errorf("digest %+v, off %v: mismatch %v, want %v", test.digest, test.off, res.DigestMismatch, test.want)
		}
	}
}

// TestEveryFieldIsDigested changes one field of a stat at a time (invariant G4).
func TestEveryFieldIsDigested(t *testing.T) {
	stat := zk.StatPersisted{Czxid: 1, Mzxid: 2, Ctime: 3, Mtime: 4, Version: 5, Creates: 6, Aversion: 7, Owner: 8, Pzxid: 9}
	prefix := Prefix("/a", []byte("data"))
	want := NodeDigest(prefix, "/a", &stat)
	for name, change := range map[string]func(s *zk.StatPersisted){
		"czxid": func(s *zk.StatPersisted) { s.Czxid++ }, "mzxid": func(s *zk.StatPersisted) { s.Mzxid++ },
		"pzxid": func(s *zk.StatPersisted) { s.Pzxid++ }, "ctime": func(s *zk.StatPersisted) { s.Ctime++ },
		"mtime": func(s *zk.StatPersisted) { s.Mtime++ }, "version": func(s *zk.StatPersisted) { s.Version++ },
		"creates": func(s *zk.StatPersisted) { s.Creates++ }, "aversion": func(s *zk.StatPersisted) { s.Aversion++ },
		"owner": func(s *zk.StatPersisted) { s.Owner++ },
	} {
		changed := stat
		change(&changed)
		if NodeDigest(prefix, "/a", &changed) == want {
			t.Errorf("%s does not count", name)
		}
	}
	if Prefix("/", []byte("x")) != Prefix("", []byte("x")) {
		t.Error("the two names of the root differ")
	}
	if got := NodeDigest(prefix, "/zookeeper/a", &stat); got != 0 {
		t.Errorf("a node below /zookeeper counts %d", got)
	}
	if NodeDigest(prefix, "/zookeeper", &stat) == 0 || NodeDigest(prefix, "/zookeeper-a", &stat) == 0 {
		t.Error("/zookeeper or /zookeeper-a does not count")
	}
}

// TestConfigNode checks disk.md 6.7: the configuration is set by no transaction,
// and does not show in the digest.
func TestConfigNode(t *testing.T) {
	tr := New(Options{Digest: true})
	digest := tr.Digest()
	data := []byte("version=100000000")
	tr.SetConfig(data, 0x100000000, 77)
	data[0] = 'X'
	tr.Read(zk.PathConfig, func(n *Node) {
		diff(t, "data", string(n.Data), "version=100000000")
		diff(t, "stat", n.Stat, zk.StatPersisted{Mzxid: 0x100000000, Mtime: 77, Version: -1, Aversion: -1})
	})
	diff(t, "digest", tr.Digest(), digest)
	diff(t, "zxid", tr.LastZxid(), zk.Zxid(0))
	if err := tr.verify(); err != nil {
		t.Error(err)
	}
}

// TestVerifyFindsDamage checks the check itself.
func TestVerifyFindsDamage(t *testing.T) {
	for name, damage := range map[string]func(tr *Tree){
		"digest":     func(tr *Tree) { tr.digest++ },
		"data":       func(tr *Tree) { tr.node("/a").data = []byte("flipped") },
		"count":      func(tr *Tree) { tr.nodeCount.Add(1) },
		"size":       func(tr *Tree) { tr.dataSize.Add(1) },
		"references": func(tr *Tree) { tr.node("/a").acl.refs++ },
		"owner":      func(tr *Tree) { tr.owners.remove(1, "/a") },
		"orphan":     func(tr *Tree) { tr.node("").kids.remove("a", 0, 1) },
		"ghost":      func(tr *Tree) { tr.node("").kids.add("ghost", 0, 1) },
	} {
		h := newHistory(t, Options{Digest: true})
		h.do(1, zk.OpCreate, &txn.Create{Path: "/a", ACL: zk.OpenACL(), Ephemeral: true, ParentCreates: 1})
		h.verify()
		damage(h.tree)
		if h.tree.verify() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
