package shadow

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/env/memfs"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

type clock struct{ now time.Time }

func (c *clock) Now() time.Time              { return c.now }
func (c *clock) Wall() time.Time             { return c.now }
func (c *clock) WakeAt(time.Time, env.Waker) {}

// loops hold one loop that the test steps.
type loops struct {
	step  func() func()
	wakes int
}

func (l *loops) Start(_ string, step func() func()) env.Loop { l.step = step; return l }
func (l *loops) Parallel(int, func(int))                     {}
func (l *loops) Wake()                                       { l.wakes++ }
func (l *loops) Stop()                                       {}

func (l *loops) run() { l.step()() }

// A desk is a recorder with its surroundings.
type desk struct {
	*Recorder
	world
	fs    *memfs.FS
	clock *clock
	loops *loops
}

func newDesk(t *testing.T) *desk {
	d := &desk{world: *newWorld(t), fs: memfs.New(1), clock: &clock{time.Unix(1000, 0)}, loops: &loops{}}
	if err := d.fs.MkdirAll("/data"); err != nil {
		t.Fatal(err)
	}
	e := env.Env{Clock: d.clock, FS: d.fs, Loops: d.loops, Log: slog.New(slog.DiscardHandler)}
	d.Recorder = NewRecorder(Options{Env: e, Dir: "/data", Rules: *everything, Begin: Report{Version: "1", Shadow: 9}})
	d.Start()
	return d
}

// pass gives the recorder a transaction as the apply loop does, with the digest that the
// leader's tree would have.
func (d *desk) pass(body txn.Body, op zk.OpCode, lie uint64, before, after bool) {
	rec := d.record(alice, op, body)
	d.Before(d.world.tree, rec, before)
	res := d.world.tree.Apply(&rec.Txn, func(tree.Change) {})
	if op != zk.OpError {
		rec.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: d.world.tree.Digest() + lie}
	}
	res.DigestMismatch = lie != 0 && after
	d.After(d.world.tree, rec, &res, after)
	d.zxid++
}

// written is the report that is on disk.
func (d *desk) written() (r Report) {
	d.t.Helper()
	b, ok := d.fs.Get("/data/" + JSONFile)
	if !ok {
		d.t.Fatal("no report is written")
	}
	if err := json.Unmarshal(b, &r); err != nil {
		d.t.Fatal(err)
	}
	return r
}

