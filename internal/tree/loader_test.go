package tree

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/env/memfs"
	"ostler/internal/snapshot"
	"ostler/internal/zk"
)

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// reload writes a tree to a snapshot file and reads it back.
func reload(t fataler, tr *Tree) *Tree {
	t.Helper()
	fs := memfs.New(1)
	if err := fs.MkdirAll("/data"); err != nil {
		t.Fatalf("%v", err)
	}
	v := tr.View()
	defer v.Close()
	name, err := snapshot.Write(fs, "/data", v, snapshot.Options{})
	if err != nil {
		t.Fatalf("write: %v", err)
	}
	var l *Loader
	info, err := snapshot.Read(fs, "/data", name, func() snapshot.Sink {
		l = NewLoader(tr.o)
		return l
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	if info.DigestZxid != 0 && info.Digest != tr.Digest() {
		t.Fatalf("digest %d in the file, want %d", info.Digest, tr.Digest())
	}
	again, err := l.Finish(info.Zxid)
	if err != nil {
		t.Fatalf("finish: %v", err)
	}
	return again
}

// TestSnapshotRoundTrip wants the same tree back from a snapshot file, but for the
// statistics of quotas, which are counted afresh (client-protocol.md 4.9, Q6).
func TestSnapshotRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tr := New(Options{Digest: true})
		for zxid := range zk.Zxid(rapid.IntRange(0, 30).Draw(t, "transactions")) {
			tr.Apply(drawTxn(t, zxid+1), func(Change) {})
		}
		want := dumpTree(tr)
		again := reload(t, tr)
		got := dumpTree(again)
		for _, p := range slices.Sorted(maps.Keys(tr.quotas.paths)) {
			stats := zk.PathQuota + p + statsLeaf
			if _, ok := want.Nodes[stats]; !ok {
				continue
			}
			fresh := want.Nodes[stats]
			fresh.Data = got.Nodes[stats].Data
			fresh.Client.DataLength = int32(len(fresh.Data))
			want.Nodes[stats] = fresh
		}
		diff(t, "tree from the snapshot", got, want)
		if err := again.verify(); err != nil {
			t.Fatalf("loaded tree: %v", err)
		}
	})
}

func TestLoadedStatisticsAreCountedAfresh(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	h.create("/a", "12345")
	h.create("/a/b", "678")
	h.create("/zookeeper/quota/a", "")
	h.create("/zookeeper/quota/a/zookeeper_limits", "count=1,bytes=1")
	h.create("/zookeeper/quota/a/zookeeper_stats", "")
	h.set("/zookeeper/quota/a/zookeeper_stats", "nonsense", 1)
	h.tree = reload(t, h.tree)
	if got, want := h.data("/zookeeper/quota/a/zookeeper_stats"), "count=2,bytes=8"; got != want {
		t.Errorf("statistics %q, want %q", got, want)
	}
	h.create("/a/c", "9")
	if got, want := h.data("/zookeeper/quota/a/zookeeper_stats"), "count=3,bytes=9"; got != want {
		t.Errorf("statistics after a create %q, want %q", got, want)
	}
	h.verify()
}

// TestLoaderTakesExtendedOwners checks R-17: containers and TTL nodes are no
// ephemerals, but a session of server 255 with clock bits is one (disk.md 6.3).
func TestLoaderTakesExtendedOwners(t *testing.T) {
	l := NewLoader(Options{Digest: true})
	session := zk.SessionID(-1<<56 | 1<<44 | 5)
	for _, n := range []snapshot.Node{
		{},
		{Path: "/c", Stat: zk.StatPersisted{Owner: zk.OwnerContainer}},
		{Path: "/t", Stat: zk.StatPersisted{Owner: zk.OwnerTTL(5)}},
		{Path: "/e", Stat: zk.StatPersisted{Owner: zk.Owner(session)}},
	} {
		if err := l.Node(&n); err != nil {
			t.Fatalf("node %q: %v", n.Path, err)
		}
	}
	tr, err := l.Finish(9)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "ephemerals", tr.EphemeralMap(), map[zk.SessionID][]string{session: {"/e"}})
	diff(t, "last zxid", tr.LastZxid(), zk.Zxid(9))
	if err := tr.verify(); err != nil {
		t.Error(err)
	}
	for _, p := range []string{"/zookeeper", "/zookeeper/quota", "/zookeeper/config"} {
		if _, ok := tr.Info(p); !ok {
			t.Errorf("%s was not added", p)
		}
	}
}

func TestLoaderRefusesDamage(t *testing.T) {
	for name, nodes := range map[string][]snapshot.Node{
		"a child before its parent":  {{}, {Path: "/a/b"}},
		"a node without a root":      {{Path: "/a"}},
		"a node that comes twice":    {{}, {Path: "/a"}, {Path: "/a"}},
		"two roots":                  {{}, {}},
		"a path without a slash":     {{}, {Path: "a"}},
		"a path that ends with one":  {{}, {Path: "/a"}, {Path: "/a/"}},
		"the root by its other name": {{}, {Path: "/"}},
		"a node below a missing one": {{}, {Path: "/a"}, {Path: "/b/c"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLoader(Options{})
			var err error
			for i := range nodes {
				if err = l.Node(&nodes[i]); err != nil {
					break
				}
			}
			if err == nil {
				t.Errorf("%+v were taken", nodes)
			}
		})
	}
	if _, err := NewLoader(Options{}).Finish(1); err == nil {
		t.Error("a snapshot without any node was taken")
	}
}

// TestLoaderCopies checks that the reader may use its buffers again.
func TestLoaderCopies(t *testing.T) {
	l := NewLoader(Options{Digest: true})
	n := snapshot.Node{Data: []byte("data"), ACL: zk.OpenACL()}
	if err := l.Node(&n); err != nil {
		t.Fatal(err)
	}
	n.Data[0], n.ACL[0].Perms = 'X', 0
	tr, err := l.Finish(1)
	if err != nil {
		t.Fatal(err)
	}
	tr.Read("/", func(n *Node) {
		diff(t, "data", string(n.Data), "data")
		diff(t, "access list", n.ACL, zk.OpenACL())
	})
}
