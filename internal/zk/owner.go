package zk

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
func (o Owner) Session() SessionID { return Owners{}.Session(o) }

// LooksTTL353 reports whether o could be the owner of a TTL node of ZooKeeper
// 3.5.3, rather than a session: the top byte is 0x80 and bits 40-55, where a
// session id of server 128 has the clock, are zero.
func (o Owner) LooksTTL353() bool {
	return o != OwnerContainer && int64(o)&^TTLMax == int64(OwnerContainer)
}

// Owners is how a server reads owners. The zero value is right for all data but
// that of ZooKeeper 3.5.3.
type Owners struct {
	// TTL353 takes every negative owner but that of a container for a TTL node
	// (emulate353TTLNodes, with extendedTypesEnabled).
	TTL353 bool
}

// TTL returns the TTL in ms when o marks a TTL node. One of 3.5.3 may have 0, and
// then never ends: its TTL is cut to the bits that today's have.
func (k Owners) TTL(o Owner) (ttl int64, ok bool) {
	if ttl, ok = o.TTL(); ok || !k.TTL353 || o >= 0 || o == OwnerContainer {
		return ttl, ok
	}
	return int64(o) & TTLMax, true
}

// Session returns the session that owns an ephemeral node, else 0.
func (k Owners) Session(o Owner) SessionID {
	if o == OwnerContainer {
		return 0
	}
	if _, ok := k.TTL(o); ok {
		return 0
	}
	return SessionID(o)
}
