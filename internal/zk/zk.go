// Package zk is the vocabulary of Ostler: the numbers, names and codes that
// every other package speaks in. It holds no mechanism.
package zk

import "fmt"

// A Zxid orders every change ever made to an ensemble: the epoch of the leader
// that proposed it in the high 32 bits, its place in that epoch in the low 32.
type Zxid int64

// MakeZxid builds the zxid with the given epoch and counter.
func MakeZxid(epoch Epoch, counter uint32) Zxid {
	return Zxid(int64(epoch)<<32 | int64(counter))
}

// Epoch returns the epoch of the leader that proposed z.
func (z Zxid) Epoch() Epoch { return Epoch(z >> 32) }

// Counter returns the place of z in its epoch; the first transaction has 1.
func (z Zxid) Counter() uint32 { return uint32(z) }

// Follows reports whether a transaction z may come directly after prev in a
// history: the next counter of the same epoch, or the first of a later one
// (disk.md R-15).
func (z Zxid) Follows(prev Zxid) bool {
	if z.Epoch() == prev.Epoch() {
		return z == prev+1
	}
	return z.Epoch() > prev.Epoch() && z.Counter() == 1
}

// String formats z as ZooKeeper prints it, 0x and lower-case hex.
func (z Zxid) String() string { return fmt.Sprintf("0x%x", uint64(z)) }

// An Epoch numbers the reigns of leaders. It is 32 bits wide on the wire;
// -1 is the epoch of an untrusted empty server (quorum.md 4.4).
type Epoch int64

// EpochMax is the last epoch a leader may take (quorum.md R13).
const EpochMax Epoch = 0x7fffffff

// A SessionID names a session; the top byte is the id of the server that made
// it (client-protocol.md 2.5).
type SessionID int64

// String formats s as ZooKeeper prints it, 0x and lower-case hex.
func (s SessionID) String() string { return fmt.Sprintf("0x%x", uint64(s)) }

// Server returns the low byte of the id of the server that made s.
func (s SessionID) Server() ServerID { return ServerID(uint64(s) >> 56) }

// A ServerID is the myid of a member of an ensemble.
type ServerID int64

// An ID is one identity: of a connection, or in an ACL entry.
type ID struct {
	Scheme string
	ID     string
}

// A Perm is a set of permission bits (client-protocol.md 7.1).
type Perm int32

// The permission bits.
const (
	PermRead   Perm = 1
	PermWrite  Perm = 2
	PermCreate Perm = 4
	PermDelete Perm = 8
	PermAdmin  Perm = 16
	PermAll    Perm = 31
)

// An ACL is one entry of a node's access list.
type ACL struct {
	Perms Perm
	ID    ID
}

// WorldAnyone is the identity that everyone has.
var WorldAnyone = ID{Scheme: "world", ID: "anyone"}

// OpenACL returns world:anyone:cdrwa, the list that leaves a node open to all.
func OpenACL() []ACL { return []ACL{{Perms: PermAll, ID: WorldAnyone}} }

// A Stat is a node's numbers as a client sees them (client-protocol.md 4.1).
// Times are milliseconds since 1970.
type Stat struct {
	Czxid          Zxid
	Mzxid          Zxid
	Ctime          int64
	Mtime          int64
	Version        int32
	Cversion       int32
	Aversion       int32
	EphemeralOwner SessionID
	DataLength     int32
	NumChildren    int32
	Pzxid          Zxid
}
