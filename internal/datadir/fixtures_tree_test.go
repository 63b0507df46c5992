package datadir

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/snapshot"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// TestFixturesLoadIntoTheTree loads the golden directories that ZooKeeper loads into
// the tree that the server has, and compares with what a real server answered.
func TestFixturesLoadIntoTheTree(t *testing.T) {
	compared := 0
	for _, name := range fixtureNames() {
		t.Run(name, func(t *testing.T) {
			_, want := put(t, name)
			for _, m := range want.Members {
				disk, _ := put(t, name)
				d, err := m.open(t, disk, Options{})
				if err != nil {
					t.Fatal(err)
				}
				got, l, err := recoverTree(d)
				if err != nil || !m.Loads {
					continue // TestFixturesLoad says which are refused
				}
				compareTree(t, m, got, l)
				compared++
			}
		})
	}
	if compared < 25 {
		t.Errorf("only %d directories were compared", compared)
	}
}

// recoverTree loads a directory as a server does.
func recoverTree(d *Dir) (*tree.Tree, Loaded, error) {
	var loader *tree.Loader
	var got *tree.Tree
	var failed error
	finish := func(base zk.Zxid) {
		switch {
		case got != nil || failed != nil:
		case loader == nil:
			got = tree.New(tree.Options{Digest: true})
		default:
			got, failed = loader.Finish(base)
		}
	}
	l, err := d.Load(func() snapshot.Sink {
		loader = tree.NewLoader(tree.Options{Digest: true})
		return loader
	}, func(base zk.Zxid, rec *txn.Record) {
		if finish(base); failed == nil {
			got.Apply(&rec.Txn, func(tree.Change) {})
		}
	})
	if err == nil {
		finish(l.Snapshot)
		err = failed
	}
	return got, l, err
}

func compareTree(t *testing.T, m member, got *tree.Tree, l Loaded) {
	t.Helper()
	if s := got.LastZxid().String(); s != m.LastZxid {
		t.Errorf("%s: last zxid %s, want %s", m.DataDir, s, m.LastZxid)
	}
	if m.Digest != "" && strconv.FormatUint(got.Digest(), 10) != m.Digest {
		t.Errorf("%s: digest %d, want %s", m.DataDir, got.Digest(), m.Digest)
	}
	sessions := map[string]int32{}
	for id, timeout := range got.Sessions() {
		sessions[id.String()] = timeout
	}
	if diff := cmp.Diff(m.Sessions, sessions); diff != "" {
		t.Errorf("%s: sessions (-want +got):\n%s", m.DataDir, diff)
	}
	if diff := cmp.Diff(m.nodes(), listTree(got)); diff != "" {
		t.Errorf("%s: tree (-want +got):\n%s", m.DataDir, diff)
	}
}

// listTree is the tree in the form of the expectations.
func listTree(got *tree.Tree) map[string]listed {
	all := map[string]listed{}
	paths := []string{zk.PathRoot}
	for len(paths) > 0 {
		path := paths[0]
		paths = paths[1:]
		got.Read(path, func(n *tree.Node) {
			z := listed{Data: "null", ACL: n.ACL, Stat: n.ClientStat()}
			if n.Data != nil {
				z.Data = strconv.Quote(string(n.Data))
			}
			if sameEverywhere(path) {
				all[path] = z
			}
			for _, name := range n.Children() {
				paths = append(paths, zk.Join(path, name))
			}
		})
	}
	return all
}
