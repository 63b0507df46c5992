package prep

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// enforced is a world with a quota on /q, which holds two nodes and three bytes. It
// notes what excesses the Preparer tells of.
func enforced(t reporter, limits string) (w *world, excesses *[]string) {
	excesses = new([]string)
	w = newWorld(t, func(o *Options) {
		o.EnforceQuota = true
		o.OnExcess = func(e Excess) { *excesses = append(*excesses, e.String()) }
	})
	for _, n := range [][2]string{
		{"/q", "1"},
		{"/q/a", "22"},
		{"/zookeeper/quota/q", ""},
		{"/zookeeper/quota/q/zookeeper_limits", limits},
		{"/zookeeper/quota/q/zookeeper_stats", ""},
	} {
		w.plan(alice, zk.OpCreate, made(n[0], n[1]))
	}
	w.apply(-1)
	return w, excesses
}

// made and data are requests with data that matters.
func made(path, data string) wire.CreateRequest {
	return wire.CreateRequest{Path: path, Data: []byte(data), ACL: zk.OpenACL()}
}

func data(path, data string, version int32) wire.SetDataRequest {
	return wire.SetDataRequest{Path: path, Data: []byte(data), Version: version}
}

// TestQuotaRefuses follows client-protocol.md 4.9, INV-Q4.
func TestQuotaRefuses(t *testing.T) {
	const (
		hardNodes = "count=-1,bytes=-1=;countHardLimit=3"
		hardBytes = "count=-1,bytes=-1=;byteHardLimit=5"
		both      = "count=1,bytes=1=;byteHardLimit=3;countHardLimit=2"
	)
	for _, c := range []struct {
		name, limits string
		op           zk.OpCode
		body         record
		want         zk.Code
		told         []string
	}{
		{"up to the limit of nodes", hardNodes, zk.OpCreate, made("/q/b", ""), zk.OK, nil},
		{"far below", hardNodes, zk.OpCreate, made("/q/a/b", "a lot of data"), zk.OK, nil},
		{"beside", "countHardLimit=0", zk.OpCreate, made("/qq", ""), zk.OK, nil},
		{
			"nodes", "countHardLimit=2", zk.OpCreate, made("/q/b", ""), zk.QuotaExceeded,
			[]string{"Quota exceeded: /q [current count=3, hardCountLimit=2]"},
		},
		{"create2", "countHardLimit=2", zk.OpCreate2, made("/q/b", ""), zk.QuotaExceeded, []string{"Quota exceeded: /q [current count=3, hardCountLimit=2]"}},
		{"container", "countHardLimit=2", zk.OpCreateContainer, made("/q/b", ""), zk.QuotaExceeded, []string{"Quota exceeded: /q [current count=3, hardCountLimit=2]"}},
		{"TTL node", "countHardLimit=2", zk.OpCreateTTL, createTTL("/q/b", zk.ModeTTL, 5), zk.QuotaExceeded, []string{"Quota exceeded: /q [current count=3, hardCountLimit=2]"}},
		{"a limit of 0", "countHardLimit=0", zk.OpCreate, made("/q/b", ""), zk.QuotaExceeded, []string{"Quota exceeded: /q [current count=3, hardCountLimit=0]"}},
		{"up to the limit of bytes", hardBytes, zk.OpCreate, made("/q/b", "22"), zk.OK, nil},
		{
			"bytes", hardBytes, zk.OpCreate, made("/q/b", "333"), zk.QuotaExceeded,
			[]string{"Quota exceeded: /q [current bytes=6, hardByteLimit=5]"},
		},
		{"no bytes are no difference", "byteHardLimit=0", zk.OpCreate, made("/q/b", ""), zk.OK, nil},
		{"setData up to the limit", hardBytes, zk.OpSetData, data("/q/a", "4444", -1), zk.OK, nil},
		{"setData", hardBytes, zk.OpSetData, data("/q/a", "55555", -1), zk.QuotaExceeded, []string{"Quota exceeded: /q [current bytes=6, hardByteLimit=5]"}},
		{"setData of the root of the quota", hardBytes, zk.OpSetData, data("/q", "4444", -1), zk.QuotaExceeded, []string{"Quota exceeded: /q [current bytes=6, hardByteLimit=5]"}},
		{"setData of the same length", "byteHardLimit=0", zk.OpSetData, data("/q/a", "xx", -1), zk.OK, nil},
		{"setData of less is still too much", "byteHardLimit=1", zk.OpSetData, data("/q/a", "x", -1), zk.QuotaExceeded, []string{"Quota exceeded: /q [current bytes=2, hardByteLimit=1]"}},
		{"setData adds no node", "countHardLimit=0", zk.OpSetData, data("/q/a", "xxx", -1), zk.OK, nil},
		{"nodes before bytes", both, zk.OpCreate, made("/q/b", "1"), zk.QuotaExceeded, []string{"Quota exceeded: /q [current count=3, hardCountLimit=2]"}},
		{
			"soft limits only tell", "count=2,bytes=3", zk.OpCreate, made("/q/b", "1"), zk.OK,
			[]string{"Quota exceeded: /q [current count=3, softCountLimit=2]", "Quota exceeded: /q [current bytes=4, softByteLimit=3]"},
		},
		{"a hard limit takes the soft one's place", "count=1,countHardLimit=9", zk.OpCreate, made("/q/b", ""), zk.OK, nil},
		{"deletes are never refused", "countHardLimit=0,byteHardLimit=0", zk.OpDelete, remove("/q/a", -1), zk.OK, nil},
		{"limits that do not parse are none (H3)", "countHardLimit=x", zk.OpCreate, made("/q/b", ""), zk.OK, nil},
		// The order of 5.1 and 5.5.
		{"create: exists comes first", "countHardLimit=0", zk.OpCreate, made("/q/a", ""), zk.NodeExists, nil},
		{"create: path comes first", "countHardLimit=0", zk.OpCreate, made("/q/", ""), zk.BadArguments, nil},
		{"setData: version comes after", "byteHardLimit=0", zk.OpSetData, data("/q/a", "333", 9), zk.QuotaExceeded, []string{"Quota exceeded: /q [current bytes=4, hardByteLimit=0]"}},
		{"setData: missing comes first", "byteHardLimit=0", zk.OpSetData, data("/q/b", "333", 9), zk.NoNode, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, told := enforced(t, c.limits)
			if got := codeOf(w.plan(alice, c.op, c.body).Body); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if d := cmp.Diff(c.told, *told); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
			w.apply(-1)
		})
	}
}

