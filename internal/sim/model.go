package sim

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// What a change did to a node, as watches see it (client-protocol.md 8.3).
const (
	changeCreated = 1 << iota
	changeDeleted
	changeData
	changeChildren
)

// A version is a node after one change, or before it was ever made.
type version struct {
	zxid     zk.Zxid
	what     int
	exists   bool
	data     []byte
	stat     zk.Stat
	creates  int32    // children ever created
	owner    zk.Owner // of a container or TTL node
	children []string // sorted
}

// A model is the tree as a list of versions for each path: slow, obvious, and
// able to tell the state at any zxid.
type model struct {
	nodes    map[string][]version
	sessions map[zk.SessionID]int32
	closed   map[zk.SessionID]zk.Zxid
	owned    map[zk.SessionID][]string
}

func newModel() *model {
	m := &model{
		nodes:    make(map[string][]version),
		sessions: make(map[zk.SessionID]int32), closed: make(map[zk.SessionID]zk.Zxid),
		owned: make(map[zk.SessionID][]string),
	}
	m.nodes["/"] = []version{{exists: true}}
	m.nodes["/zookeeper"] = []version{{exists: true}}
	m.nodes["/zookeeper/quota"] = []version{{exists: true}}
	m.nodes["/zookeeper/config"] = []version{{exists: true}}
	return m
}

// at is the node at a moment of history.
func (m *model) at(path string, z zk.Zxid) version {
	vs := m.nodes[path]
	i := sort.Search(len(vs), func(i int) bool { return vs[i].zxid > z })
	if i == 0 {
		return version{}
	}
	return vs[i-1]
}

// now is the newest version of a node.
func (m *model) now(path string) version {
	if vs := m.nodes[path]; len(vs) > 0 {
		return vs[len(vs)-1]
	}
	return version{}
}

// firstChange is the first change of a node after one moment and up to another
// that has any bit of mask; nil if there is none.
func (m *model) firstChange(path string, mask int, after, upTo zk.Zxid) *version {
	vs := m.nodes[path]
	i := sort.Search(len(vs), func(i int) bool { return vs[i].zxid > after })
	for ; i < len(vs) && vs[i].zxid <= upTo; i++ {
		if vs[i].what&mask != 0 {
			return &vs[i]
		}
	}
	return nil
}

func (m *model) add(path string, v version) { m.nodes[path] = append(m.nodes[path], v) }

// apply applies a committed transaction. An error says that no correct leader
// would have made it.
func (m *model) apply(t *txn.Txn) error {
	switch {
	case t.Type == zk.OpCreateSession || t.Type == zk.OpCloseSession || refused(t.Body):
	default:
		if z, ok := m.closed[t.Session]; ok {
			return fmt.Errorf("a request of session %v is executed after its close at %v", t.Session, z)
		}
	}
	return m.applyBody(&t.Header, t.Body)
}

// refused reports whether a transaction changes nothing.
func refused(body txn.Body) bool {
	switch b := body.(type) {
	case *txn.Error:
		return true
	case *txn.Multi:
		return b.Failed()
	}
	return false
}

