//go:build !race

// The race detector makes a sync.Pool drop things at random.

package tree

import "testing"

// TestReadsDoNotAllocate holds the budget of a read.
func TestReadsDoNotAllocate(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	h.create("/a", "data")
	h.create("/a/b", "data")
	var names []string
	for name, read := range map[string]func(){
		"Read":           func() { h.tree.Read("/a", func(n *Node) { _ = n.ClientStat() }) },
		"Read a root":    func() { h.tree.Read("/", func(n *Node) { _ = n.ClientStat() }) },
		"Read no node":   func() { h.tree.Read("/none", func(n *Node) {}) },
		"AppendChildren": func() { h.tree.Read("/a", func(n *Node) { names = n.AppendChildren(names[:0]) }) },
		"Info":           func() { h.tree.Info("/a") },
		"NodeDigest": func() {
			info, _ := h.tree.Info("/a")
			NodeDigest(info.Prefix, "/a", &info.Stat)
		},
	} {
		if n := testing.AllocsPerRun(200, read); n != 0 {
			t.Errorf("%s allocates %v times, want 0", name, n)
		}
	}
	if len(names) != 1 {
		t.Errorf("children %v, want one", names)
	}
}
