package jute

import (
	"errors"

	"ostler/internal/zk"
)

// ErrNullID says that the id of an identity is null where its scheme looks at
// it, which ZooKeeper answers with MarshallingError (client-protocol.md 3.7).
// Elsewhere a null reads as "": the scheme auth ignores its id, and some clients
// send none; a scheme that no server knows, a null one too, is InvalidACL (7.3).
var ErrNullID = errors.New("identity with a null id")

const (
	idLen  = 4 + 4     // the least an Id takes
	aclLen = 4 + idLen // the least an ACL takes
)

// AppendIDs appends a vector of Id; nil becomes null.
func AppendIDs(dst []byte, ids []zk.ID) []byte {
	if ids == nil {
		return AppendNull(dst)
	}
	dst = AppendInt32(dst, int32(len(ids)))
	for _, id := range ids {
		dst = appendID(dst, id)
	}
	return dst
}

func appendID(dst []byte, id zk.ID) []byte {
	dst = AppendString(dst, id.Scheme)
	return AppendString(dst, id.ID)
}

// IDs reads a vector of Id: nil for null.
func (r *Reader) IDs() []zk.ID {
	n := r.Count()
	if n < 0 || r.err != nil {
		return nil
	}
	ids := make([]zk.ID, 0, r.fits(n, idLen))
	for range n {
		id := r.id()
		if r.err != nil {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

func (r *Reader) id() zk.ID {
	scheme := r.String()
	id, isNull := r.StringNull()
	if isNull && readsID(scheme) {
		r.Fail(ErrNullID)
	}
	return zk.ID{Scheme: scheme, ID: id}
}

// readsID says whether a server reads the id of an entry of this scheme.
func readsID(scheme string) bool {
	return scheme == "world" || scheme == "ip" || scheme == "digest"
}

// AppendACLs appends a vector of ACL; nil becomes null.
func AppendACLs(dst []byte, acls []zk.ACL) []byte {
	if acls == nil {
		return AppendNull(dst)
	}
	dst = AppendInt32(dst, int32(len(acls)))
	for _, a := range acls {
		dst = AppendInt32(dst, int32(a.Perms))
		dst = appendID(dst, a.ID)
	}
	return dst
}

// ACLs reads a vector of ACL: nil for null.
func (r *Reader) ACLs() []zk.ACL {
	n := r.Count()
	if n < 0 || r.err != nil {
		return nil
	}
	acls := make([]zk.ACL, 0, r.fits(n, aclLen))
	for range n {
		a := zk.ACL{Perms: zk.Perm(r.Int32()), ID: r.id()}
		if r.err != nil {
			return nil
		}
		acls = append(acls, a)
	}
	return acls
}

// AppendStat appends the 68 bytes of a Stat (client-protocol.md 1.3).
func AppendStat(dst []byte, s zk.Stat) []byte {
	dst = AppendInt64(dst, int64(s.Czxid))
	dst = AppendInt64(dst, int64(s.Mzxid))
	dst = AppendInt64(dst, s.Ctime)
	dst = AppendInt64(dst, s.Mtime)
	dst = AppendInt32(dst, s.Version)
	dst = AppendInt32(dst, s.Cversion)
	dst = AppendInt32(dst, s.Aversion)
	dst = AppendInt64(dst, int64(s.EphemeralOwner))
	dst = AppendInt32(dst, s.DataLength)
	dst = AppendInt32(dst, s.NumChildren)
	return AppendInt64(dst, int64(s.Pzxid))
}

// Stat reads a Stat.
func (r *Reader) Stat() zk.Stat {
	return zk.Stat{
		Czxid:          zk.Zxid(r.Int64()),
		Mzxid:          zk.Zxid(r.Int64()),
		Ctime:          r.Int64(),
		Mtime:          r.Int64(),
		Version:        r.Int32(),
		Cversion:       r.Int32(),
		Aversion:       r.Int32(),
		EphemeralOwner: zk.SessionID(r.Int64()),
		DataLength:     r.Int32(),
		NumChildren:    r.Int32(),
		Pzxid:          zk.Zxid(r.Int64()),
	}
}

// AppendStatPersisted appends the 60 bytes of a StatPersisted (disk.md 4.2).
func AppendStatPersisted(dst []byte, s zk.StatPersisted) []byte {
	dst = AppendInt64(dst, int64(s.Czxid))
	dst = AppendInt64(dst, int64(s.Mzxid))
	dst = AppendInt64(dst, s.Ctime)
	dst = AppendInt64(dst, s.Mtime)
	dst = AppendInt32(dst, s.Version)
	dst = AppendInt32(dst, s.Creates)
	dst = AppendInt32(dst, s.Aversion)
	dst = AppendInt64(dst, int64(s.Owner))
	return AppendInt64(dst, int64(s.Pzxid))
}

// StatPersisted reads a StatPersisted.
func (r *Reader) StatPersisted() zk.StatPersisted {
	return zk.StatPersisted{
		Czxid:    zk.Zxid(r.Int64()),
		Mzxid:    zk.Zxid(r.Int64()),
		Ctime:    r.Int64(),
		Mtime:    r.Int64(),
		Version:  r.Int32(),
		Creates:  r.Int32(),
		Aversion: r.Int32(),
		Owner:    zk.Owner(r.Int64()),
		Pzxid:    zk.Zxid(r.Int64()),
	}
}