// TestQuotaAfterEverythingElse: the last of the checks of a create (5.1 step 13), and
// in setData the permission comes before.
func TestQuotaAfterEverythingElse(t *testing.T) {
	w, _ := enforced(t, "countHardLimit=0,byteHardLimit=0")
	e := made("/q/e", "")
	e.Flags = zk.ModeEphemeral
	w.plan(alice, zk.OpSetData, data("/zookeeper/quota/q/zookeeper_limits", "", -1))
	w.apply(-1)
	w.plan(alice, zk.OpCreate, e)
	w.plan(alice, zk.OpSetACL, setACL("/q/a", -1, lacking(zk.PermWrite)...))
	w.plan(alice, zk.OpSetData, data("/zookeeper/quota/q/zookeeper_limits", "countHardLimit=0,byteHardLimit=0", -1))
	w.apply(-1)
	if got := codeOf(w.plan(alice, zk.OpCreate, made("/q/e/x", "")).Body); got != zk.NoChildrenForEphemerals {
		t.Errorf("create below an ephemeral: %v, want NoChildrenForEphemerals", got)
	}
	if got := codeOf(w.plan(alice, zk.OpSetData, data("/q/a", "333", -1)).Body); got != zk.NoAuth {
		t.Errorf("setData without permission: %v, want NoAuth", got)
	}
	w.apply(-1)
}

