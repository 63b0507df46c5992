// Package txn holds transactions: what a leader proposes, every server logs and
// applies (disk.md section 3). The bytes of a transaction are the same in the
// log, in a PROPOSAL and in an INFORM (invariant INV-X12).
package txn

import "ostler/internal/zk"

// A Header says who asked for a transaction, and its place in history.
type Header struct {
	Session zk.SessionID // 0 for container and TTL deletions
	Cxid    int32        // the client's xid of the request
	Zxid    zk.Zxid
	Time    int64 // ms since 1970, wall clock of the leader that prepared it
	Type    zk.OpCode
}

// A Txn is a decoded transaction.
type Txn struct {
	Header
	Body   Body    // never nil after Decode
	Digest *Digest // nil when the transaction carries none
}

// A Digest is the digest of the whole tree after a transaction (disk.md 3.7).
type Digest struct {
	Version int32 // DigestVersion, or another that is not compared
	Tree    uint64
}

// DigestVersion is the version of digest that Ostler computes (disk.md 7.3).
const DigestVersion = 2

// A Record is a transaction with the bytes it has on disk and on the wire. Neither
// may be changed once it is shared.
type Record struct {
	Txn
	Bytes []byte // header, body, digest
}

// A Body is one of the pointer types below.
type Body interface{ append(dst []byte) []byte }

type (
	// CreateSession begins a session. Type createSession.
	CreateSession struct{ Timeout int32 } // ms

	// CloseSession ends a session and its ephemerals. Type closeSession.
	CloseSession struct {
		Paths    []string // the session's ephemerals at prepare time
		HasPaths bool     // false in logs written without closeSessionTxn
	}

	// Create makes a node. Types create, create2 (also for old V0 records).
	Create struct {
		Path          string
		Data          []byte // nil is null, which differs from empty
		ACL           []zk.ACL
		Ephemeral     bool
		ParentCreates int32 // the parent's creates after this one; -1: one more
	}

	// CreateContainer makes a container node.
	CreateContainer struct {
		Path          string
		Data          []byte
		ACL           []zk.ACL
		ParentCreates int32
	}

	// CreateTTL makes a node with a time to live in ms.
	CreateTTL struct {
		Path          string
		Data          []byte
		ACL           []zk.ACL
		ParentCreates int32
		TTL           int64
	}

	// Delete removes a node. Types delete, deleteContainer.
	Delete struct{ Path string }

	// SetData replaces a node's data. Types setData, reconfig.
	SetData struct {
		Path    string
		Data    []byte
		Version int32 // the new version
	}

	// SetACL replaces a node's access list.
	SetACL struct {
		Path    string
		ACL     []zk.ACL
		Version int32 // the new aversion
	}

	// Check compares a version; legal only inside a multi.
	Check struct {
		Path    string
		Version int32
	}

	// Error is a write that was refused; it spends a zxid.
	Error struct{ Code zk.Code }

	// Multi is a list of operations with one zxid. If any is an Error, nothing
	// is applied.
	Multi struct{ Ops []Op }

	// An Op is one operation of a Multi.
	Op struct {
		Type zk.OpCode
		Body Body // Create, CreateContainer, CreateTTL, Delete, SetData, Check or Error
	}
)

// Failed reports whether m holds an error, so that nothing of it is applied.
func (m *Multi) Failed() bool {
	for _, op := range m.Ops {
		if op.Type == zk.OpError {
			return true
		}
	}
	return false
}
