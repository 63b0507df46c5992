package tree

import (
	"fmt"
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// bigTree returns a tree of 100 parents with n/100 children each.
func bigTree(b *testing.B, n int) *history {
	h := newHistory(b, Options{Digest: true})
	for i := range 100 {
		parent := fmt.Sprintf("/parent-%d", i)
		h.create(parent, "")
		for j := range n / 100 {
			h.create(fmt.Sprintf("%s/node-%08d", parent, j), "0123456789abcdef")
		}
	}
	h.all = nil
	return h
}

func BenchmarkRead(b *testing.B) {
	h := bigTree(b, 100_000)
	dst := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		h.tree.Read("/parent-17/node-00000042", func(n *Node) { dst = append(dst[:0], n.Data...) })
	}
}

func BenchmarkReadParallel(b *testing.B) {
	h := bigTree(b, 100_000)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		dst := make([]byte, 0, 64)
		read := func(n *Node) { dst = append(dst[:0], n.Data...) }
		for pb.Next() {
			h.tree.Read("/parent-17/node-00000042", read)
		}
	})
}

// BenchmarkApplyCreate creates and deletes, so that the tree keeps its size.
func BenchmarkApplyCreate(b *testing.B) { benchmarkApply(b, false) }

// BenchmarkApplyCreateUnderView does so while a view is open.
func BenchmarkApplyCreateUnderView(b *testing.B) { benchmarkApply(b, true) }

func benchmarkApply(b *testing.B, view bool) {
	h := bigTree(b, 100_000)
	if view {
		defer h.tree.View().Close()
	}
	ignore := func(Change) {}
	data, acl := []byte("0123456789abcdef"), zk.OpenACL()
	b.ReportAllocs()
	for b.Loop() {
		h.zxid++
		path := fmt.Sprintf("/parent-%d/new-%d", h.zxid%100, h.zxid)
		h.tree.Apply(&txn.Txn{
			Header: txn.Header{Zxid: h.zxid, Time: 1, Type: zk.OpCreate},
			Body:   &txn.Create{Path: path, Data: data, ACL: acl, ParentCreates: -1},
		}, ignore)
		h.zxid++
		h.tree.Apply(&txn.Txn{
			Header: txn.Header{Zxid: h.zxid, Type: zk.OpDelete}, Body: &txn.Delete{Path: path},
		}, ignore)
	}
}
