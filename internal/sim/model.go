package sim

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A version is a node after one transaction, or before it was ever made.
type version struct {
	zxid     zk.Zxid
	exists   bool
	data     []byte
	acl      []zk.ACL
	owner    zk.Owner
	stat     zk.Stat
	creates  int32    // children ever created
	children []string // sorted
}

// A change is what one step of a transaction did, as watches see it
// (client-protocol.md 8.3).
type change struct {
	zxid           zk.Zxid
	kind           zk.EventType // NodeCreated, NodeDeleted or NodeDataChanged
	path           string
	acl, parentACL []zk.ACL // that decide who is told
}

// A model is the tree as a list of versions for each path: slow, obvious, and
// able to tell the state at any zxid.
type model struct {
	nodes    map[string][]version
	changes  []change // in order
	sessions map[zk.SessionID]int32
	closed   map[zk.SessionID]zk.Zxid
	owned    map[zk.SessionID][]string
	ever     map[zk.SessionID][]string // every ephemeral a session has had
	reaped   map[zk.Owner]int          // containers, and TTL nodes under 0
}

func newModel() *model {
	m := &model{
		nodes:    make(map[string][]version),
		sessions: make(map[zk.SessionID]int32), closed: make(map[zk.SessionID]zk.Zxid),
		owned: make(map[zk.SessionID][]string), ever: make(map[zk.SessionID][]string),
		reaped: make(map[zk.Owner]int),
	}
	m.builtIn("/", zk.OpenACL(), "zookeeper")
	m.builtIn("/zookeeper", zk.OpenACL(), "config", "quota")
	m.builtIn("/zookeeper/quota", zk.OpenACL())
	m.builtIn("/zookeeper/config", []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}})
	m.nodes["/zookeeper/config"][0].stat.Aversion = -1
	return m
}

// builtIn makes a node that is in every tree from the start (client-protocol.md 4.6).
func (m *model) builtIn(path string, acl []zk.ACL, children ...string) {
	v := version{exists: true, data: []byte{}, acl: acl, children: children}
	v.stat.NumChildren = int32(len(children))
	v.stat.Cversion = -v.stat.NumChildren
	m.add(path, v)
}

// at is the node at a moment of history.
func (m *model) at(path string, z zk.Zxid) version {
	vs := m.nodes[path]
	i := sort.Search(len(vs), func(i int) bool { return vs[i].zxid > z })
	if i == 0 {
		return version{}
	}
	return m.counted(path, z, vs[i-1])
}

// now is the newest version of a node, as transactions left it.
func (m *model) now(path string) version {
	if vs := m.nodes[path]; len(vs) > 0 {
		return vs[len(vs)-1]
	}
	return version{}
}

func (m *model) add(path string, v version) { m.nodes[path] = append(m.nodes[path], v) }

func (m *model) tell(c change) { m.changes = append(m.changes, c) }

// changesIn returns the changes after one moment and up to another.
func (m *model) changesIn(after, upTo zk.Zxid) []change {
	i := sort.Search(len(m.changes), func(i int) bool { return m.changes[i].zxid > after })
	j := i
	for j < len(m.changes) && m.changes[j].zxid <= upTo {
		j++
	}
	return m.changes[i:j]
}

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
	case *txn.Error:
		return nil
	case *txn.CreateSession:
		return m.createSession(h, b)
	case *txn.CloseSession:
		return m.closeSession(h, b)
	case *txn.Create:
		if err := m.checkOwner(h, b); err != nil {
			return err
		}
	case *txn.Delete:
		if err := m.checkReaping(h, b.Path); err != nil {
			return err
		}
		m.disown(b.Path)
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
	return applyNode(m, h, body)
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
		mine = b.Paths
	}
	delete(m.owned, h.Session)
	for _, path := range mine {
		if err := removeNode(m, h, path); err != nil {
			return err
		}
	}
	return nil
}

// checkOwner keeps the books of ephemerals.
func (m *model) checkOwner(h *txn.Header, b *txn.Create) error {
	if !b.Ephemeral {
		return nil
	}
	if _, ok := m.sessions[h.Session]; !ok {
		return fmt.Errorf("ephemeral %s is created by session %v, which does not live", b.Path, h.Session)
	}
	m.owned[h.Session] = append(m.owned[h.Session], b.Path)
	m.ever[h.Session] = append(m.ever[h.Session], b.Path)
	return nil
}

func (m *model) disown(path string) {
	if owner := m.now(path).stat.EphemeralOwner; owner != 0 {
		m.owned[owner] = slices.DeleteFunc(m.owned[owner], func(p string) bool { return p == path })
	}
}

// checkReaping checks that what a server deletes of itself was due (INV-T17).
func (m *model) checkReaping(h *txn.Header, path string) error {
	if h.Session != 0 {
		return nil
	}
	v := m.now(path)
	ttl, hasTTL := v.owner.TTL()
	switch {
	case h.Type != zk.OpDeleteContainer:
		return fmt.Errorf("%s is deleted by nobody", path)
	case len(v.children) > 0: // removeNode says so
	case hasTTL:
		m.reaped[0]++
		if age := h.Time - v.stat.Mtime; age <= ttl {
			return fmt.Errorf("%s is reaped after %d ms, but lives for %d", path, age, ttl)
		}
	case v.owner != zk.OwnerContainer:
		return fmt.Errorf("%s is reaped, but is neither a container nor a TTL node", path)
	case v.creates == 0:
		return fmt.Errorf("container %s is reaped before it was used", path)
	default:
		m.reaped[zk.OwnerContainer]++
	}
	return nil
}

// ephemerals are the nodes of a session at a moment that begin with prefix, sorted.
func (m *model) ephemerals(session zk.SessionID, z zk.Zxid, prefix string) []string {
	mine := []string{}
	for _, path := range m.ever[session] {
		if strings.HasPrefix(path, prefix) && m.at(path, z).stat.EphemeralOwner == session {
			mine = append(mine, path)
		}
	}
	slices.Sort(mine)
	return slices.Compact(mine)
}

// descendants counts the nodes below a path at a moment.
func (m *model) descendants(path string, z zk.Zxid) int32 {
	n := int32(0)
	for _, name := range m.at(path, z).children {
		n += 1 + m.descendants(zk.Join(path, name), z)
	}
	return n
}

// paths returns the paths that exist at a moment, sorted, without the node that holds
// the configuration, which servers write themselves.
func (m *model) paths(z zk.Zxid) []string {
	var all []string
	for path := range m.nodes {
		if path != zk.PathConfig && m.at(path, z).exists {
			all = append(all, path)
		}
	}
	slices.Sort(all)
	return all
}
