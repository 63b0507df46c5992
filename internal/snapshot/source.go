package snapshot

import "ostler/internal/zk"

// A Node is one znode of a snapshot. Path "" is the root.
type Node struct {
	Path string
	Data []byte // nil is null, which differs from empty
	ACL  []zk.ACL
	Stat zk.StatPersisted
}

// A Source is what a snapshot is written from: the state at one zxid.
type Source interface {
	Zxid() zk.Zxid
	// Digest is the digest of the tree (disk.md 7.2).
	Digest() uint64
	Sessions() map[zk.SessionID]int32 // timeouts in ms
	// Walk calls f for every node, parents first, until f fails. The node is only
	// valid during the call.
	Walk(f func(n *Node) error) error
}

// A Sink is what a snapshot is read into. The node's Data and ACL may be kept
// but not changed; the Node itself is only valid during the call.
type Sink interface {
	Session(id zk.SessionID, timeout int32)
	Node(n *Node) error
}

// An Info is what the sections behind the tree say (disk.md 4.3).
type Info struct {
	Zxid       zk.Zxid // of the file's name
	DigestZxid zk.Zxid // the transaction that Digest belongs to; 0: none was applied
	Digest     uint64
	HasDigest  bool
	LastZxid   zk.Zxid // the last transaction applied when the file was finished
	HasLast    bool
}
