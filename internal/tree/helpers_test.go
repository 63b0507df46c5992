package tree

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A dump is a whole tree as text-like values that go-cmp can compare.
type dump struct {
	Nodes      map[string]dumpNode
	Ephemerals map[zk.SessionID][]string
	Sessions   map[zk.SessionID]int32
	Digest     uint64
	Last       zk.Zxid
}

type dumpNode struct {
	Data     []byte
	ACL      []zk.ACL
	Stat     zk.StatPersisted
	Client   zk.Stat
	Children []string
}

// dumpTree reads the whole tree through its exported methods, from the root down
// the lists of children. Apply loop only.
func dumpTree(t *Tree) dump {
	d := dump{
		Nodes: map[string]dumpNode{}, Ephemerals: t.EphemeralMap(), Sessions: t.Sessions(),
		Digest: t.Digest(), Last: t.LastZxid(),
	}
	for todo := []string{""}; len(todo) > 0; todo = todo[1:] {
		key := todo[0]
		t.Read(key, func(n *Node) {
			if n == nil {
				d.Nodes[key] = dumpNode{}
				return
			}
			d.Nodes[key] = dumpNode{n.Data, n.ACL, n.Stat, n.ClientStat(), n.Children()}
			for _, name := range n.Children() {
				todo = append(todo, key+"/"+name)
			}
		})
	}
	return d
}

// dumpModel is the same of a model.
func dumpModel(m *model) dump {
	d := dump{
		Nodes: map[string]dumpNode{}, Ephemerals: m.ephemerals(), Sessions: m.sessions,
		Digest: m.digest(), Last: m.last,
	}
	for p, n := range m.nodes {
		d.Nodes[p] = dumpNode{n.data, n.acl, n.stat, m.stat(p), m.children(p)}
	}
	return d
}

// walked is what a view yields, in order.
type walked struct {
	Order []string
	Nodes map[string]snapshot.Node
}

func walk(v *View) (walked, error) {
	w := walked{Nodes: map[string]snapshot.Node{}}
	err := v.Walk(func(n *snapshot.Node) error {
		w.Order = append(w.Order, n.Path)
		w.Nodes[n.Path] = *n
		return nil
	})
	return w, err
}

// walkOf is what a view opened at d must yield.
func walkOf(d dump) walked {
	w := walked{Nodes: map[string]snapshot.Node{}}
	var visit func(key string)
	visit = func(key string) {
		n := d.Nodes[key]
		w.Order = append(w.Order, key)
		w.Nodes[key] = snapshot.Node{Path: key, Data: n.Data, ACL: n.ACL, Stat: n.Stat}
		for _, name := range n.Children {
			visit(key + "/" + name)
		}
	}
	visit("")
	return w
}

// A history makes transactions with zxids and times that go up.
type history struct {
	t    testing.TB
	tree *Tree
	zxid zk.Zxid
	all  []*txn.Txn
}

func newHistory(t testing.TB, o Options) *history { return &history{t: t, tree: New(o)} }

// next makes the next transaction without applying it.
func (h *history) next(session zk.SessionID, op zk.OpCode, body txn.Body) *txn.Txn {
	h.zxid++
	tx := &txn.Txn{
		Header: txn.Header{Session: session, Zxid: h.zxid, Time: 1000 + 10*int64(h.zxid), Type: op},
		Body:   body,
	}
	h.all = append(h.all, tx)
	return tx
}

func (h *history) do(session zk.SessionID, op zk.OpCode, body txn.Body) Result {
	return h.tree.Apply(h.next(session, op, body), func(Change) {})
}

// create applies a create as a correct leader would have prepared it.
func (h *history) create(path, data string) Result {
	h.t.Helper()
	res := h.do(1, zk.OpCreate, h.createBody(path, []byte(data)))
	if res.Code != zk.OK {
		h.t.Fatalf("create %s: %v", path, res.Code)
	}
	return res
}

func (h *history) createBody(path string, data []byte) *txn.Create {
	parent, _ := zk.Parent(path)
	info, _ := h.tree.Info(parent)
	return &txn.Create{Path: path, Data: data, ACL: zk.OpenACL(), ParentCreates: info.Stat.Creates + 1}
}

func (h *history) delete(path string) Result {
	return h.do(1, zk.OpDelete, &txn.Delete{Path: path})
}

func (h *history) set(path, data string, version int32) Result {
	return h.do(1, zk.OpSetData, &txn.SetData{Path: path, Data: []byte(data), Version: version})
}

func (h *history) data(path string) string {
	var data string
	h.tree.Read(path, func(n *Node) {
		if n == nil {
			data = "(no node)"
			return
		}
		data = string(n.Data)
	})
	return data
}

func (h *history) verify() {
	h.t.Helper()
	if err := h.tree.verify(); err != nil {
		h.t.Fatal(err)
	}
}

func diff(t interface {
	Helper()
	Fatalf(string, ...any)
}, what string, got, want any,
) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
	}
}