func TestReportCountsWhatWasChecked(t *testing.T) {
	d := newDesk(t)
	d.loops.run()
	if got := d.written().Verdict; got != NothingChecked {
		t.Errorf("verdict at first %q, want %q", got, NothingChecked)
	}
	d.Syncing("SNAP", 5)
	d.clock.now = d.clock.now.Add(3 * time.Second)
	d.Restored(d.world.tree, d.zxid)
	d.Following(2, 1)
	// Neither is judged: what the tree holds is not known. The digest behind the second is.
	d.pass(create("/a/b/c/d", 9), zk.OpCreate, 1, false, false)
	d.pass(&txn.SetData{Path: "/a", Version: 7}, zk.OpSetData, 0, false, true)
	if r := d.Report(); r.Verdict != NothingFound || r.Judged != 0 {
		t.Errorf("%s, want nothing found with nothing judged", r.Text())
	}
	d.pass(&txn.Error{Code: zk.NoNode}, zk.OpError, 0, true, true)
	d.Pinged(d.zxid + 3)
	d.Pinged(d.zxid + 1)
	d.Left("gone")
	d.clock.now = d.clock.now.Add(newsEvery)
	d.loops.run()

	got := d.written()
	want := Report{
		Verdict: NothingFound, Version: "1", Shadow: 9, Began: got.Began, Until: got.Until,
		Reigns: []Reign{{2, 1}}, Followed: 1, LastLeft: "gone", Syncs: map[string]int{"SNAP": 1},
		Snapshot: Snapshot{Zxid: "0x100000007", Took: 3 * time.Second, Nodes: 10},
		First:    "0x10000000a", Last: "0x10000000a", Judged: 1,
		Types: map[string]int{"create": 1, "setData": 1, "error": 1}, Digests: Digests{Equal: 1, Inexact: 1, Missing: 1},
		ByRule: map[string]int{}, Behind: 1, BehindMax: 3,
		Nodes: 10, Bytes: d.world.tree.ApproximateDataSize(), Sessions: 2, Ephemeral: 2, NotJudged: NotJudged,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	text, _ := d.fs.Get("/data/" + TextFile)
	if !strings.HasPrefix(string(text), "verdict:        nothing found\n") {
		t.Errorf("the text is\n%s", text)
	}
}

func TestReportTellsDifferences(t *testing.T) {
	d := newDesk(t)
	d.pass(create("/n", 3), zk.OpCreate, 1, true, true)
	d.Skipped(4)
	d.Restored(d.world.tree, d.zxid)
	for i := range 2 * findingsMax {
		d.pass(&txn.SetData{Path: "/a", Version: 50 * int32(i+1)}, zk.OpSetData, 0, true, true)
	}
	r := d.Report()
	if r.Verdict != DifferencesFound || r.Total < findingsMax || len(r.Findings) != findingsMax || r.StartOver != 1 ||
		r.Digests.Differ != 1 || r.Digests.Skipped != 4 || r.ByRule[RuleDigest] != 1 || r.ByRule[RuleVersion] != r.Total-1 {
		t.Errorf("%s", r.Text())
	}
	f := r.Findings[0]
	if f.Rule != RuleDigest || f.Zxid != "0x100000008" || f.Type != "create" || !cmp.Equal(f.Paths, []string{"/n"}) || f.Expected == f.Actual {
		t.Errorf("first finding %v", f)
	}
	for _, want := range []string{"verdict:        differences found", "0x100000008 create (digest) /n: expected ", "and 101 more: digest 1, version "} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("%q is not in\n%s", want, r.Text())
		}
	}
}

// News are written at once, but no more than once a second, and the rest in time.
func TestReportIsWrittenWhenThereIsNews(t *testing.T) {
	d := newDesk(t)
	d.loops.run()
	began := d.written().Until
	for _, c := range []struct {
		after   time.Duration
		news    bool
		written bool
	}{{newsEvery / 2, true, false}, {newsEvery / 2, false, true}, {writeEvery / 2, false, false}, {writeEvery / 2, false, true}, {newsEvery, true, true}} {
		d.clock.now = d.clock.now.Add(c.after)
		if c.news {
			d.Left("gone")
		}
		before := d.written().Until
		d.loops.run()
		if written := d.written().Until.After(before); written != c.written {
			t.Errorf("%v after the last step, %v since the start, news %v: written %v", c.after, d.clock.now.Sub(began), c.news, written)
		}
	}
	if d.loops.wakes < 2 {
		t.Errorf("the loop was woken %d times, want for each news", d.loops.wakes)
	}
}

func TestClaim(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		dir   string
		ok    bool
	}{
		"a new directory":         {nil, "/new", true},
		"an empty one":            {map[string]string{"/new/file": ""}, "/new", true},
		"that of a member":        {map[string]string{"/d/myid": "1\n"}, "/d", false},
		"that of a single server": {map[string]string{"/d/version-2/snapshot.0": ""}, "/d", false},
		"logs of a server":        {map[string]string{"/logs/version-2/log.1": ""}, "/new", false},
		"that of a shadow":        {map[string]string{"/d/version-2/snapshot.0": "", "/d/shadow": ""}, "/d", true},
	} {
		fs := memfs.New(1)
		for name, text := range c.files {
			fs.Put(name, []byte(text))
		}
		cfg := &config.Config{DataDir: c.dir, DataLogDir: "/logs"}
		err := Claim(fs, cfg)
		if c.ok != (err == nil) || !c.ok && !errors.Is(err, ErrNotOurs) {
			t.Errorf("%s: %v", name, err)
		}
		if _, marked := fs.Get(c.dir + "/shadow"); marked != c.ok {
			t.Errorf("%s: marked %v, want %v", name, marked, c.ok)
		}
		if again := Claim(fs, cfg); c.ok && again != nil {
			t.Errorf("%s, again: %v", name, again)
		}
	}
}