// TestQuotaLooksAtWhatIsApplied: what is under way does not count as used, nor does
// what the same multi did before; the old data of a setData is that of the pipeline.
func TestQuotaLooksAtWhatIsApplied(t *testing.T) {
	w, _ := enforced(t, "countHardLimit=3,byteHardLimit=10")
	for _, path := range []string{"/q/b", "/q/c", "/q/d"} {
		if got := codeOf(w.plan(alice, zk.OpCreate, made(path, "")).Body); got != zk.OK {
			t.Errorf("create of %s while no other is applied: %v", path, got)
		}
	}
	w.plan(alice, zk.OpSetData, data("/q/a", "1234567", -1))                                               // 3 + 5
	if got := codeOf(w.plan(alice, zk.OpSetData, data("/q/a", "12345678901234", -1)).Body); got != zk.OK { // 3 + 7
		t.Errorf("setData compared with old data under way: %v", got)
	}
	w.apply(-1)
	if got := codeOf(w.plan(alice, zk.OpCreate, made("/q/e", "")).Body); got != zk.QuotaExceeded {
		t.Errorf("create once they are applied: %v, want QuotaExceeded", got)
	}
	for _, path := range []string{"/q/b", "/q/c", "/q/d"} {
		w.plan(alice, zk.OpDelete, remove(path, -1))
	}
	w.apply(-1)
	rec := w.plan(alice, zk.OpMulti, multi(zk.OpCreate, made("/q/b", ""), zk.OpCreate, made("/q/c", "")))
	if got := codes(rec); !cmp.Equal(got, []zk.Code{zk.OK, zk.OK}) {
		t.Errorf("multi: %v, want both", got)
	}
	w.apply(-1)
	rec = w.plan(alice, zk.OpMulti, multi(zk.OpCreate, made("/other", ""), zk.OpCreate, made("/q/d", ""), zk.OpDelete, remove("/q/a", -1)))
	if got := codes(rec); !cmp.Equal(got, []zk.Code{zk.OK, zk.QuotaExceeded, zk.RuntimeInconsistency}) {
		t.Errorf("multi beyond the limit: %v", got)
	}
	w.apply(-1)
	if _, ok := w.tree.Info("/other"); ok {
		t.Error("a part of the refused multi was applied")
	}
}

// TestQuotaOff: without enforceQuota nothing is refused and nothing told.
func TestQuotaOff(t *testing.T) {
	w, told := enforced(t, "countHardLimit=0")
	w.prep.o.EnforceQuota = false
	if got := codeOf(w.plan(alice, zk.OpCreate, made("/q/b", "1")).Body); got != zk.OK || len(*told) > 0 {
		t.Errorf("got %v and %q, want ok and nothing", got, *told)
	}
	w.apply(-1)
}

