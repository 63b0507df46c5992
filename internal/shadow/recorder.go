package shadow

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"ostler/internal/env"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// How often the report is written when there is news, and when there is none.
const (
	newsEvery  = time.Second
	writeEvery = 10 * time.Second
)

// The files of a report, in the shadow's data directory.
const (
	TextFile = "shadow-report.txt"
	JSONFile = "shadow-report.json"
)

// Options are what a Recorder is made of.
type Options struct {
	Env   env.Env
	Dir   string // where the report is written; "" for nowhere
	Rules Rules
	// Begin is the report's first part: version, members, configuration.
	Begin Report
	// Memory tells how many bytes the process takes; may be nil.
	Memory func() int64
}

// A Recorder is the replica.Judge of a shadow: it keeps the report.
type Recorder struct {
	o    Options
	loop env.Loop

	// Owned by the loop.
	written time.Time // when the report was written last
	failed  bool      // and could not be

	mu      sync.Mutex
	report  Report
	tree    *tree.Tree
	news    bool
	syncing time.Time
}

// NewRecorder returns a recorder that has seen nothing.
func NewRecorder(o Options) *Recorder {
	r := &Recorder{o: o, report: o.Begin}
	r.report.Began = o.Env.Clock.Wall()
	r.report.Syncs, r.report.Types, r.report.ByRule = map[string]int{}, map[string]int{}, map[string]int{}
	r.report.NotJudged = NotJudged
	return r
}

// Start begins to write the report.
func (r *Recorder) Start() {
	r.loop = r.o.Env.Loops.Start("shadow report", r.step)
	r.loop.Wake()
}

// Stop ends that, with what there is written.
func (r *Recorder) Stop() {
	r.loop.Stop()
	r.write()
}

func (r *Recorder) step() func() {
	now := r.o.Env.Clock.Now()
	r.mu.Lock()
	due := r.written.IsZero() || now.Sub(r.written) >= writeEvery || r.news && now.Sub(r.written) >= newsEvery
	next := r.written.Add(writeEvery)
	if r.news {
		next = r.written.Add(newsEvery)
	}
	if due {
		r.news = false
		next = now.Add(writeEvery)
	}
	r.mu.Unlock()
	if due {
		r.written = now
		r.write()
	}
	return func() { r.o.Env.Clock.WakeAt(next, r.loop) }
}

// write replaces the files.
func (r *Recorder) write() {
	if r.o.Dir == "" {
		return
	}
	report := r.Report()
	err := env.WriteFileAtomic(r.o.Env.FS, r.o.Dir+"/"+TextFile, []byte(report.Text()))
	if err == nil {
		err = env.WriteFileAtomic(r.o.Env.FS, r.o.Dir+"/"+JSONFile, report.JSON())
	}
	if err != nil && !r.failed {
		r.o.Env.Log.Warn("cannot write the report; it is tried again", "dir", r.o.Dir, "err", err)
	}
	r.failed = err != nil
}

// Report returns what was found so far; callable from anywhere.
func (r *Recorder) Report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.report
	c.Until = r.o.Env.Clock.Wall()
	c.Reigns, c.Findings = slices.Clone(c.Reigns), slices.Clone(c.Findings)
	c.Syncs, c.Types, c.ByRule = maps.Clone(c.Syncs), maps.Clone(c.Types), maps.Clone(c.ByRule)
	if t := r.tree; t != nil {
		c.Nodes, c.Bytes, c.Ephemeral, c.Sessions = t.NodeCount(), t.ApproximateDataSize(), t.EphemeralCount(), len(t.Sessions())
	}
	if r.o.Memory != nil {
		c.Memory = r.o.Memory()
	}
	c.Verdict = c.verdict()
	return c
}

// Before implements replica.Judge.
func (r *Recorder) Before(t *tree.Tree, rec *txn.Record, exact bool) {
	if !exact {
		return
	}
	found := r.o.Rules.Judge(t, rec)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.report.Judged++; r.report.First == "" {
		r.report.First = rec.Zxid.String()
	}
	r.report.Last = rec.Zxid.String()
	for _, f := range found {
		r.add(f)
	}
}

// After implements replica.Judge.
func (r *Recorder) After(t *tree.Tree, rec *txn.Record, res *tree.Result, exact bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tree = t
	r.report.Types[rec.Type.String()]++
	switch d := &r.report.Digests; {
	case !exact:
		d.Inexact++
	case rec.Digest == nil || rec.Digest.Version != txn.DigestVersion:
		d.Missing++
	case !res.DigestMismatch:
		d.Equal++
	default:
		d.Differ++
		r.report.StartOver++
		r.add(Finding{
			Zxid: rec.Zxid.String(), Type: rec.Type.String(), Rule: RuleDigest, Paths: paths(rec.Body),
			Expected: fmt.Sprintf("%x", rec.Digest.Tree), Actual: fmt.Sprintf("%x", t.Digest()),
		})
	}
}

// add adds a finding; the caller holds mu.
func (r *Recorder) add(f Finding) {
	r.report.Total++
	r.report.ByRule[f.Rule]++
	r.tell()
	if len(r.report.Findings) == findingsMax {
		return
	}
	r.report.Findings = append(r.report.Findings, f)
	r.o.Env.Log.Warn("Ostler would have done this differently", "zxid", f.Zxid, "type", f.Type, "rule", f.Rule, "paths", f.Paths,
		"expected", f.Expected, "actual", f.Actual)
}

// tell has the report written soon; the caller holds mu.
func (r *Recorder) tell() {
	r.news = true
	if r.loop != nil {
		r.loop.Wake()
	}
}

// Restored implements replica.Judge.
func (r *Recorder) Restored(t *tree.Tree, zxid zk.Zxid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tree = t
	if !r.syncing.IsZero() {
		r.report.Snapshot = Snapshot{Zxid: zxid.String(), Took: r.o.Env.Clock.Now().Sub(r.syncing), Nodes: t.NodeCount()}
		r.syncing = time.Time{}
	}
	r.tell()
}

// Skipped implements replica.Judge.
func (r *Recorder) Skipped(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Digests.Skipped += n
}

// Syncing implements replica.Judge.
func (r *Recorder) Syncing(by string, _ zk.Zxid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Syncs[by]++
	r.syncing = time.Time{}
	if by == "SNAP" {
		r.syncing = r.o.Env.Clock.Now()
	}
}

// Following implements replica.Judge.
func (r *Recorder) Following(leader zk.ServerID, epoch zk.Epoch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Followed++
	reign := Reign{Leader: int64(leader), Epoch: int64(epoch)}
	if list := r.report.Reigns; len(list) > 0 && list[len(list)-1] == reign {
		return
	}
	if len(r.report.Reigns) == reignsMax {
		r.report.Reigns = r.report.Reigns[1:]
	}
	r.report.Reigns = append(r.report.Reigns, reign)
	r.tell()
}

// Pinged implements replica.Judge.
func (r *Recorder) Pinged(zxid zk.Zxid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tree == nil {
		return
	}
	applied := r.tree.LastZxid()
	r.report.Behind = 0
	if zxid.Epoch() == applied.Epoch() && zxid > applied {
		r.report.Behind = int64(zxid - applied)
	}
	r.report.BehindMax = max(r.report.BehindMax, r.report.Behind)
}

// Left implements replica.Judge.
func (r *Recorder) Left(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.LastLeft = reason
	r.tell()
}
