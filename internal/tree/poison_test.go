package tree

import (
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// Applying is total (INV-X2): a transaction that ZooKeeper's own tree cannot apply is
// applied as far as the tree's rules go, raises an alarm, spends its zxid, and stops
// nobody (decisions.md 5, client-protocol.md H2, H3).
func TestPoisonedTransactionsRaiseAnAlarm(t *testing.T) {
	const stats, above = "/zookeeper/quota/a/zookeeper_stats", "/zookeeper/quota/zookeeper_limits"
	create := func(path string) *txn.Create {
		return &txn.Create{Path: path, Data: []byte("x"), ACL: zk.OpenACL(), ParentCreates: -1}
	}
	ttl := func(ttl int64) *txn.CreateTTL {
		return &txn.CreateTTL{Path: "/t", ACL: zk.OpenACL(), ParentCreates: -1, TTL: ttl}
	}
	for _, c := range []struct {
		name   string
		before []txn.Body // without alarm
		op     zk.OpCode
		body   txn.Body
		alarms int
		code   zk.Code
		path   string // is there afterwards, as it says
		there  bool
	}{
		{"H2: a TTL node whose TTL is no time is not made", nil, zk.OpCreateTTL, ttl(-1), 1, zk.SystemError, "/t", false},
		{"H2: nor one of 0", nil, zk.OpCreateTTL, ttl(0), 1, zk.SystemError, "/t", false},
		{"H2: nor one above the longest", nil, zk.OpCreateTTL, ttl(zk.TTLMax + 1), 1, zk.SystemError, "/t", false},
		{"H2: the longest is made", nil, zk.OpCreateTTL, ttl(zk.TTLMax), 0, zk.OK, "/t", true},
		{
			"H2: in a multi the other operations are applied", nil, zk.OpMulti,
			&txn.Multi{Ops: []txn.Op{{Type: zk.OpCreateTTL, Body: ttl(-1)}, {Type: zk.OpCreate, Body: create("/o")}}},
			1, zk.OK, "/o", true,
		},
		{"H3: limits of no path are an ordinary node", nil, zk.OpCreate, create(above), 1, zk.OK, above, true},
		{
			"H3: limits beside the quotas can be removed",
			[]txn.Body{create("/zookeeper/zookeeper_limits")},
			zk.OpDelete, &txn.Delete{Path: "/zookeeper/zookeeper_limits"}, 1, zk.OK, "/zookeeper/zookeeper_limits", false,
		},
		{
			"H3: and below a name that only begins alike",
			[]txn.Body{create("/zookeeper-x"), create("/zookeeper-x/zookeeper_limits")},
			zk.OpDelete, &txn.Delete{Path: "/zookeeper-x/zookeeper_limits"}, 1, zk.OK, "/zookeeper-x/zookeeper_limits", false,
		},
		{
			"H3: limits far from the quotas are nobody's business",
			[]txn.Body{create("/a/zookeeper_limits")},
			zk.OpDelete, &txn.Delete{Path: "/a/zookeeper_limits"}, 0, zk.OK, "/a/zookeeper_limits", false,
		},
		{"H3: statistics may be set to null", nil, zk.OpSetData, &txn.SetData{Path: stats}, 0, zk.OK, stats, true},
		{
			"H3: a change is counted though the statistics are null",
			[]txn.Body{&txn.SetData{Path: stats}},
			zk.OpCreate, create("/a/b"), 1, zk.OK, "/a/b", true,
		},
		{
			"H3: or no text of statistics",
			[]txn.Body{&txn.SetData{Path: stats, Data: []byte("\xff,=;count")}},
			zk.OpDelete, &txn.Delete{Path: "/a/k"}, 1, zk.OK, "/a/k", false,
		},
		{
			"H3: limits may be any bytes",
			[]txn.Body{&txn.SetData{Path: "/zookeeper/quota/a/zookeeper_limits", Data: []byte{0xff}}},
			zk.OpCreate, create("/a/b"), 0, zk.OK, "/a/b", true,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			var alarms []zk.Zxid
			h := newHistory(t, Options{Digest: true, OnAlarm: func(msg string, zxid zk.Zxid) {
				if msg == "" {
					t.Error("an alarm that says nothing")
				}
				alarms = append(alarms, zxid)
			}})
			h.create("/a", "1")
			h.create("/a/k", "22")
			h.create("/zookeeper/quota/a", "")
			h.create("/zookeeper/quota/a/zookeeper_limits", "count=9,bytes=9")
			h.create(stats, "")
			for _, body := range c.before {
				op := zk.OpCreate
				if _, ok := body.(*txn.SetData); ok {
					op = zk.OpSetData
				}
				if res := h.do(1, op, body); res.Code != zk.OK {
					t.Fatalf("%+v: %v", body, res.Code)
				}
			}
			if len(alarms) != 0 {
				t.Fatalf("alarms %v before", alarms)
			}
			res := h.do(1, c.op, c.body)
			diff(t, "code", res.Code, c.code)
			if len(alarms) != c.alarms || c.alarms > 0 && alarms[0] != h.zxid {
				t.Errorf("alarms %v, want %d at %v", alarms, c.alarms, h.zxid)
			}
			diff(t, "zxid", h.tree.LastZxid(), h.zxid)
			if _, ok := h.tree.Info(c.path); ok != c.there {
				t.Errorf("%s is there: %v, want %v", c.path, ok, c.there)
			}
			h.verify()
			h.create("/a/more", "333") // the quota goes on
			diff(t, "statistics", h.data(stats), string(formatStats(h.tree.usage("/a"))))
		})
	}
}
