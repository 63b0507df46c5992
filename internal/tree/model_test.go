package tree

import (
	"fmt"
	"hash/crc32"
	"slices"
	"sort"
	"strings"

	"ostler/internal/jute"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A model is the tree as the specification describes it, without any index:
// every question is answered by a scan of all nodes.
type model struct {
	nodes    map[string]*modelNode // "" is the root
	sessions map[zk.SessionID]int32
	limits   map[string]bool // paths with a quota
	last     zk.Zxid
	changes  []Change // of the transaction under way
}

type modelNode struct {
	data []byte
	acl  []zk.ACL
	stat zk.StatPersisted
}

func newModel() *model {
	open := zk.OpenACL()
	return &model{
		nodes: map[string]*modelNode{
			"":            {data: []byte{}, acl: open},
			zk.PathZK:     {data: []byte{}, acl: open},
			zk.PathQuota:  {data: []byte{}, acl: open},
			zk.PathConfig: {data: []byte{}, acl: []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}, stat: zk.StatPersisted{Aversion: -1}},
		},
		sessions: map[zk.SessionID]int32{},
		limits:   map[string]bool{},
	}
}

// parentOf returns the key of a node's parent.
func parentOf(key string) string { return key[:strings.LastIndexByte(key, '/')] }

func (m *model) children(key string) []string {
	names := []string{}
	for p := range m.nodes {
		if p != "" && parentOf(p) == key {
			names = append(names, p[len(key)+1:])
		}
	}
	sort.Strings(names)
	return names
}

func (m *model) stat(key string) zk.Stat {
	n := m.nodes[key]
	kids := int32(len(m.children(key)))
	return zk.Stat{
		Czxid: n.stat.Czxid, Mzxid: n.stat.Mzxid, Pzxid: n.stat.Pzxid,
		Ctime: n.stat.Ctime, Mtime: n.stat.Mtime,
		Version: n.stat.Version, Cversion: 2*n.stat.Creates - kids, Aversion: n.stat.Aversion,
		EphemeralOwner: n.stat.Owner.Session(), DataLength: int32(len(n.data)), NumChildren: kids,
	}
}

func (m *model) ephemerals() map[zk.SessionID][]string {
	owned := map[zk.SessionID][]string{}
	for p, n := range m.nodes {
		if id := n.stat.Owner.Session(); id != 0 {
			owned[id] = append(owned[id], p)
		}
	}
	for _, paths := range owned {
		sort.Strings(paths)
	}
	return owned
}

// digest is the sum of disk.md 7.2, computed from the definition in 7.1.
func (m *model) digest() uint64 {
	var sum uint64
	for p, n := range m.nodes {
		if strings.HasPrefix(p, "/zookeeper/") {
			continue
		}
		s := n.stat
		b := append([]byte(p), n.data...)
		for _, v := range []int64{int64(s.Czxid), int64(s.Mzxid), int64(s.Pzxid), s.Ctime, s.Mtime} {
			b = jute.AppendInt64(b, v)
		}
		for _, v := range []int32{s.Version, s.Creates, s.Aversion} {
			b = jute.AppendInt32(b, v)
		}
		sum += uint64(crc32.ChecksumIEEE(jute.AppendInt64(b, int64(s.Owner))))
	}
	return sum
}

func (m *model) apply(tx *txn.Txn) Result {
	m.changes = nil
	res := m.op(tx, tx.Type, tx.Body)
	m.last = max(m.last, tx.Zxid)
	return res
}

func (m *model) op(tx *txn.Txn, op zk.OpCode, body txn.Body) Result {
	switch b := body.(type) {
	case *txn.Create:
		owner := zk.Owner(0)
		if b.Ephemeral {
			owner = zk.Owner(tx.Session)
		}
		return m.create(tx, b.Path, b.Data, b.ACL, owner, b.ParentCreates)
	case *txn.CreateContainer:
		return m.create(tx, b.Path, b.Data, b.ACL, zk.OwnerContainer, b.ParentCreates)
	case *txn.CreateTTL:
		if b.TTL < 1 || b.TTL > 1<<40-1 {
			return Result{Code: zk.SystemError}
		}
		return m.create(tx, b.Path, b.Data, b.ACL, zk.OwnerTTL(b.TTL), b.ParentCreates)
	case *txn.Delete:
		return Result{Code: m.delete(tx, b.Path)}
	case *txn.SetData:
		return m.setData(tx, b)
	case *txn.SetACL:
		n := m.nodes[strings.TrimSuffix(b.Path, "/")]
		if n == nil || len(b.Path) > 1 && strings.HasSuffix(b.Path, "/") {
			return Result{Code: zk.NoNode}
		}
		n.acl, n.stat.Aversion = b.ACL, b.Version
		return Result{Stat: m.stat(strings.TrimSuffix(b.Path, "/"))}
	case *txn.CreateSession:
		m.sessions[tx.Session] = b.Timeout
	case *txn.CloseSession:
		delete(m.sessions, tx.Session)
		for _, p := range slices.Concat(b.Paths, m.ephemerals()[tx.Session]) {
			m.delete(tx, p)
		}
	case *txn.Error:
		return Result{Code: b.Code}
	case *txn.Multi:
		return m.multi(tx, b)
	case *txn.Check:
	default:
		return Result{Code: zk.SystemError}
	}
	return Result{}
}

