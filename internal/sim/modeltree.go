package sim

import (
	"fmt"
	"slices"
	"strings"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A state is something that transactions are applied to: a model, or a draft.
type state interface {
	// now is a node as the changes so far left it; add makes it another.
	now(path string) version
	add(path string, v version)
	// tell is told of each change that watches can see.
	tell(c change)
}

// applyNode applies one operation on nodes (client-protocol.md 4.2). An error says that
// it cannot be right.
func applyNode(s state, h *txn.Header, body txn.Body) error {
	switch b := body.(type) {
	case *txn.Create:
		n := newNode{b.Path, b.Data, b.ACL, b.ParentCreates, 0}
		if b.Ephemeral {
			n.owner = zk.Owner(h.Session)
		}
		return createNode(s, h, n)
	case *txn.CreateContainer:
		return createNode(s, h, newNode{b.Path, b.Data, b.ACL, b.ParentCreates, zk.OwnerContainer})
	case *txn.CreateTTL:
		return createNode(s, h, newNode{b.Path, b.Data, b.ACL, b.ParentCreates, zk.OwnerTTL(b.TTL)})
	case *txn.Delete:
		return removeNode(s, h, b.Path)
	case *txn.SetData:
		return setData(s, h, b)
	case *txn.SetACL:
		return setACL(s, h, b)
	case *txn.Check:
		return nil
	}
	return fmt.Errorf("a transaction %T is not part of the workload", body)
}

// A newNode is what all kinds of create have in common.
type newNode struct {
	path          string
	data          []byte
	acl           []zk.ACL
	parentCreates int32
	owner         zk.Owner
}

func createNode(s state, h *txn.Header, n newNode) error {
	parent := parentOf(n.path)
	p := s.now(parent)
	switch {
	case s.now(n.path).exists:
		return fmt.Errorf("%s is created though it exists", n.path)
	case !p.exists:
		return fmt.Errorf("%s is created without a parent", n.path)
	case p.stat.EphemeralOwner != 0:
		return fmt.Errorf("%s is created below an ephemeral", n.path)
	case len(n.acl) == 0:
		return fmt.Errorf("%s is created without an access list (INV-A3)", n.path)
	}
	v := version{zxid: h.Zxid, exists: true, data: n.data, acl: n.acl, owner: n.owner}
	v.stat = zk.Stat{Czxid: h.Zxid, Mzxid: h.Zxid, Pzxid: h.Zxid, Ctime: h.Time, Mtime: h.Time, DataLength: int32(len(n.data))}
	if _, isTTL := n.owner.TTL(); !isTTL && n.owner != zk.OwnerContainer {
		v.stat.EphemeralOwner = zk.SessionID(n.owner)
	}
	s.add(n.path, v)
	p.creates++
	if n.parentCreates >= 0 && n.parentCreates != p.creates {
		return fmt.Errorf("%s makes child number %d of its parent, which has had %d", n.path, n.parentCreates, p.creates-1)
	}
	p.children = insert(p.children, nameOf(n.path))
	changeParent(s, h, parent, p)
	s.tell(change{h.Zxid, zk.EventCreated, n.path, n.acl, p.acl})
	return nil
}

// changeParent adds a version of a parent whose children have changed.
func changeParent(s state, h *txn.Header, path string, p version) {
	p.zxid = h.Zxid
	p.stat.Pzxid = h.Zxid
	p.stat.NumChildren = int32(len(p.children))
	p.stat.Cversion = 2*p.creates - p.stat.NumChildren
	s.add(path, p)
}

func removeNode(s state, h *txn.Header, path string) error {
	v := s.now(path)
	switch {
	case !v.exists:
		return fmt.Errorf("%s is deleted though it does not exist", path)
	case len(v.children) > 0:
		return fmt.Errorf("%s is deleted though it has children", path)
	case zk.Reserved(path):
		return fmt.Errorf("%s is deleted, which must stay (INV-T3)", path)
	}
	s.add(path, version{zxid: h.Zxid})
	parent := parentOf(path)
	p := s.now(parent)
	p.children = without(p.children, nameOf(path))
	changeParent(s, h, parent, p)
	s.tell(change{h.Zxid, zk.EventDeleted, path, v.acl, p.acl})
	return nil
}

func setData(s state, h *txn.Header, b *txn.SetData) error {
	v := s.now(b.Path)
	if !v.exists {
		return fmt.Errorf("%s is set though it does not exist", b.Path)
	}
	want := v.stat.Version + 1
	if h.Type == zk.OpReconfig {
		want = -1 // (client-protocol.md 4.6)
	}
	if b.Version != want {
		return fmt.Errorf("%s is set to version %d, want %d", b.Path, b.Version, want)
	}
	v.zxid, v.data = h.Zxid, b.Data
	v.stat.Version, v.stat.Mzxid, v.stat.Mtime = b.Version, h.Zxid, h.Time
	v.stat.DataLength = int32(len(b.Data))
	s.add(b.Path, v)
	s.tell(change{zxid: h.Zxid, kind: zk.EventDataChanged, path: b.Path, acl: v.acl})
	return nil
}

func setACL(s state, h *txn.Header, b *txn.SetACL) error {
	v := s.now(b.Path)
	if !v.exists {
		return fmt.Errorf("the list of %s is set though it does not exist", b.Path)
	}
	if want := v.stat.Aversion + 1; b.Version != want {
		return fmt.Errorf("the list of %s is set to version %d, want %d", b.Path, b.Version, want)
	}
	v.zxid, v.acl = h.Zxid, b.ACL
	v.stat.Aversion = b.Version
	s.add(b.Path, v)
	return nil
}

func parentOf(path string) string {
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		return path[:i]
	}
	return "/"
}

func nameOf(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// insert returns a new sorted list; versions share lists.
func insert(list []string, name string) []string {
	i, _ := slices.BinarySearch(list, name)
	return slices.Insert(slices.Clone(list), i, name)
}

func without(list []string, name string) []string {
	i, ok := slices.BinarySearch(list, name)
	if !ok {
		return list
	}
	return slices.Delete(slices.Clone(list), i, i+1)
}