// TestQuotaIsTheRule plans anything among nested quotas whose nodes hold anything,
// with changes under way, and wants a refusal exactly where the rule of
// client-protocol.md 4.9, worked out anew from the nodes, has one (INV-Q4, INV-Q5).
func TestQuotaIsTheRule(t *testing.T) {
	refused, allowed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w, _ := enforced(t, "countHardLimit=4,byteHardLimit=9")
		ahead := tree.New(tree.Options{}) // with everything under way applied
		w.plan(alice, zk.OpCreate, made("/zookeeper/quota/q/a", ""))
		w.apply(-1)
		copyTree(w.tree, ahead, "/q", "/q/a", "/zookeeper/quota/q", "/zookeeper/quota/q/zookeeper_limits", "/zookeeper/quota/q/zookeeper_stats", "/zookeeper/quota/q/a")
		for range rapid.IntRange(10, 40).Draw(t, "requests") {
			path := rapid.SampledFrom([]string{
				"/q", "/q/a", "/q/a/b", "/q/a/c", "/q/d", "/r", "/zookeeper/quota/q/zookeeper_limits", "/zookeeper/quota/q/zookeeper_stats",
				"/zookeeper/quota/q/a/zookeeper_limits", "/zookeeper/quota/q/a/zookeeper_stats",
			}).Draw(t, "path")
			text := rapid.SampledFrom([]string{
				"", "x", "12345", "count=3,bytes=9", "countHardLimit=3;byteHardLimit=6", "count=0,countHardLimit=2", "byteHardLimit=5=",
				"countHardLimit=zero", "\xff",
			}).Draw(t, "data")
			var rec *txn.Record
			grows := 0
			old, exists := ahead.Info(path)
			switch rapid.IntRange(0, 2).Draw(t, "op") {
			case 0:
				rec, grows = w.plan(alice, zk.OpCreate, made(path, text)), 1
			case 1:
				rec = w.plan(alice, zk.OpSetData, data(path, text, -1))
			default:
				rec, grows = w.plan(alice, zk.OpDelete, remove(path, -1)), -1
			}
			want := grows >= 0 && exists == (grows == 0) && rule(w.tree, path, grows, len(text)-old.DataLen)
			switch got := codeOf(rec.Body); {
			case (got == zk.QuotaExceeded) != want && (got == zk.OK || got == zk.QuotaExceeded):
				t.Fatalf("%v %s %q: %v, but the rule says refused: %v", rec.Type, path, text, got, want)
			case got == zk.QuotaExceeded:
				refused++
			case grows >= 0:
				allowed++
			}
			ahead.Apply(&rec.Txn, func(tree.Change) {})
			w.apply(rapid.IntRange(0, 2).Draw(t, "applied"))
		}
		w.apply(-1)
	})
	if refused == 0 || allowed == 0 {
		t.Errorf("%d refused and %d allowed: nothing was tested", refused, allowed)
	}
}

// copyTree makes the nodes of from in to.
func copyTree(from, to *tree.Tree, paths ...string) {
	for _, path := range paths {
		from.Read(path, func(n *tree.Node) {
			to.Apply(&txn.Txn{
				Header: txn.Header{Type: zk.OpCreate},
				Body:   &txn.Create{Path: path, Data: n.Data, ACL: n.ACL, ParentCreates: -1},
			}, func(tree.Change) {})
		})
	}
}

// rule is 4.9 read from the nodes themselves.
func rule(t *tree.Tree, path string, nodes, bytes int) bool {
	for p := path; p != ""; p = p[:strings.LastIndexByte(p, '/')] {
		limits, registered := values(t, "/zookeeper/quota"+p+"/zookeeper_limits")
		if !registered {
			continue
		}
		use, _ := values(t, "/zookeeper/quota"+p+"/zookeeper_stats")
		_, counted := use["count"]
		if _, both := use["bytes"]; limits == nil || !counted || !both {
			return false
		}
		hardNodes, limited := limits["countHardLimit"]
		if limited && nodes != 0 && use["count"]+int64(nodes) > hardNodes {
			return true
		}
		hardBytes, limited := limits["byteHardLimit"]
		return limited && bytes != 0 && use["bytes"]+int64(bytes) > hardBytes
	}
	return false
}

// values parses a node of a quota; nil when it does not parse.
func values(t *tree.Tree, path string) (m map[string]int64, exists bool) {
	t.Read(path, func(n *tree.Node) {
		if exists = n != nil; !exists {
			return
		}
		m = map[string]int64{}
		for _, piece := range strings.Split(strings.ReplaceAll(strings.TrimSuffix(string(n.Data), "="), ";", ","), ",") {
			key, value, ok := strings.Cut(piece, "=")
			var v int64
			if !ok {
				continue
			}
			if _, err := fmt.Sscan(value, &v); err != nil {
				m = nil
				return
			}
			m[key] = v
		}
	})
	return m, exists
}
