package ensemble

import "ostler/internal/zk"

// A Role is what a member is configured as.
type Role int

// The roles.
const (
	Participant Role = iota
	Observer
)

// A Member is one server line (quorum.md 1.2).
type Member struct {
	ID           zk.ServerID
	QuorumAddr   string // host:port, the first of several
	ElectionAddr string // host:port
	ClientAddr   string // host:port, "" when the line has none
	Role         Role
}

// A Config is one configuration of an ensemble. It is never changed once it
// is shared.
type Config struct {
	Version int64 // zxid of the reconfiguration that made it, 0 at first
	Members map[zk.ServerID]Member
	// Groups and Weights are set for a hierarchical quorum (quorum.md 1.4).
	Groups  map[zk.ServerID]int64
	Weights map[zk.ServerID]int64
}
