package replica

import (
	"log/slog"
	"strings"
	"testing"

	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/env/memfs"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// created is a history of creates with the digests that its leader recorded, and the
// tree after the first, with the second in it too: such is the snapshot that
// ZooKeeper's leaders send while they apply (quorum.md 4.7).
func created() (recs []*txn.Record, fuzzy *tree.Tree) {
	cfg := config.Defaults()
	options := treeOptions(cfg, slog.New(slog.DiscardHandler), new(Alarms))
	leader, fuzzy := tree.New(options), tree.New(options)
	for i, path := range []string{"/a", "/b", "/c", "/d"} {
		tx := txn.Txn{
			Header: txn.Header{Session: 1, Zxid: zk.MakeZxid(1, uint32(i+1)), Time: int64(1000 + i), Type: zk.OpCreate},
			Body:   &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: int32(10 + i)},
		}
		leader.Apply(&tx, func(tree.Change) {})
		if i < 2 {
			fuzzy.Apply(&tx, func(tree.Change) {})
		}
		tx.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: leader.Digest()}
		recs = append(recs, txn.NewRecord(tx))
	}
	// The third is in it as well, and the first is all that is told of.
	fuzzy.Apply(&recs[2].Txn, func(tree.Change) {})
	fuzzy.SetLastZxid(recs[0].Zxid)
	return recs, fuzzy
}

// spoilt is a record whose digest is not that of its tree.
func spoilt(rec *txn.Record) *txn.Record {
	tx := rec.Txn
	tx.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: rec.Digest.Tree + 1}
	return txn.NewRecord(tx)
}

// deaf are clients that are not there.
type deaf struct{ Clients }

func (deaf) Fire(tree.Change)                                {}
func (deaf) Applied(*txn.Record, *tree.Result)               {}
func (deaf) SetService(_ zk.Service, _ *tree.Tree, _ uint64) {}

// A leader's snapshot may hold changes that its learner has still to be sent. Their
// digests cannot agree, which is no reason to stop; once an epoch begins they must.
func TestAFuzzySnapshotIsForgivenUntilTheEpochBegins(t *testing.T) {
	recs, _ := created()
	for _, c := range []struct {
		name  string
		fuzzy bool
		last  *txn.Record
		want  bool
	}{
		{"a fuzzy snapshot", true, recs[3], false},
		{"a fuzzy snapshot, and a digest that differs in the epoch", true, spoilt(recs[3]), true},
		{"an exact snapshot with a tree that differs", false, recs[3], true},
	} {
		_, snapshot := created()
		a := &applyLoop{r: &Replica{cfg: config.Defaults(), o: Options{Clients: deaf{}}}}
		applyTree{tree: snapshot, zxid: recs[0].Zxid, fuzzy: c.fuzzy}.run(a)
		applyRecords{recs[1:3]}.run(a)
		applyEpoch{epoch: 1, last: recs[2].Zxid}.run(a)
		applyRecords{[]*txn.Record{c.last}}.run(a)
		if a.mismatch != c.want {
			t.Errorf("%s: mismatch %v, want %v", c.name, a.mismatch, c.want)
		}
	}
}

// The same after a restart in between: the file says nothing of what it holds too much,
// and the log behind it may not have come yet.
func TestAFuzzySnapshotIsLoaded(t *testing.T) {
	recs, snapshot := created()
	for _, c := range []struct {
		name   string
		log    []*txn.Record
		fuzzy  bool
		errors bool
	}{
		{"no log", nil, true, false},
		{"a part of what it holds", recs[1:2], true, false},
		{"all that it holds", recs[1:3], false, false},
		{"more", recs[1:4], false, false},
		{"a digest that differs behind it", []*txn.Record{recs[1], recs[2], spoilt(recs[3])}, false, true},
	} {
		fs := memfs.New(1)
		o := datadir.Options{ForceSync: true, AutoCreate: true, Ensemble: true}
		dir, err := datadir.Open(fs, "/d/version-2", "/d/version-2", o)
		if err != nil {
			t.Fatal(err)
		}
		v := snapshot.View()
		if err := dir.Install(v); err != nil {
			t.Fatal(err)
		}
		v.Close()
		if err := dir.SetEpoch(false, 1); err != nil {
			t.Fatal(err)
		}
		w := dir.NewLog()
		if err := w.Append(c.log); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		log, text := plainLog()
		loaded, err := Load(dir, config.Defaults(), log)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if loaded.Fuzzy != c.fuzzy || strings.Contains(text.String(), "level=ERROR") != c.errors {
			t.Errorf("%s: fuzzy %v, want %v; errors wanted: %v, log:\n%s", c.name, loaded.Fuzzy, c.fuzzy, c.errors, text)
		}
		dir.Close()
	}
}
