package zk

// A StatPersisted is a node's numbers as they are stored (disk.md 4.2). Times
// are milliseconds since 1970. Creates is stored under the name cversion: the
// number of children ever created.
type StatPersisted struct {
	Czxid   Zxid
	Mzxid   Zxid
	Ctime   int64
	Mtime   int64
	Version int32
	Creates int32
	// Aversion counts changes of the ACL.
	Aversion int32
	// Owner is a session for an ephemeral, else an encoding of the node's
	// kind (client-protocol.md 4.3).
	Owner Owner
	Pzxid Zxid
}

// Client derives the Stat that clients see (client-protocol.md 4.1).
func (s StatPersisted) Client(dataLength, numChildren int) Stat {
	return Stat{
		Czxid:          s.Czxid,
		Mzxid:          s.Mzxid,
		Ctime:          s.Ctime,
		Mtime:          s.Mtime,
		Version:        s.Version,
		Cversion:       2*s.Creates - int32(numChildren),
		Aversion:       s.Aversion,
		EphemeralOwner: s.Owner.Session(),
		DataLength:     int32(dataLength),
		NumChildren:    int32(numChildren),
		Pzxid:          s.Pzxid,
	}
}

// An Owner is the 64 bits that a node stores as ephemeralOwner: 0 for a
// persistent node, a session id for an ephemeral, or a marked value for
// containers and TTL nodes (disk.md 6.3).
type Owner int64

// OwnerContainer marks a container node.
const OwnerContainer Owner = -1 << 63

const (
	ownerTTLMark int64 = -1 << 56 // top byte 0xff
	// TTLMax is the longest TTL, 2^40-1 ms.
	TTLMax int64 = 1<<40 - 1
)

// OwnerTTL returns the owner of a TTL node; ttl is in ms, 1..TTLMax.
func OwnerTTL(ttl int64) Owner { return Owner(ownerTTLMark | ttl&TTLMax) }

// TTL returns the TTL in ms when o marks a TTL node: top byte 0xff and bits
// 40-55 zero (disk.md R-17, so that they are recognised whatever the settings).
func (o Owner) TTL() (ttl int64, ok bool) {
	if int64(o)&^TTLMax != ownerTTLMark || int64(o)&TTLMax == 0 {
		return 0, false
	}
	return int64(o) & TTLMax, true
}

// Session returns the session that owns an ephemeral node, else 0.
func (o Owner) Session() SessionID {
	if o == OwnerContainer {
		return 0
	}
	if _, ok := o.TTL(); ok {
		return 0
	}
	return SessionID(o)
}
