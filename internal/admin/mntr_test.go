package admin

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// names returns the names of an answer to mntr, without those that depend on
// traffic: sets, whose keys are namespaces and servers.
func names(text string) (list []string) {
	sets := regexp.MustCompile(`_(ack_latency|learner_handler_qp_(size|time_ms)|(read|write)_per_namespace)$|_quota_.*_per_namespace|quota_exceeded`)
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		name, _, _ := strings.Cut(line, "\t")
		if !sets.MatchString(name) {
			list = append(list, name)
		}
	}
	return list
}

// Every name that a real server prints in a role is printed in that role, and
// no other but the two aliases and Ostler's own (operations.md 2.5, 2.9, 4.2 to 4.4).
func TestMntrHasTheNamesOfEachRole(t *testing.T) {
	own := []string{"zk_leader_stalls", "zk_leader_stall_ms_credited", "zk_learner_silence_ms_credited"}
	for _, tc := range []struct {
		server  string
		summary Summary
		aliases []string
	}{
		{"loaded/leader", Summary{Mode: Leader, Peer: "leading - broadcast"}, append([]string{"zk_followers", "zk_fsync_threshold_exceed_count"}, own...)},
		{"loaded/follower1", Summary{Mode: Follower, Peer: "following - broadcast"}, []string{"zk_fsync_threshold_exceed_count"}},
		{"loaded/observer", Summary{Mode: Observer, Peer: "observing - broadcast", MasterID: 3}, []string{"zk_fsync_threshold_exceed_count"}},
		{"loaded/standalone", Summary{Mode: Standalone}, append([]string{"zk_fsync_threshold_exceed_count"}, own...)},
		{"read-only", Summary{Mode: ReadOnly, ReadOnly: true}, []string{"zk_fsync_threshold_exceed_count"}},
	} {
		tc.summary.Serving = true
		got := names(answer("mntr", &fake{summary: tc.summary}))
		want := append(names(captured(t, tc.server, "mntr")), tc.aliases...)
		slices.Sort(got)
		slices.Sort(want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-ZooKeeper +got):\n%s", tc.server, d)
		}
	}
}

// Scrapers refuse a whole answer for one line of another form.
func TestMntrLinesHaveTheFormScrapersWant(t *testing.T) {
	form := regexp.MustCompile(`^zk_(\w[\w.\-]*)\t([\w.\-]+)`)
	text := answer("mntr", loadedLeader(t))
	for _, line := range strings.Split(strings.TrimSuffix(mask2(text), "\n"), "\n") {
		if !form.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{
		"zk_server_state\tleader\n", "zk_peer_state\tleading - broadcast\n", "zk_avg_latency\t5.5\n",
		"zk_followers\t2\n", "zk_learners\t3\n", "zk_proposal_count\t14\n", "zk_max_proposal_size\t203\n",
		"zk_cnt_1_ack_latency\t1\n", "zk_p999_1_ack_latency\t0\n", "zk_avg_fsynctime\t0.0\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q", want)
		}
	}
}

// mask2 puts back a version that begins with a number.
func mask2(text string) string { return strings.ReplaceAll(text, "<VERSION>", "3.9.5-x, built on y") }
