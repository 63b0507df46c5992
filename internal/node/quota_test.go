package node_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/client"
	"ostler/internal/zk"
)

// put makes a node, or sets its data.
func (u user) put(path, data string) error {
	_, _, err := u.Create(u.ctx, path, []byte(data), client.CreateOptions{})
	if errors.Is(err, zk.NodeExists) {
		_, err = u.Set(u.ctx, path, []byte(data), -1)
	}
	return err
}

// Whatever clients write into the nodes of quotas, no write of anybody fails because
// of it, the server goes on, and starts again; it counts what other servers could not
// have applied (H3, INV-Q5, INV-X2).
func TestQuotaNodesHarmNobody(t *testing.T) {
	const quota = "/zookeeper/quota/a"
	dir := t.TempDir()
	m := standalone(t, dir, map[string]string{"zookeeper.enforceQuota": "true"})
	u := connect(t, m.node.ClientAddr())
	for _, n := range [][2]string{
		{"/a", ""},
		{quota, ""},
		{quota + "/zookeeper_limits", "\xff;=,count"},
		{quota + "/zookeeper_stats", ""},
		{"/zookeeper/quota/zookeeper_limits", "countHardLimit=0"}, // counted
		{"/zookeeper/zookeeper_limits", ""},
		{quota + "/zookeeper_stats", "no statistics"},
		{"/a/b", "12"}, // counted
		{quota + "/zookeeper_limits", "countHardLimit=none"},
		{"/a/c", "34"},
	} {
		if err := u.put(n[0], n[1]); err != nil {
			t.Errorf("put %s: %v", n[0], err)
		}
	}
	if _, err := u.Set(u.ctx, quota+"/zookeeper_stats", nil, -1); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"/a/c" /* counted */, "/zookeeper/zookeeper_limits" /* counted */} {
		if err := u.Delete(u.ctx, path, -1); err != nil {
			t.Errorf("delete %s: %v", path, err)
		}
	}
	u.Abandon()
	const alarms = 4
	if got := m.node.Replica().Alarms(); got != alarms {
		t.Errorf("%d alarms, want %d", got, alarms)
	}
	m.stop()

	m = standalone(t, dir, nil)
	defer m.stop()
	if got := m.node.Replica().Alarms(); got != alarms {
		t.Errorf("%d alarms after the log was replayed, want %d", got, alarms)
	}
	u = connect(t, m.node.ClientAddr())
	if data, _, err := u.Get(u.ctx, quota+"/zookeeper_stats"); err != nil || string(data) != "count=2,bytes=2" {
		t.Errorf("statistics %q, %v, want those of /a and /a/b", data, err)
	}
}

// What a hard quota refuses is counted by namespace (operations.md 8.7).
func TestRefusalsOfQuotasAreCounted(t *testing.T) {
	m := standalone(t, t.TempDir(), map[string]string{"zookeeper.enforceQuota": "true"})
	defer m.stop()
	u := connect(t, m.node.ClientAddr())
	for _, n := range [][2]string{
		{"/app", ""},
		{"/app/x", ""},
		{"/zookeeper/quota/app", ""},
		{"/zookeeper/quota/app/x", ""},
		{"/zookeeper/quota/app/x/zookeeper_limits", "count=1,byteHardLimit=3"},
		{"/zookeeper/quota/app/x/zookeeper_stats", ""},
		{"/app/x/soft", "123"},
	} {
		if err := u.put(n[0], n[1]); err != nil {
			t.Fatalf("put %s: %v", n[0], err)
		}
	}
	for range 3 {
		if err := u.put("/app/x/hard", "1"); !errors.Is(err, zk.QuotaExceeded) {
			t.Errorf("create beyond a hard quota: %v", err)
		}
	}
	if d := cmp.Diff(map[string]int64{"app": 3}, m.node.Replica().QuotaExceeded()); d != "" {
		t.Errorf("refusals (-want +got):\n%s", d)
	}
}
