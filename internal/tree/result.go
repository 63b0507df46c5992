package tree

import "ostler/internal/zk"

// A ChangeKind says what became of a node.
type ChangeKind int

// The kinds of change that a watch can see.
const (
	Created ChangeKind = iota + 1
	Deleted
	DataChanged
)

// A Change is one node that a transaction changed (client-protocol.md 8.3).
type Change struct {
	Kind         ChangeKind
	Path, Parent string
	Zxid         zk.Zxid
	ACL          []zk.ACL // of the node; the deleted node's when it is gone
	ParentACL    []zk.ACL
}

// A Result is what a transaction did, for the reply to who asked for it.
type Result struct {
	Code  zk.Code
	Path  string  // create
	Stat  zk.Stat // create, setData, setACL: after the transaction
	Multi []OpResult
	// DigestMismatch: the tree is not what the leader's was.
	DigestMismatch bool
}

// An OpResult is the result of one operation of a multi. Of one that failed as a
// whole every Op is zk.OpError.
type OpResult struct {
	Op   zk.OpCode
	Code zk.Code
	Path string
	Stat zk.Stat
}