func (m *model) applyBody(h *txn.Header, body txn.Body) error {
	switch b := body.(type) {
	case *txn.Error, *txn.Check:
		return nil
	case *txn.CreateSession:
		return m.createSession(h, b)
	case *txn.CloseSession:
		return m.closeSession(h, b)
	case *txn.Create:
		return m.create(h, b, 0)
	case *txn.CreateContainer:
		plain := txn.Create{Path: b.Path, Data: b.Data, ACL: b.ACL, ParentCreates: b.ParentCreates}
		return m.create(h, &plain, zk.OwnerContainer)
	case *txn.CreateTTL:
		plain := txn.Create{Path: b.Path, Data: b.Data, ACL: b.ACL, ParentCreates: b.ParentCreates}
		return m.create(h, &plain, zk.OwnerTTL(b.TTL))
	case *txn.Delete:
		if h.Type == zk.OpDeleteContainer && !m.mayReap(h, b.Path) {
			return fmt.Errorf("%s is reaped though it is not due", b.Path)
		}
		return m.remove(h, b.Path)
	case *txn.SetData:
		return m.setData(h, b)
	case *txn.SetACL:
		return nil
	case *txn.Multi:
		if b.Failed() {
			return nil
		}
		for _, op := range b.Ops {
			if err := m.applyBody(h, op.Body); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("a transaction %T is not part of the workload", body)
}

func (m *model) createSession(h *txn.Header, b *txn.CreateSession) error {
	if _, ok := m.closed[h.Session]; ok {
		return fmt.Errorf("session id %v is used again", h.Session)
	}
	if _, ok := m.sessions[h.Session]; ok {
		return fmt.Errorf("session %v is created twice", h.Session)
	}
	m.sessions[h.Session] = b.Timeout
	return nil
}

func (m *model) closeSession(h *txn.Header, b *txn.CloseSession) error {
	delete(m.sessions, h.Session)
	if _, ok := m.closed[h.Session]; !ok {
		m.closed[h.Session] = h.Zxid
	}
	mine := slices.Sorted(slices.Values(m.owned[h.Session]))
	if b.HasPaths {
		if paths := slices.Sorted(slices.Values(b.Paths)); !slices.Equal(paths, mine) {
			return fmt.Errorf("closing session %v deletes %v, but its ephemerals are %v", h.Session, paths, mine)
		}
	}
	for _, path := range mine {
		if err := m.remove(h, path); err != nil {
			return err
		}
	}
	return nil
}

// mayReap is INV-T17, apart from children, of which remove allows none.
func (m *model) mayReap(h *txn.Header, path string) bool {
	v := m.now(path)
	if ttl, ok := v.owner.TTL(); ok {
		return h.Time-v.stat.Mtime > ttl
	}
	return v.owner == zk.OwnerContainer && v.creates > 0
}

func (m *model) create(h *txn.Header, b *txn.Create, owner zk.Owner) error {
	parent := parentOf(b.Path)
	p := m.now(parent)
	switch {
	case m.now(b.Path).exists:
		return fmt.Errorf("%s is created though it exists", b.Path)
	case !p.exists:
		return fmt.Errorf("%s is created without a parent", b.Path)
	case p.stat.EphemeralOwner != 0:
		return fmt.Errorf("%s is created below an ephemeral", b.Path)
	}
	v := version{zxid: h.Zxid, what: changeCreated, exists: true, data: b.Data, owner: owner}
	v.stat = zk.Stat{Czxid: h.Zxid, Mzxid: h.Zxid, Pzxid: h.Zxid, Ctime: h.Time, Mtime: h.Time, DataLength: int32(len(b.Data))}
	if b.Ephemeral {
		if _, ok := m.sessions[h.Session]; !ok {
			return fmt.Errorf("ephemeral %s is created by session %v, which does not live", b.Path, h.Session)
		}
		v.stat.EphemeralOwner = h.Session
		m.owned[h.Session] = append(m.owned[h.Session], b.Path)
	}
	m.add(b.Path, v)
	p.creates++
	if parent != "/" && b.ParentCreates >= 0 && b.ParentCreates != p.creates {
		return fmt.Errorf("%s makes child number %d of its parent, which has had %d", b.Path, b.ParentCreates, p.creates-1)
	}
	p.children = insert(p.children, nameOf(b.Path))
	m.changeParent(h, parent, p)
	return nil
}

// changeParent adds a version of a parent whose children have changed.
func (m *model) changeParent(h *txn.Header, path string, p version) {
	p.zxid, p.what = h.Zxid, changeChildren
	p.stat.Pzxid = h.Zxid
	p.stat.NumChildren = int32(len(p.children))
	p.stat.Cversion = 2*p.creates - p.stat.NumChildren
	m.add(path, p)
}

func (m *model) remove(h *txn.Header, path string) error {
	v := m.now(path)
	switch {
	case !v.exists:
		return fmt.Errorf("%s is deleted though it does not exist", path)
	case len(v.children) > 0:
		return fmt.Errorf("%s is deleted though it has children", path)
	}
	if owner := v.stat.EphemeralOwner; owner != 0 {
		m.owned[owner] = slices.DeleteFunc(m.owned[owner], func(p string) bool { return p == path })
	}
	m.add(path, version{zxid: h.Zxid, what: changeDeleted})
	parent := parentOf(path)
	p := m.now(parent)
	p.children = without(p.children, nameOf(path))
	m.changeParent(h, parent, p)
	return nil
}

func (m *model) setData(h *txn.Header, b *txn.SetData) error {
	v := m.now(b.Path)
	if !v.exists {
		return fmt.Errorf("%s is set though it does not exist", b.Path)
	}
	if want := v.stat.Version + 1; b.Version != want {
		return fmt.Errorf("%s is set to version %d, want %d", b.Path, b.Version, want)
	}
	v.zxid, v.what, v.data = h.Zxid, changeData, b.Data
	v.stat.Version, v.stat.Mzxid, v.stat.Mtime = b.Version, h.Zxid, h.Time
	v.stat.DataLength = int32(len(b.Data))
	m.add(b.Path, v)
	return nil
}

// paths returns the paths that exist at a moment, sorted, without the built-in ones.
func (m *model) paths(z zk.Zxid) []string {
	var all []string
	for path := range m.nodes {
		if path != "/" && !strings.HasPrefix(path, "/zookeeper") && m.at(path, z).exists {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
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
