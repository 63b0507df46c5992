package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/throttle"
)

func TestOverloadDefaults(t *testing.T) { // client-protocol.md 13
	got, warnings, err := load(t, solo, nil)
	if err != nil {
		t.Fatal(err)
	}
	bucket := throttle.BucketOptions{
		FillTime: time.Millisecond, FillCount: 1, FreezeTime: -time.Millisecond, DropIncrease: 0.02, DropDecrease: 0.002,
		GlobalWeight: 3, LocalWeight: 1, RenewWeight: 2,
	}
	if diff := cmp.Diff(bucket, got.Connections); diff != "" {
		t.Errorf("connection throttle (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(RequestThrottle{Stall: 100 * time.Millisecond, DropStale: true}, got.Requests); diff != "" {
		t.Errorf("request throttler (-want +got):\n%s", diff)
	}
	if got.LargeThreshold != -1 || got.LargeMaxBytes != 104_857_600 || got.Backlog != -1 || got.ClientKeepAlive {
		t.Errorf("large requests %d of %d, backlog %d, keep-alive %v", got.LargeThreshold, got.LargeMaxBytes, got.Backlog, got.ClientKeepAlive)
	}
	for _, w := range warnings {
		if strings.Contains(w, "thrott") {
			t.Errorf("warning %q", w)
		}
	}
}

func TestOverloadSettings(t *testing.T) { // operations.md 1.4
	got, warnings, err := load(t, solo+`
connection_throttle_tokens=100
connection_throttle_fill_time=20
connection_throttle_fill_count=30
connection_throttle_freeze_time=0
connection_throttle_drop_increase=0.5
connection_throttle_drop_decrease=1e-1
connection_throttle_decrease_ratio=2
connection_throttle_weight_enabled=true
connection_throttle_global_session_weight=2
connection_throttle_local_session_weight=4
connection_throttle_renew_session_weight=5
requestThrottleLimit=7
request_throttle_stall_time=8
request_throttle_drop_stale=false
request_stale_latency_check=true
throttled_op_wait_time=9
largeRequestThreshold=10
largeRequestMaxBytes=99999999999
clientPortListenBacklog=12
clientTcpKeepAlive=true
`, nil)
	if err != nil {
		t.Fatal(err)
	}
	bucket := throttle.BucketOptions{
		Tokens: 100, FillTime: 20 * time.Millisecond, FillCount: 30, FreezeTime: 0, DropIncrease: 0.5, DropDecrease: 0.1,
		Weighted: true, GlobalWeight: 4, LocalWeight: 4, RenewWeight: 5,
	}
	if diff := cmp.Diff(bucket, got.Connections); diff != "" {
		t.Errorf("connection throttle (-want +got):\n%s", diff)
	}
	requests := RequestThrottle{Max: 7, Stall: 8 * time.Millisecond, StaleLatency: true, OpWait: 9 * time.Millisecond}
	if diff := cmp.Diff(requests, got.Requests); diff != "" {
		t.Errorf("request throttler (-want +got):\n%s", diff)
	}
	if got.LargeThreshold != 10 || got.LargeMaxBytes != 99999999999 || got.Backlog != 12 || !got.ClientKeepAlive {
		t.Errorf("large requests %d of %d, backlog %d, keep-alive %v", got.LargeThreshold, got.LargeMaxBytes, got.Backlog, got.ClientKeepAlive)
	}
	all := strings.Join(warnings, "\n")
	for _, want := range []string{"decrease_ratio=2 is not between 0 and 1", "global_session_weight=2 is below", `setting "requestThrottleLimit" is called`} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning %q in:\n%s", want, all)
		}
	}
}
