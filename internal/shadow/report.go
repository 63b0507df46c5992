package shadow

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// A Report is what a trial has found so far. Times are of the wall clock.
type Report struct {
	Verdict string    `json:"verdict"`
	Version string    `json:"version"`
	Began   time.Time `json:"began"`
	Until   time.Time `json:"until"`

	Shadow   int64    `json:"shadow"` // the id that it goes by
	Members  []Member `json:"members"`
	Warnings []string `json:"configuration"` // what Ostler reads differently in zoo.cfg

	Reigns    []Reign        `json:"leaders"` // the last reignsMax
	Followed  int            `json:"followed"`
	LastLeft  string         `json:"last_left,omitempty"` // why it ceased to follow
	Syncs     map[string]int `json:"syncs"`               // DIFF, TRUNC, SNAP
	Snapshot  Snapshot       `json:"last_snapshot"`
	First     string         `json:"first_zxid,omitempty"` // judged
	Last      string         `json:"last_zxid,omitempty"`
	Judged    int            `json:"judged"`
	Types     map[string]int `json:"transactions"`
	Digests   Digests        `json:"digests"`
	Total     int            `json:"differences"`
	ByRule    map[string]int `json:"by_rule"`
	Findings  []Finding      `json:"findings"` // the first findingsMax
	StartOver int            `json:"started_over"`

	Behind    int64 `json:"behind"` // transactions, at the leader's last ping
	BehindMax int64 `json:"behind_max"`
	Nodes     int   `json:"nodes"`
	Bytes     int64 `json:"bytes"`
	Sessions  int   `json:"sessions"`
	Ephemeral int   `json:"ephemerals"`
	Memory    int64 `json:"memory_bytes"`

	NotJudged []string `json:"not_judged"`
}

// A Member is one line of the server list, with what the server said when asked.
type Member struct {
	ID      int64  `json:"id"`
	Role    string `json:"role"`
	Addr    string `json:"addr"`
	Version string `json:"version,omitempty"`
	Mode    string `json:"mode,omitempty"`
}

// A Reign is a leader that was followed.
type Reign struct {
	Leader int64 `json:"leader"`
	Epoch  int64 `json:"epoch"`
}

// A Snapshot is the last one that a leader sent.
type Snapshot struct {
	Zxid  string        `json:"zxid,omitempty"`
	Took  time.Duration `json:"took_ns"` // until it was on disk
	Nodes int           `json:"nodes"`
}

// Digests counts how transactions were compared.
type Digests struct {
	Equal   int `json:"equal"`
	Differ  int `json:"differ"`
	Missing int `json:"missing"` // the transaction has none: errors never have one
	Inexact int `json:"inexact"` // in a snapshot that was taken while the leader went on
	Skipped int `json:"skipped"` // between a difference and the snapshot after it
}

// How much a report tells in full.
const (
	findingsMax = 100
	reignsMax   = 50
)

// The verdicts.
const (
	NothingFound     = "nothing found"
	DifferencesFound = "differences found"
	NothingChecked   = "nothing was checked"
)

// NotJudged is what the stream of transactions does not tell.
var NotJudged = []string{
	"when sessions expire: only the leader knows when their clients were heard of",
	"requests that the ensemble refused: an error shows neither what was asked for nor why",
	"permissions: transactions do not say who asked",
	"quotas: what the leader knew of their use when it decided is not known",
	"when containers and nodes with a time to live are removed",
	"reads and watches: they leave no transaction",
}

// verdict sums the report up.
func (r *Report) verdict() string {
	switch {
	case r.Total > 0:
		return DifferencesFound
	case r.Digests.Equal == 0:
		return NothingChecked
	}
	return NothingFound
}

// JSON returns the report for programs.
func (r *Report) JSON() []byte {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Appendf(nil, "{\"error\": %q}", err)
	}
	return append(b, '\n')
}

// Text returns the report for people.
func (r *Report) Text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-16s%s\n", name, fmt.Sprintf(format, args...))
	}
	line("verdict:", "%s", r.Verdict)
	line("trial:", "%s to %s, ostler %s as server %d", r.Began.UTC().Format(time.RFC3339), r.Until.UTC().Format(time.RFC3339), r.Version, r.Shadow)
	for _, m := range r.Members {
		line("member:", "%s", m)
	}
	for _, w := range r.Warnings {
		line("configuration:", "%s", w)
	}
	for _, l := range r.Reigns {
		line("leader:", "server %d in epoch %d", l.Leader, l.Epoch)
	}
	if r.LastLeft != "" {
		line("last left:", "%s", r.LastLeft)
	}
	line("synchronised:", "%s", counts(r.Syncs))
	if r.Snapshot.Zxid != "" {
		line("snapshot:", "%s, %d nodes, took %v", r.Snapshot.Zxid, r.Snapshot.Nodes, r.Snapshot.Took.Round(time.Millisecond))
	}
	line("judged:", "%d transactions from %s to %s", r.Judged, orNone(r.First), orNone(r.Last))
	line("types:", "%s", counts(r.Types))
	line("digests:", "%d equal, %d differ, %d transactions without, %d within a snapshot, %d skipped after a difference",
		r.Digests.Equal, r.Digests.Differ, r.Digests.Missing, r.Digests.Inexact, r.Digests.Skipped)
	line("behind:", "%d transactions, at most %d", r.Behind, r.BehindMax)
	line("tree:", "%d nodes, %d bytes, %d ephemerals, %d sessions", r.Nodes, r.Bytes, r.Ephemeral, r.Sessions)
	line("memory:", "%d MiB", r.Memory>>20)
	line("differences:", "%d; started over %d times", r.Total, r.StartOver)
	for _, f := range r.Findings {
		line("difference:", "%s", f)
	}
	if more := r.Total - len(r.Findings); more > 0 {
		line("", "and %d more: %s", more, counts(r.ByRule))
	}
	for _, what := range r.NotJudged {
		line("not judged:", "%s", what)
	}
	return b.String()
}

// String is a member in one line.
func (m Member) String() string {
	text := fmt.Sprintf("server %d, %s, %s", m.ID, m.Role, m.Addr)
	if m.Version == "" {
		return text + ", did not tell its version"
	}
	return text + ", " + m.Mode + ", version " + m.Version
}

// String is a finding in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s %s (%s) %s: expected %s, got %s", f.Zxid, f.Type, f.Rule, strings.Join(f.Paths, " "), f.Expected, f.Actual)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// counts is a map in one line, in order.
func counts(m map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, fmt.Sprintf("%s %d", k, m[k]))
	}
	return orNone(strings.Join(parts, ", "))
}
