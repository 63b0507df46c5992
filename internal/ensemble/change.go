package ensemble

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// Change returns the members of c without those in leaving and with those in
// joining, each a list separated by commas (quorum.md 5.3 step 6b). The error is a
// zk.Code.
func (c *Config) Change(joining, leaving string) (*Config, error) {
	if c.hierarchical() {
		return nil, zk.BadArguments
	}
	next := &Config{Members: maps.Clone(c.Members)}
	for _, text := range list(leaving) {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, zk.MarshallingError // as the reference, which fails inside
		}
		delete(next.Members, zk.ServerID(id))
	}
	for _, text := range list(joining) {
		if err := next.join(text); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// join adds or replaces a member, given as server.N=address with all three ports.
func (c *Config) join(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok || strings.Contains(value, "=") {
		return zk.BadArguments
	}
	digits := key[strings.LastIndexByte(key, '.')+1:]
	if _, err := strconv.ParseInt(digits, 10, 64); err != nil {
		return zk.MarshallingError
	}
	m, err := ParseMember(serverKey+digits, value)
	if err != nil || m.ClientAddr == "" {
		return zk.BadArguments
	}
	for id, other := range c.Members {
		if id != m.ID && m.clashes(other) {
			return zk.BadArguments
		}
	}
	c.Members[m.ID] = m
	return nil
}

// list cuts a list at commas; blanks around and empty parts do not count.
func list(text string) []string {
	var parts []string
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

// clashes reports whether two members have an address in common (quorum.md 1.2).
func (m Member) clashes(other Member) bool {
	theirs := other.allAddrs()
	return slices.ContainsFunc(m.allAddrs(), func(a string) bool { return !anywhere(a) && slices.Contains(theirs, a) })
}

// allAddrs lists the addresses of every port of a member.
func (m Member) allAddrs() []string {
	return append(append(m.QuorumAddr.List(), m.ElectionAddr.List()...), m.ClientAddr)
}

// anywhere reports whether an address may be that of more than one server: a
// loopback or wildcard address of another machine, or none.
func anywhere(addr string) bool {
	host := strings.Trim(addr[:max(strings.LastIndexByte(addr, ':'), 0)], "[]")
	if host == "" || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// ParseMembers reads a whole configuration from the lines of a request, which
// commas may separate too (quorum.md 5.3 step 6a). The error is a zk.Code.
func ParseMembers(text string) (*Config, error) {
	c, err := ParseConfig([]byte(strings.ReplaceAll(text, ",", "\n")))
	if err != nil {
		return nil, zk.BadArguments
	}
	return c.WithVersion(0), nil
}

// SameMembers reports whether two configurations have the same members, addresses,
// roles, groups and weights, whatever their versions (quorum.md 1.6).
func (c *Config) SameMembers(other *Config) bool {
	return maps.Equal(c.Members, other.Members) && maps.Equal(c.Groups, other.Groups) && maps.Equal(c.Weights, other.Weights)
}
