package tree

import (
	"encoding/binary"

	"ostler/internal/invariant"
	"ostler/internal/zk"
)

// An aclList is an access list that any number of nodes share. Entries are
// never changed, so readers may keep them.
type aclList struct {
	entries []zk.ACL
	key     string
	refs    int // records that use it; owned by the apply loop
}

// An aclTable keeps every list once. Owned by the apply loop.
type aclTable struct {
	lists map[string]*aclList // by encoded entries
	key   []byte              // room for a key
}

func newACLTable() aclTable { return aclTable{lists: make(map[string]*aclList)} }

// get returns the shared form of acl, with one more reference.
func (t *aclTable) get(acl []zk.ACL) *aclList {
	t.key = appendKey(t.key[:0], acl)
	l := t.lists[string(t.key)]
	if l == nil {
		l = &aclList{entries: append([]zk.ACL(nil), acl...), key: string(t.key)}
		t.lists[l.key] = l
	}
	l.refs++
	return l
}

// put gives a reference back; a list that nobody uses goes.
func (t *aclTable) put(l *aclList) {
	if l.refs <= 0 {
		invariant.Check(false, "references %d of an access list are positive", l.refs)
	}
	if l.refs--; l.refs == 0 {
		delete(t.lists, l.key)
	}
}

// appendKey appends an unambiguous encoding of acl.
func appendKey(b []byte, acl []zk.ACL) []byte {
	for i := range acl {
		b = binary.BigEndian.AppendUint32(b, uint32(acl[i].Perms))
		b = appendText(b, acl[i].ID.Scheme)
		b = appendText(b, acl[i].ID.ID)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
