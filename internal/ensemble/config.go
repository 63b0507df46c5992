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
	QuorumAddr   Addrs
	ElectionAddr Addrs
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
	// Next is a configuration that was proposed and is not known to be committed:
	// until it is, or is given up, whatever needs a quorum needs one of each, and
	// the voters are those of both (quorum.md R14). Text leaves it out.
	Next *Config
}

// With returns c with a configuration proposed behind it, or with none.
func (c *Config) With(next *Config) *Config {
	joint := *c
	joint.Next = next
	return &joint
}

// WithVersion returns the members of c in another version, with none behind it.
func (c *Config) WithVersion(version int64) *Config {
	other := *c
	other.Version, other.Next = version, nil
	return &other
}

// Newest returns the configuration proposed behind c, or else c.
func (c *Config) Newest() *Config {
	if c.Next != nil {
		return c.Next
	}
	return c
}
