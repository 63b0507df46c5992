package ensemble

import (
	"fmt"
	"slices"
	"strings"

	"ostler/internal/zk"
)

// addrsMax bounds the addresses of a member, in bytes: they have to fit an initial
// message on the election port (quorum.md 2.3).
const addrsMax = 2048

// Addrs are the addresses of one port of a member, each host:port, in ascending order
// and separated by | (quorum.md 1.9). It can be compared.
type Addrs string

// List returns the addresses one by one; none for "".
func (a Addrs) List() []string {
	if a == "" {
		return nil
	}
	return strings.Split(string(a), "|")
}

// First returns the first address, for those who can use only one.
func (a Addrs) First() string {
	first, _, _ := strings.Cut(string(a), "|")
	return first
}

// An addrPair is one of a member's addresses: a host with both ports.
type addrPair struct{ host, quorum, election string }

func (p addrPair) compare(q addrPair) int {
	if c := strings.Compare(p.host, q.host); c != 0 {
		return c
	}
	return strings.Compare(p.quorum, q.quorum)
}

// setAddrs takes the addresses of a member's line, which may come in any order.
func (m *Member) setAddrs(pairs []addrPair) error {
	slices.SortFunc(pairs, addrPair.compare)
	var quorum, election []string
	for _, p := range pairs {
		quorum, election = append(quorum, p.host+":"+p.quorum), append(election, p.host+":"+p.election)
	}
	for _, list := range [...][]string{quorum, election} {
		for i, a := range list {
			if slices.Contains(list[:i], a) {
				return fmt.Errorf("address %s is there twice", a)
			}
		}
	}
	m.QuorumAddr, m.ElectionAddr = Addrs(strings.Join(quorum, "|")), Addrs(strings.Join(election, "|"))
	if len(m.QuorumAddr) > addrsMax || len(m.ElectionAddr) > addrsMax {
		return fmt.Errorf("its addresses are longer than %d bytes", addrsMax)
	}
	return nil
}

// Multiple reports whether a member has several addresses.
func (m Member) Multiple() bool { return strings.Contains(string(m.QuorumAddr), "|") }

// Multiple reports whether a member has several addresses, and which is the first.
func (c *Config) Multiple() (id zk.ServerID, ok bool) {
	for _, id := range c.IDs() {
		if c.Members[id].Multiple() {
			return id, true
		}
	}
	return 0, false
}

// addrText is the part of a member's line with its addresses.
func (m Member) addrText() string {
	election := m.ElectionAddr.List()
	var b strings.Builder
	for i, quorum := range m.QuorumAddr.List() {
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(quorum)
		b.WriteString(election[i][strings.LastIndexByte(election[i], ':'):])
	}
	return b.String()
}
