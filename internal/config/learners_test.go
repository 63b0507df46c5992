package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLearnerSettings(t *testing.T) {
	got, _, err := load(t, three, files{"/data/myid": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(defaultLearners(), got.Learners); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	got, warnings, err := load(t, three+`
maxConcurrentSnapSyncs=3
leader.maxConcurrentDiffSyncs=0
observerMasterPort=2191
observerMaster.sizeLimit=1000
observer.reconnectDelayMs=70
observer.election.DelayMs=0
leader.maxTimeToWaitForEpoch=0
leaderConnectDelayDuringRetryMs=20
electionPortBindRetry=0
quorumCnxnTimeoutMs=900
`, files{"/data/myid": "1"})
	if err != nil {
		t.Fatal(err)
	}
	want := Learners{
		MaxSnapSyncs: 3, MaxDiffSyncs: 1,
		MasterPort: 2191, MasterBytes: 1000, ReconnectDelay: 70 * time.Millisecond,
		DialPause: 20 * time.Millisecond, Handshake: 900 * time.Millisecond,
	}
	if diff := cmp.Diff(want, got.Learners); diff != "" {
		t.Errorf("set (-want +got):\n%s\nwarnings %q", diff, warnings)
	}
}