func (m *model) multi(tx *txn.Txn, b *txn.Multi) Result {
	res := Result{Multi: make([]OpResult, len(b.Ops))}
	failed := slices.ContainsFunc(b.Ops, func(o txn.Op) bool { return o.Type == zk.OpError })
	for i, o := range b.Ops {
		if !failed {
			r := m.op(tx, o.Type, o.Body)
			res.Multi[i] = OpResult{Op: o.Type, Code: r.Code, Path: r.Path, Stat: r.Stat}
			continue
		}
		res.Multi[i].Op = zk.OpError
		if e, ok := o.Body.(*txn.Error); ok {
			res.Multi[i].Code = e.Code
		}
	}
	return res
}

func (m *model) create(tx *txn.Txn, path string, data []byte, acl []zk.ACL, owner zk.Owner, creates int32) Result {
	if path == "/" || zk.ValidatePath(path) != nil {
		return Result{Code: zk.SystemError}
	}
	parent := m.nodes[parentOf(path)]
	if parent == nil {
		return Result{Code: zk.NoNode}
	}
	if creates == -1 {
		creates = parent.stat.Creates + 1
	}
	if creates > parent.stat.Creates {
		parent.stat.Creates, parent.stat.Pzxid = creates, tx.Zxid
	}
	if n := m.nodes[path]; n != nil {
		n.acl = acl
		return Result{Code: zk.NodeExists}
	}
	n := &modelNode{data: data, acl: acl, stat: zk.StatPersisted{
		Czxid: tx.Zxid, Mzxid: tx.Zxid, Pzxid: tx.Zxid, Ctime: tx.Time, Mtime: tx.Time, Owner: owner,
	}}
	m.nodes[path] = n
	if p, ok := modelQuota(path, "/zookeeper_limits"); ok {
		m.limits[p] = true
	}
	if p, ok := modelQuota(path, "/zookeeper_stats"); ok {
		n.data = m.usage(p)
	}
	m.count(path, 1, len(n.data))
	m.changes = append(m.changes, Change{
		Kind: Created, Path: path, Parent: shown(parentOf(path)), Zxid: tx.Zxid, ACL: acl, ParentACL: parent.acl,
	})
	return Result{Path: path, Stat: m.stat(path)}
}

func (m *model) delete(tx *txn.Txn, path string) zk.Code {
	if zk.ValidatePath(path) != nil || slices.Contains([]string{"/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"}, path) {
		return zk.BadArguments
	}
	parent := m.nodes[parentOf(path)]
	if parent == nil {
		return zk.NoNode
	}
	parent.stat.Pzxid = max(parent.stat.Pzxid, tx.Zxid)
	n := m.nodes[path]
	if n == nil {
		return zk.NoNode
	}
	m.drop(path)
	m.changes = append(m.changes, Change{
		Kind: Deleted, Path: path, Parent: shown(parentOf(path)), Zxid: tx.Zxid, ACL: n.acl, ParentACL: parent.acl,
	})
	return zk.OK
}

func (m *model) drop(path string) {
	for _, name := range m.children(path) {
		m.drop(path + "/" + name)
	}
	n := m.nodes[path]
	delete(m.nodes, path)
	if p, ok := modelQuota(path, "/zookeeper_limits"); ok {
		delete(m.limits, p)
	}
	m.count(path, -1, -len(n.data))
}

func (m *model) setData(tx *txn.Txn, b *txn.SetData) Result {
	key := b.Path
	if key == "/" {
		key = ""
	}
	n := m.nodes[key]
	if n == nil {
		return Result{Code: zk.NoNode}
	}
	before := len(n.data)
	n.data, n.stat.Mtime, n.stat.Mzxid, n.stat.Version = b.Data, tx.Time, tx.Zxid, b.Version
	m.count(key, 0, len(b.Data)-before)
	parent := ""
	if key != "" {
		parent = shown(parentOf(key))
	} else if b.Path == "/" {
		parent = "/"
	}
	m.changes = append(m.changes, Change{Kind: DataChanged, Path: shown(key), Parent: parent, Zxid: tx.Zxid, ACL: n.acl})
	return Result{Stat: m.stat(key)}
}

func shown(key string) string {
	if key == "" {
		return "/"
	}
	return key
}

// modelQuota returns P of /zookeeper/quota<P><leaf>.
func modelQuota(path, leaf string) (string, bool) {
	p := strings.TrimPrefix(path, "/zookeeper/quota")
	if p == path || !strings.HasPrefix(p, "/") || !strings.HasSuffix(p, leaf) || p == leaf {
		return "", false
	}
	return strings.TrimSuffix(p, leaf), true
}

// usage is what the subtree of p holds, as statistics (client-protocol.md 4.9).
func (m *model) usage(p string) []byte {
	nodes, bytes := 0, 0
	for path, n := range m.nodes {
		if path == p || strings.HasPrefix(path, p+"/") {
			nodes, bytes = nodes+1, bytes+len(n.data)
		}
	}
	return fmt.Appendf(nil, "count=%d,bytes=%d", nodes, bytes)
}

// count adjusts the statistics of the longest prefix of path with a quota.
func (m *model) count(path string, nodes, bytes int) {
	if nodes == 0 && bytes == 0 {
		return
	}
	longest := ""
	for p := range m.limits {
		if (path == p || strings.HasPrefix(path, p+"/")) && len(p) > len(longest) {
			longest = p
		}
	}
	stats := m.nodes["/zookeeper/quota"+longest+"/zookeeper_stats"]
	if longest == "" || stats == nil {
		return
	}
	var haveNodes, haveBytes int
	if _, err := fmt.Sscanf(string(stats.data), "count=%d,bytes=%d", &haveNodes, &haveBytes); err != nil {
		stats.data = m.usage(longest)
		return
	}
	stats.data = fmt.Appendf(nil, "count=%d,bytes=%d", haveNodes+nodes, haveBytes+bytes)
}
