package datadir

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A model is a tree of maps with the replay rules of disk.md 5.6: obviously right
// rather than fast. It is both Sink and Source.
type model struct {
	nodes    map[string]*snapshot.Node
	sessions map[zk.SessionID]int32
	zxid     zk.Zxid
	// mismatches counts digests that differ from the ones recorded.
	mismatches int
}

func newModel() *model {
	return &model{nodes: map[string]*snapshot.Node{}, sessions: map[zk.SessionID]int32{}}
}

// freshModel is an empty database (disk.md 6.1).
func freshModel() *model {
	m := newModel()
	for _, p := range []string{"", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"} {
		m.nodes[p] = &snapshot.Node{Path: p, Data: []byte{}, ACL: zk.OpenACL()}
	}
	m.nodes["/zookeeper/config"].ACL = []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}
	m.nodes["/zookeeper/config"].Stat.Aversion = -1
	return m
}

func (m *model) Session(id zk.SessionID, timeout int32) { m.sessions[id] = timeout }

func (m *model) Node(n *snapshot.Node) error {
	if n.Path != "" && m.nodes[parentOf(n.Path)] == nil {
		return fmt.Errorf("no parent of %q", n.Path)
	}
	c := *n
	m.nodes[n.Path] = &c
	return nil
}

func (m *model) Zxid() zk.Zxid                    { return m.zxid }
func (m *model) Sessions() map[zk.SessionID]int32 { return m.sessions }

func (m *model) Walk(f func(n *snapshot.Node) error) error {
	for _, p := range slices.Sorted(maps.Keys(m.nodes)) {
		if err := f(m.nodes[p]); err != nil {
			return err
		}
	}
	return nil
}

// Digest is the sum of disk.md 7.
func (m *model) Digest() uint64 {
	sum := uint64(0)
	for p, n := range m.nodes {
		if strings.HasPrefix(p, "/zookeeper/") {
			continue
		}
		s := n.Stat
		b := append([]byte(p), n.Data...)
		for _, v := range []int64{int64(s.Czxid), int64(s.Mzxid), int64(s.Pzxid), s.Ctime, s.Mtime} {
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		}
		for _, v := range []int32{s.Version, s.Creates, s.Aversion} {
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		}
		b = binary.BigEndian.AppendUint64(b, uint64(s.Owner))
		sum += uint64(crc32.ChecksumIEEE(b))
	}
	return sum
}

func parentOf(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }

func (m *model) children(path string) int {
	n := 0
	for p := range m.nodes {
		if p != "" && parentOf(p) == path {
			n++
		}
	}
	return n
}

// apply replays a record; fuzzy is the zxid up to which digests may differ.
func (m *model) apply(rec *txn.Record, fuzzy zk.Zxid) {
	m.zxid = rec.Zxid
	m.do(rec.Header, rec.Type, rec.Body)
	if d := rec.Digest; d != nil && d.Version == txn.DigestVersion && rec.Zxid > fuzzy && d.Tree != m.Digest() {
		m.mismatches++
	}
}

func (m *model) do(h txn.Header, op zk.OpCode, body txn.Body) {
	switch b := body.(type) {
	case *txn.CreateSession:
		m.sessions[h.Session] = b.Timeout
	case *txn.CloseSession:
		delete(m.sessions, h.Session)
		for _, p := range b.Paths {
			m.delete(p, h.Zxid)
		}
		for _, p := range slices.Sorted(maps.Keys(m.nodes)) {
			if h.Session != 0 && m.nodes[p].Stat.Owner.Session() == h.Session {
				m.delete(p, h.Zxid)
			}
		}
	case *txn.Create:
		owner := zk.Owner(0)
		if b.Ephemeral {
			owner = zk.Owner(h.Session)
		}
		m.create(h, b.Path, b.Data, b.ACL, owner, b.ParentCreates)
	case *txn.CreateContainer:
		m.create(h, b.Path, b.Data, b.ACL, zk.OwnerContainer, b.ParentCreates)
	case *txn.CreateTTL:
		m.create(h, b.Path, b.Data, b.ACL, zk.OwnerTTL(b.TTL), b.ParentCreates)
	case *txn.Delete:
		m.delete(b.Path, h.Zxid)
	case *txn.SetData:
		if n := m.nodes[b.Path]; n != nil {
			n.Data, n.Stat.Mtime, n.Stat.Mzxid, n.Stat.Version = b.Data, h.Time, h.Zxid, b.Version
		}
	case *txn.SetACL:
		path := strings.TrimSuffix(b.Path, "/")
		if n := m.nodes[path]; n != nil {
			n.ACL, n.Stat.Aversion = b.ACL, b.Version
		}
	case *txn.Multi:
		if b.Failed() {
			return
		}
		for _, o := range b.Ops {
			m.do(h, o.Type, o.Body)
		}
	}
}

func (m *model) create(h txn.Header, path string, data []byte, acl []zk.ACL, owner zk.Owner, creates int32) {
	p := m.nodes[parentOf(path)]
	if p == nil {
		return
	}
	if creates == -1 {
		creates = p.Stat.Creates + 1
	}
	if creates > p.Stat.Creates {
		p.Stat.Creates, p.Stat.Pzxid = creates, h.Zxid
	}
	if n := m.nodes[path]; n != nil {
		n.ACL = acl
		return
	}
	m.nodes[path] = &snapshot.Node{Path: path, Data: data, ACL: acl, Stat: zk.StatPersisted{
		Czxid: h.Zxid, Mzxid: h.Zxid, Pzxid: h.Zxid, Ctime: h.Time, Mtime: h.Time, Owner: owner,
	}}
}

func (m *model) delete(path string, zxid zk.Zxid) {
	p := m.nodes[parentOf(path)]
	if p == nil {
		return
	}
	p.Stat.Pzxid = max(p.Stat.Pzxid, zxid)
	delete(m.nodes, path)
}
