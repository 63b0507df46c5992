package tree

import (
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// withQuota is a history with a quota on /a, which holds two nodes and 4 bytes.
func withQuota(t *testing.T) *history {
	h := newHistory(t, Options{Digest: true})
	h.create("/a", "1")
	h.create("/a/b", "234")
	h.create("/zookeeper/quota/a", "")
	h.create("/zookeeper/quota/a/zookeeper_limits", "count=10,bytes=100")
	h.create("/zookeeper/quota/a/zookeeper_stats", "whatever")
	return h
}

const statsOfA = "/zookeeper/quota/a/zookeeper_stats"

// TestQuotaStatistics follows client-protocol.md 4.9.
func TestQuotaStatistics(t *testing.T) {
	h := withQuota(t)
	step := func(what, want string) {
		t.Helper()
		if got := h.data(statsOfA); got != want {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
		h.verify()
	}
	step("creating the statistics counts", "count=2,bytes=4")
	h.create("/a/c", "56")
	step("create", "count=3,bytes=6")
	h.set("/a/c", "5", 1)
	step("setData", "count=3,bytes=5")
	h.set("/a", "", 1)
	step("setData of the root of the quota", "count=3,bytes=4")
	h.create("/ab", "xxxx")
	step("a name that only begins alike", "count=3,bytes=4")
	h.delete("/a/b")
	step("delete", "count=2,bytes=1")

	h.create("/zookeeper/quota/a/c", "")
	h.create("/zookeeper/quota/a/c/zookeeper_limits", "")
	h.create("/zookeeper/quota/a/c/zookeeper_stats", "")
	h.create("/a/c/d", "789")
	step("a nested quota takes over", "count=2,bytes=1")
	if got, want := h.data("/zookeeper/quota/a/c/zookeeper_stats"), "count=2,bytes=4"; got != want {
		t.Errorf("nested: %q, want %q", got, want)
	}
	h.delete("/zookeeper/quota/a/c/zookeeper_limits")
	h.create("/a/c/e", "")
	step("the nested quota is gone", "count=3,bytes=1")
	h.delete("/zookeeper/quota/a/zookeeper_limits")
	h.create("/a/f", "")
	step("the quota is gone", "count=3,bytes=1")
}

// TestStatisticsShowNowhereElse checks invariant Q3: no stat, no event, no digest.
func TestStatisticsShowNowhereElse(t *testing.T) {
	h := withQuota(t)
	plain := newHistory(t, Options{Digest: true})
	plain.create("/a", "1")
	plain.create("/a/b", "234")
	plain.zxid = h.zxid
	before, _ := h.tree.Info(statsOfA)
	for _, x := range []*history{h, plain} {
		var changes []Change
		x.tree.Apply(x.next(1, zk.OpCreate, x.createBody("/a/c", []byte("5"))), func(c Change) { changes = append(changes, c) })
		if len(changes) != 1 {
			t.Errorf("events %+v, want one", changes)
		}
	}
	after, _ := h.tree.Info(statsOfA)
	diff(t, "stat of the statistics", after.Stat, before.Stat)
	diff(t, "digest", h.tree.Digest(), plain.tree.Digest())
}

// TestQuotasAreHarmless has the cases of H3, and content of every kind (Q5).
func TestQuotasAreHarmless(t *testing.T) {
	for _, path := range []string{
		"/zookeeper/quota/zookeeper_limits", "/zookeeper/quota/zookeeper_stats", "/zookeeper/zookeeper_limits",
	} {
		h := withQuota(t)
		h.create(path, "x")
		if res := h.delete(path); res.Code != zk.OK {
			t.Errorf("delete of %s: %v", path, res.Code)
		}
		h.create("/a/c", "5")
		diff(t, "statistics after "+path, h.data(statsOfA), "count=3,bytes=5")
	}
	h := withQuota(t)
	h.create("/zookeeper-foo", "")
	h.create("/zookeeper-foo/zookeeper_limits", "")
	h.delete("/zookeeper-foo/zookeeper_limits")
	h.delete("/zookeeper/quota/zookeeper_limits")
	h.verify()

	for _, garbage := range []string{
		"", "count", "count=", "=", ",;,;", "count=1", "bytes=1", "count=x,bytes=1", "count=1,bytes=1x",
		"count=99999999999999999999,bytes=1", "\xff\x00", "count==1,bytes=1",
	} {
		h := withQuota(t)
		h.set(statsOfA, garbage, 1)
		h.create("/a/c", "5")
		if got, want := h.data(statsOfA), "count=3,bytes=5"; got != want {
			t.Errorf("after %q: %q, want %q", garbage, got, want)
		}
	}
	h = withQuota(t)
	h.do(1, zk.OpSetData, &txn.SetData{Path: statsOfA, Data: nil})
	h.create("/a/c", "5")
	diff(t, "statistics after null", h.data(statsOfA), "count=3,bytes=5")
	h.delete(statsOfA)
	h.create("/a/d", "5")
	h.verify()
}

// TestRecountAmidADelete drops a subtree while the statistics are unreadable: the
// recount on the way must not lose what is still to be dropped.
func TestRecountAmidADelete(t *testing.T) {
	h := withQuota(t)
	h.create("/a/b/c", "x")
	h.create("/a/b/d", "y")
	h.set(statsOfA, "nonsense", 1)
	h.delete("/a/b")
	diff(t, "statistics", h.data(statsOfA), "count=1,bytes=1")
	h.verify()
}

// TestDroppedQuota deletes the parent of the two leaves with them, in replay.
func TestDroppedQuota(t *testing.T) {
	h := withQuota(t)
	h.delete("/zookeeper/quota/a")
	diff(t, "quotas", len(h.tree.quotas.paths), 0)
	h.create("/a/c", "5")
	h.verify()
}

func FuzzParseStats(f *testing.F) {
	for _, s := range []string{"count=3,bytes=17", "count=50,bytes=100=;byteHardLimit=2;countHardLimit=6", "count=-1;bytes=", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		nodes, bytes, ok := parseStats(b)
		if !ok {
			return
		}
		n, m, ok := parseStats(formatStats(nodes, bytes))
		if !ok || n != nodes || m != bytes {
			t.Errorf("%q: %d and %d became %d and %d (%v)", b, nodes, bytes, n, m, ok)
		}
	})
}

// TestQuotaOf reads limits as ZooKeeper does, and takes what cannot be read for no
// limit (client-protocol.md 4.9, H3, INV-Q5).
func TestQuotaOf(t *testing.T) {
	none := Usage{Used: 2, Soft: -1, Hard: -1}
	for _, c := range []struct {
		limits       string
		nodes, bytes Usage
		ok           bool
	}{
		{"count=10,bytes=100", Usage{2, 10, -1}, Usage{4, 100, -1}, true},
		{"count=50,bytes=10000=;byteHardLimit=20000;countHardLimit=60", Usage{2, 50, 60}, Usage{4, 10000, 20000}, true},
		{"count=-1,bytes=-1=;byteHardLimit=8;countHardLimit=3", Usage{2, -1, 3}, Usage{4, -1, 8}, true},
		{"countHardLimit=0", Usage{2, -1, 0}, Usage{4, -1, -1}, true},
		{"count=1;;,bytes=,", Usage{2, 1, -1}, Usage{4, -1, -1}, true},
		{"count=1,count==", none, Usage{4, -1, -1}, true},
		{"other=5,count=1", Usage{2, 1, -1}, Usage{4, -1, -1}, true},
		{"", none, Usage{4, -1, -1}, true},
		{",count=1", Usage{}, Usage{}, false},
		{"other=x,count=1", Usage{}, Usage{}, false},
		{"count=1,bytes", Usage{}, Usage{}, false},
		{"count=x", Usage{}, Usage{}, false},
		{"count=1,byteHardLimit=99999999999999999999", Usage{}, Usage{}, false},
	} {
		h := withQuota(t)
		h.set("/zookeeper/quota/a/zookeeper_limits", c.limits, 1)
		for _, path := range []string{"/a", "/a/b", "/a/b/c/d"} {
			q, ok := h.tree.QuotaOf(path)
			if !ok && !c.ok {
				continue
			}
			want := Quota{Path: "/a", Nodes: c.nodes, Bytes: c.bytes}
			if ok != c.ok || q != want {
				t.Errorf("limits %q: quota of %s is %+v, %v, want %+v, %v", c.limits, path, q, ok, want, c.ok)
			}
		}
		for _, path := range []string{"/", "/ab", "/zookeeper/quota/a"} {
			if q, ok := h.tree.QuotaOf(path); ok {
				t.Errorf("quota of %s: %+v, want none", path, q)
			}
		}
	}
}

// TestQuotaOfPartOfAQuota: without statistics, or without any that parse, there is
// nothing to compare limits with.
func TestQuotaOfPartOfAQuota(t *testing.T) {
	h := withQuota(t)
	h.set(statsOfA, "nonsense", 1)
	if q, ok := h.tree.QuotaOf("/a"); ok {
		t.Errorf("statistics that do not parse: %+v", q)
	}
	h.create("/a/c", "5") // counts afresh
	if q, ok := h.tree.QuotaOf("/a"); !ok || q.Nodes.Used != 3 || q.Bytes.Used != 5 {
		t.Errorf("statistics counted afresh: %+v, %v", q, ok)
	}
	h.delete(statsOfA)
	if q, ok := h.tree.QuotaOf("/a"); ok {
		t.Errorf("no statistics: %+v", q)
	}
	h.delete("/zookeeper/quota/a/zookeeper_limits")
	if q, ok := h.tree.QuotaOf("/a"); ok {
		t.Errorf("no limits: %+v", q)
	}
}

// TestQuotaOfWhileApplying asks for quotas while the apply loop makes and removes
// them, as the loop that prepares does: whatever is seen was applied at some moment.
func TestQuotaOfWhileApplying(t *testing.T) {
	h := withQuota(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 500 {
			if q, ok := h.tree.QuotaOf("/a/b/c"); ok && (q.Path != "/a" || q.Nodes.Used < 2 || q.Nodes.Soft != 10) {
				t.Errorf("quota %+v", q)
			}
		}
	}()
	for i := range 200 {
		h.create("/a/c", "5")
		h.delete("/a/c")
		h.delete("/zookeeper/quota/a/zookeeper_limits")
		h.create("/zookeeper/quota/a/zookeeper_limits", "count=10")
		if i%2 == 0 {
			h.delete(statsOfA)
			h.create(statsOfA, "")
		}
	}
	<-done
}
