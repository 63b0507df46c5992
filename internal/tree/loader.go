package tree

import (
	"fmt"

	"ostler/internal/snapshot"
	"ostler/internal/zk"
)

// A Loader builds a tree from a snapshot; it implements snapshot.Sink. One
// goroutine uses it.
type Loader struct {
	t *Tree
}

// NewLoader returns a loader of an empty tree.
func NewLoader(o Options) *Loader {
	t := newEmpty(o)
	t.lockAll()
	return &Loader{t: t}
}

// Session implements snapshot.Sink; timeout is in ms.
func (l *Loader) Session(id zk.SessionID, timeout int32) { l.t.owners.open(id, timeout) }

// Node implements snapshot.Sink. Parents come before their children; data and
// access list are copied.
func (l *Loader) Node(n *snapshot.Node) error {
	t := l.t
	if t.node(n.Path) != nil {
		return fmt.Errorf("node %q comes twice", shownPath(n.Path))
	}
	if n.Path != "" {
		if n.Path[0] != '/' || n.Path[len(n.Path)-1] == '/' {
			return fmt.Errorf("node path %q does not begin with a slash, or ends with one", n.Path)
		}
		parentKey, name := split(n.Path)
		parent := t.node(parentKey)
		if parent == nil {
			return fmt.Errorf("node %q comes before its parent", n.Path)
		}
		t.addKid(parent, name)
	}
	var data []byte
	if n.Data != nil {
		data = append([]byte{}, n.Data...)
	}
	t.addRecord(t.newRecord(n.Path, data, n.ACL, n.Stat))
	return nil
}

// Finish returns the tree, which holds every transaction up to zxid.
func (l *Loader) Finish(zxid zk.Zxid) (*Tree, error) {
	t := l.t
	defer t.unlock()
	if t.node("") == nil {
		return nil, fmt.Errorf("the snapshot has no root node")
	}
	t.addBuiltIn()
	t.loadQuotas()
	t.last.Store(int64(zxid))
	return t, nil
}
