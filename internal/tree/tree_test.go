package tree

import (
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

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

// TestSessions: sessions and what they own come and go together (disk.md 5.6).
func TestSessions(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	own := func(session zk.SessionID, path string) {
		body := h.createBody(path, nil)
		body.Ephemeral = true
		h.do(session, zk.OpCreate, body)
	}
	h.do(5, zk.OpCreateSession, &txn.CreateSession{Timeout: 4000})
	h.do(6, zk.OpCreateSession, &txn.CreateSession{Timeout: 1})
	h.do(6, zk.OpCreateSession, &txn.CreateSession{Timeout: 6000})
	own(5, "/e2")
	own(5, "/e1")
	own(6, "/e3")
	own(7, "/e4") // of no session
	diff(t, "sessions", h.tree.Sessions(), map[zk.SessionID]int32{5: 4000, 6: 6000})
	diff(t, "ephemerals", h.tree.Ephemerals(5), []string{"/e1", "/e2"})
	diff(t, "owners", h.tree.EphemeralOwners(), []zk.SessionID{5, 6, 7})
	diff(t, "number of ephemerals", h.tree.EphemeralCount(), 4)
	var gone []string
	// What is listed comes first, then what else the session owns.
	tx := h.next(5, zk.OpCloseSession, &txn.CloseSession{Paths: []string{"/e2", "/e3"}, HasPaths: true})
	h.tree.Apply(tx, func(c Change) { gone = append(gone, c.Path) })
	diff(t, "deleted", gone, []string{"/e2", "/e3", "/e1"})
	diff(t, "sessions", h.tree.Sessions(), map[zk.SessionID]int32{6: 6000})
	diff(t, "ephemerals", h.tree.EphemeralMap(), map[zk.SessionID][]string{7: {"/e4"}})
	if _, ok := h.tree.HasSession(5); ok {
		t.Error("the closed session is there")
	}
	if timeout, ok := h.tree.HasSession(6); !ok || timeout != 6000 {
		t.Errorf("session 6: %d, %v, want 6000", timeout, ok)
	}
	h.verify()
}

// TestZxidNeverGoesBack: replay of the past does not lower what was published.
func TestZxidNeverGoesBack(t *testing.T) {
	h := newHistory(t, Options{})
	h.zxid = 0x1_0000_0005
	h.create("/a", "")
	h.zxid = 0x1_0000_0001
	h.set("/a", "old", 1)
	diff(t, "zxid", h.tree.LastZxid(), zk.Zxid(0x1_0000_0006))
	h.tree.SetLastZxid(0x2_0000_0000)
	diff(t, "zxid of the new epoch", h.tree.LastZxid(), zk.Zxid(0x2_0000_0000))
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
