package prep

import (
	"testing"

	"ostler/internal/tree"
	"ostler/internal/zk"
)

// BenchmarkSetData plans and applies, so that the overlay stays at its usual size.
func BenchmarkSetData(b *testing.B) {
	w := newWorld(b)
	stage(w)
	w.apply(-1)
	r := &Request{Session: alice, Cxid: 1, Op: zk.OpSetData, Body: setData("/a/child", -1).Append(nil)}
	b.ReportAllocs()
	for b.Loop() {
		w.zxid++
		rec := w.prep.Plan(r, 1, w.zxid, w.wall)
		w.tree.Apply(&rec.Txn, func(tree.Change) {})
		w.prep.Applied(w.zxid)
	}
}
