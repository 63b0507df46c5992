package tree

import (
	"strings"

	"ostler/internal/zk"
)

// split returns the stored path of the parent and the name; key is not the root.
func split(key string) (parent, name string) {
	i := strings.LastIndexByte(key, '/')
	return key[:i], key[i+1:]
}

// newRecord makes a record that is not in the tree yet. Data is kept.
func (t *Tree) newRecord(key string, data []byte, acl []zk.ACL, stat zk.StatPersisted) *record {
	return &record{
		path: key, data: data, acl: t.acls.get(acl), stat: stat,
		prefix: Prefix(key, data), gen: t.gen,
	}
}

// addRecord puts a record into the tree.
func (t *Tree) addRecord(r *record) {
	t.writable(r.path).nodes[r.path] = r
	t.nodeCount.Add(1)
	t.dataSize.Add(r.size())
	t.addDigest(r)
	if id := t.o.Owners.Session(r.stat.Owner); id != 0 {
		t.ephemerals.Add(1)
		t.owners.add(id, r.path)
	}
	t.addMortal(r)
}

// dropRecord takes a record out of the tree.
func (t *Tree) dropRecord(r *record) {
	t.keep(r)
	delete(t.writable(r.path).nodes, r.path)
	t.nodeCount.Add(-1)
	t.dataSize.Add(-r.size())
	t.subDigest(r)
	t.acls.put(r.acl)
	if id := t.o.Owners.Session(r.stat.Owner); id != 0 {
		t.ephemerals.Add(-1)
		t.owners.remove(id, r.path)
	}
	t.dropMortal(r)
}

// setRecord replaces data and numbers of a record.
func (t *Tree) setRecord(r *record, data []byte, stat zk.StatPersisted) {
	t.keep(r)
	t.writable(r.path)
	t.subDigest(r)
	t.dataSize.Add(int64(len(data) - len(r.data)))
	r.data, r.stat, r.prefix = data, stat, Prefix(r.path, data)
	t.addDigest(r)
}

// setStat replaces the numbers of a record.
func (t *Tree) setStat(r *record, stat zk.StatPersisted) {
	t.keep(r)
	t.writable(r.path)
	t.subDigest(r)
	r.stat = stat
	t.addDigest(r)
}

// setACL replaces the access list of a record.
func (t *Tree) setACL(r *record, acl []zk.ACL) {
	t.keep(r)
	t.writable(r.path)
	old := r.acl
	r.acl = t.acls.get(acl)
	t.acls.put(old)
}

// addKid puts a name among the children of a record.
func (t *Tree) addKid(r *record, name string) {
	t.keep(r)
	t.writable(r.path)
	r.kids = r.kids.writable(t.newest, t.gen)
	r.kids.add(name, t.newest, t.gen)
}

// removeKid takes a name from the children of a record.
func (t *Tree) removeKid(r *record, name string) {
	if !r.kids.has(name) {
		return
	}
	t.keep(r)
	t.writable(r.path)
	r.kids = r.kids.writable(t.newest, t.gen)
	r.kids.remove(name, t.newest, t.gen)
}

// keep saves a record for the open views that still need it, before it changes
// for the first time since they were opened.
func (t *Tree) keep(r *record) {
	if r.gen < t.newest {
		t.views.keep(r)
		r.gen = t.gen
	}
}

func (t *Tree) addDigest(r *record) {
	if t.o.Digest {
		t.digest += NodeDigest(r.prefix, r.path, &r.stat)
	}
}

func (t *Tree) subDigest(r *record) {
	if t.o.Digest {
		t.digest -= NodeDigest(r.prefix, r.path, &r.stat)
	}
}
