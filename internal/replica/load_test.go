package replica

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/env/memfs"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// poisoned is a history with the transactions of client-protocol.md H2 and H3 in it,
// as a log or a leader of another make may hold them.
func poisoned() []*txn.Record {
	create := func(path string) *txn.Create {
		return &txn.Create{Path: path, Data: []byte("x"), ACL: zk.OpenACL(), ParentCreates: -1}
	}
	const quota = "/zookeeper/quota/a"
	bodies := []struct {
		op   zk.OpCode
		body txn.Body
	}{
		{zk.OpCreate, create("/a")},
		{zk.OpCreateTTL, &txn.CreateTTL{Path: "/t", ACL: zk.OpenACL(), ParentCreates: -1, TTL: -1}}, // H2
		{zk.OpCreate, create("/zookeeper/quota/zookeeper_limits")},                                  // H3
		{zk.OpCreate, create("/zookeeper/zookeeper_limits")},
		{zk.OpDelete, &txn.Delete{Path: "/zookeeper/zookeeper_limits"}}, // H3
		{zk.OpCreate, create(quota)},
		{zk.OpCreate, create(quota + "/zookeeper_limits")},
		{zk.OpCreate, create(quota + "/zookeeper_stats")},
		{zk.OpSetData, &txn.SetData{Path: quota + "/zookeeper_stats", Version: 1}},
		{zk.OpCreate, create("/a/b")}, // H3
		{zk.OpCreate, create("/after")},
	}
	var recs []*txn.Record
	for i, b := range bodies {
		recs = append(recs, txn.NewRecord(txn.Txn{
			Header: txn.Header{Session: 1, Zxid: zk.Zxid(i + 1), Time: int64(1000 + i), Type: b.op}, Body: b.body,
		}))
	}
	return recs
}

// poisonedAlarms is how many of them raise an alarm.
const poisonedAlarms = 4

// checkPoisoned wants the tree that the rules give.
func checkPoisoned(t *testing.T, tr *tree.Tree) {
	t.Helper()
	if tr.LastZxid() != zk.Zxid(len(poisoned())) {
		t.Errorf("last zxid %v, want all %d spent", tr.LastZxid(), len(poisoned()))
	}
	for path, want := range map[string]string{
		"/t": "-", "/zookeeper/zookeeper_limits": "-", "/zookeeper/quota/zookeeper_limits": "x",
		"/a/b": "x", "/after": "x", "/zookeeper/quota/a/zookeeper_stats": "count=2,bytes=2",
	} {
		got := "-"
		tr.Read(path, func(n *tree.Node) {
			if n != nil {
				got = string(n.Data)
			}
		})
		if got != want {
			t.Errorf("%s holds %q, want %q", path, got, want)
		}
	}
}

// A log with poisoned transactions does not keep a server from starting: they are
// applied as the tree's rules go, and counted (INV-X2; H2, H3). So it does again at
// the next start.
func TestAPoisonedLogIsReplayed(t *testing.T) {
	fs := memfs.New(1)
	open := func() *datadir.Dir {
		dir, err := datadir.Open(fs, "/d/version-2", "/d/version-2", datadir.Options{ForceSync: true, AutoCreate: true})
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	cfg := config.Defaults()
	dir := open()
	empty, err := Load(dir, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	v := empty.Tree.View()
	if err := dir.InitFresh(v); err != nil {
		t.Fatal(err)
	}
	v.Close()
	log := dir.NewLog()
	if err := log.Append(poisoned()); err != nil {
		t.Fatal(err)
	}
	if err := log.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	dir.Close()
	for range 2 {
		dir := open()
		loaded, err := Load(dir, cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		checkPoisoned(t, loaded.Tree)
		if got := loaded.Alarms.Count(); got != poisonedAlarms {
			t.Errorf("%d alarms, want %d", got, poisonedAlarms)
		}
		dir.Close()
	}
}

// The same from a leader: a learner applies them to the tree that it serves, with the
// options of a server, and counts on.
func TestAPoisonedLeaderIsFollowed(t *testing.T) {
	alarms := new(Alarms)
	tr := tree.New(treeOptions(config.Defaults(), slog.New(slog.DiscardHandler), alarms))
	var codes []zk.Code
	for _, rec := range poisoned() {
		codes = append(codes, tr.Apply(&rec.Txn, func(tree.Change) {}).Code)
	}
	want := make([]zk.Code, len(codes))
	want[1] = zk.SystemError
	if d := cmp.Diff(want, codes); d != "" {
		t.Errorf("results (-want +got):\n%s", d)
	}
	checkPoisoned(t, tr)
	if got := alarms.Count(); got != poisonedAlarms {
		t.Errorf("%d alarms, want %d", got, poisonedAlarms)
	}
}
