package tree

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// Paths with nested quotas, and the nodes of those quotas.
var (
	quotaPaths = []string{"/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/e", "/ab", "/f"}
	quotaRoots = []string{"/a", "/a/b", "/a/b/c", "/f"}
)

// A quotaWorld is a tree with quotas beside one that never had any, and what the
// statistics must be.
type quotaWorld struct {
	t     *rapid.T
	tree  *Tree
	plain *Tree
	zxid  zk.Zxid
	// use is what each statistics node must say, by path of the quota; one that a
	// client wrote to is not in it (the condition of INV-Q1).
	use map[string][2]int64
	// pure are the quotas of which no other took a part since they were counted,
	// so that their use is what a count of the subtree gives.
	pure map[string]bool
}

// TestStatisticsAreARecount does anything to nested quotas, with any bytes in their
// nodes. At every moment the statistics are those counted when they were made plus
// what changed below since, by the rule of the longest prefix (INV-Q1), no change
// fails (INV-Q5), quotas move no digest (INV-Q3), and loading counts afresh (INV-Q6).
func TestStatisticsAreARecount(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		w := &quotaWorld{
			t: t, tree: New(Options{Digest: true}), plain: New(Options{Digest: true}),
			use: map[string][2]int64{}, pure: map[string]bool{},
		}
		for _, p := range quotaRoots {
			w.create(p, nil)
			w.create(zk.PathQuota+p, nil)
		}
		for range rapid.IntRange(10, 60).Draw(t, "changes") {
			w.change()
			compared += w.compare()
		}
		w.tree = reload(t, w.tree)
		for p := range w.tree.quotas.paths {
			if w.tree.node(zk.PathQuota+p+statsLeaf) != nil {
				w.recounted(p)
			}
		}
		compared += w.compare()
		for range 5 {
			w.change()
			compared += w.compare()
		}
	})
	if compared == 0 {
		t.Error("no statistics were ever compared")
	}
}

// change draws one change of an ordinary node, of limits, or of statistics.
func (w *quotaWorld) change() {
	data := rapid.OneOf(
		rapid.SliceOfN(rapid.Byte(), 0, 40), rapid.Just([]byte(nil)),
		rapid.SampledFrom([][]byte{[]byte("count=3,bytes=9"), []byte("count=-1,bytes=5=;byteHardLimit=0")}),
	).Draw(w.t, "data")
	root := rapid.SampledFrom(quotaRoots).Draw(w.t, "quota")
	path := rapid.SampledFrom(quotaPaths).Draw(w.t, "path")
	switch rapid.IntRange(0, 4).Draw(w.t, "what") {
	case 0:
		path = zk.PathQuota + root + limitsLeaf
	case 1:
		path = zk.PathQuota + root + statsLeaf
	}
	switch rapid.IntRange(0, 3).Draw(w.t, "how") {
	case 0, 1:
		w.create(path, data)
	case 2:
		w.set(path, data)
	case 3:
		w.delete(path)
	}
}

func (w *quotaWorld) apply(op zk.OpCode, body txn.Body, path string) {
	w.zxid++
	tx := &txn.Txn{Header: txn.Header{Session: 1, Zxid: w.zxid, Time: int64(w.zxid), Type: op}, Body: body}
	if res := w.tree.Apply(tx, func(Change) {}); res.Code != zk.OK {
		w.t.Fatalf("%v %+v: %v", op, body, res.Code)
	}
	if !strings.HasPrefix(path, zk.PathQuota) {
		w.plain.Apply(tx, func(Change) {})
	}
	if err := w.tree.verify(); err != nil {
		w.t.Fatalf("after %v %+v: %v", op, body, err)
	}
	diff(w.t, "digest", w.tree.Digest(), w.plain.Digest())
}

func (w *quotaWorld) create(path string, data []byte) {
	parent, _ := zk.Parent(path)
	if _, ok := w.tree.Info(parent); !ok || w.tree.node(path) != nil {
		return
	}
	w.apply(zk.OpCreate, &txn.Create{Path: path, Data: data, ACL: zk.OpenACL(), ParentCreates: -1}, path)
	if p, ok := quotaOf(path, limitsLeaf); ok {
		w.nested(p)
	}
	if p, ok := quotaOf(path, statsLeaf); ok {
		w.recounted(p)
	}
	w.changed(path, 1, len(data))
}

func (w *quotaWorld) set(path string, data []byte) {
	r := w.tree.node(path)
	if r == nil {
		return
	}
	before := len(r.data)
	w.apply(zk.OpSetData, &txn.SetData{Path: path, Data: data}, path)
	if p, ok := quotaOf(path, statsLeaf); ok {
		delete(w.use, p)
	}
	w.changed(path, 0, len(data)-before)
}

func (w *quotaWorld) delete(path string) {
	r := w.tree.node(path)
	if r == nil || r.kids.len() > 0 {
		return
	}
	size := len(r.data)
	w.apply(zk.OpDelete, &txn.Delete{Path: path}, path)
	if p, ok := quotaOf(path, limitsLeaf); ok {
		delete(w.pure, p) // what happens meanwhile is not counted
	}
	if p, ok := quotaOf(path, statsLeaf); ok {
		delete(w.use, p)
	}
	w.changed(path, -1, -size)
}

// nested says that the quota at p takes a part of those above it.
func (w *quotaWorld) nested(p string) {
	for above := range w.pure {
		if strings.HasPrefix(p, above+"/") {
			delete(w.pure, above)
		}
	}
}

// recounted says that the statistics of p must be what its subtree holds.
func (w *quotaWorld) recounted(p string) {
	w.use[p] = w.count(p)
	w.pure[p] = w.limited(p)
	for q := range w.tree.quotas.paths {
		w.nested(q)
	}
}

func (w *quotaWorld) limited(p string) bool { return w.tree.node(zk.PathQuota+p+limitsLeaf) != nil }

// count is what a subtree holds, by a look at every node.
func (w *quotaWorld) count(p string) (use [2]int64) {
	for path, n := range dumpTree(w.tree).Nodes {
		if path == p || strings.HasPrefix(path, p+"/") {
			use[0]++
			use[1] += int64(len(n.Data))
		}
	}
	return use
}

// changed adds a change to the use of the longest quota above path.
func (w *quotaWorld) changed(path string, nodes, bytes int) {
	longest := ""
	for _, p := range quotaRoots {
		if w.limited(p) && (path == p || strings.HasPrefix(path, p+"/")) && len(p) > len(longest) {
			longest = p
		}
	}
	if use, ok := w.use[longest]; ok {
		w.use[longest] = [2]int64{use[0] + int64(nodes), use[1] + int64(bytes)}
	}
}

// compare looks at all statistics, and returns how many it could judge.
func (w *quotaWorld) compare() (compared int) {
	for p, use := range w.use {
		diff(w.t, "statistics of "+p, string(w.tree.node(zk.PathQuota+p+statsLeaf).data), string(formatStats(use[0], use[1])))
		if w.pure[p] {
			diff(w.t, "use of "+p+", which no other quota shares", use, w.count(p))
		}
		compared++
	}
	return compared
}
