package auth

import (
	"net/netip"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// An ipScheme knows connections by their address (client-protocol.md 7.6).
type ipScheme struct{}

func (ipScheme) login(r loginRequest) ([]zk.ID, error) { return []zk.ID{IPID(r.remote)}, nil }

func (ipScheme) validID(expr string) bool {
	_, ok := parseRange(expr)
	return ok
}

func (ipScheme) matches(id, expr string) bool {
	r, ok := parseRange(expr)
	if !ok {
		return false
	}
	addr, ok := parseAddress(id)
	return ok && r.contains(&addr)
}

func (ipScheme) authenticated() bool   { return false }
func (ipScheme) user(id string) string { return id }

// IPID returns the identity that a connection from addr starts with: dotted
// IPv4, or IPv6 in full groups without leading zeros (client-protocol.md 7.5).
func IPID(addr netip.Addr) zk.ID {
	addr = addr.Unmap()
	if !addr.Is6() {
		return zk.ID{Scheme: schemeIP, ID: addr.String()}
	}
	b := addr.As16()
	text := make([]byte, 0, 40)
	for i := 0; i < len(b); i += 2 {
		if i > 0 {
			text = append(text, ':')
		}
		text = strconv.AppendUint(text, uint64(b[i])<<8|uint64(b[i+1]), 16)
	}
	if zone := addr.Zone(); zone != "" {
		text = append(append(text, '%'), zone...)
	}
	return zk.ID{Scheme: schemeIP, ID: string(text)}
}

// An address is an IPv4 or IPv6 address in bytes. The texts that access lists
// may hold are not quite those of netip (leading zeros are fine, embedded IPv4
// is not), so they are read here, without allocating.
type address struct {
	bytes [16]byte
	n     int // 4 or 16
}

// An ipRange is the addresses that agree with one in its first bits.
type ipRange struct {
	address
	bits int
}

// parseRange reads address or address/bits.
func parseRange(expr string) (ipRange, bool) {
	text, suffix, hasBits := strings.Cut(expr, "/")
	addr, ok := parseAddress(text)
	if !ok {
		return ipRange{}, false
	}
	r := ipRange{address: addr, bits: addr.n * 8}
	if hasBits {
		bits, ok := parseNumber(suffix, r.bits)
		if !ok {
			return ipRange{}, false
		}
		r.bits = bits
	}
	return r, true
}

// contains reports whether addr is of the same family and agrees in the bits.
func (r *ipRange) contains(addr *address) bool {
	if addr.n != r.n {
		return false
	}
	whole := r.bits / 8
	for i := range whole {
		if addr.bytes[i] != r.bytes[i] {
			return false
		}
	}
	rest := r.bits % 8
	return rest == 0 || (addr.bytes[whole]^r.bytes[whole])>>(8-rest) == 0
}

func parseAddress(s string) (address, bool) {
	switch {
	case strings.IndexByte(s, ':') >= 0:
		return parseIPv6(s)
	case strings.IndexByte(s, '.') >= 0:
		return parseIPv4(s)
	}
	return address{}, false
}

// parseNumber reads a decimal number from 0 to limit.
func parseNumber(s string, limit int) (int, bool) {
	if s == "" {
		return 0, false
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		if n = n*10 + int(s[i]-'0'); n > limit {
			return 0, false
		}
	}
	return n, true
}

func parseIPv4(s string) (address, bool) {
	a := address{n: 4}
	for i := range 4 {
		part, rest, more := strings.Cut(s, ".")
		n, ok := parseNumber(part, 255)
		if !ok || more != (i < 3) {
			return address{}, false
		}
		a.bytes[i] = byte(n)
		s = rest
	}
	return a, true
}

// parseIPv6 reads groups of hex digits; at most one "::" stands for one group of
// zeros or more.
func parseIPv6(s string) (address, bool) {
	front, back, short := strings.Cut(s, "::")
	if short && strings.Contains(back, "::") {
		return address{}, false
	}
	var head, tail [16]byte
	n, ok := parseGroups(head[:0], front, short)
	if !ok {
		return address{}, false
	}
	if !short {
		return address{bytes: head, n: 16}, n == 16
	}
	m, ok := parseGroups(tail[:0], back, true)
	if !ok || n+m > 14 {
		return address{}, false
	}
	copy(head[16-m:], tail[:m])
	return address{bytes: head, n: 16}, true
}

// parseGroups appends the groups of s to dst, which has room for eight, and
// returns the number of bytes; no group at all is allowed beside a "::".
func parseGroups(dst []byte, s string, mayBeEmpty bool) (int, bool) {
	if s == "" {
		return 0, mayBeEmpty
	}
	for more := true; more; {
		var group string
		group, s, more = strings.Cut(s, ":")
		v, ok := parseHex(group)
		if !ok || len(dst) == cap(dst) {
			return 0, false
		}
		dst = append(dst, byte(v>>8), byte(v))
	}
	return len(dst), true
}

func parseHex(s string) (uint16, bool) {
	if len(s) < 1 || len(s) > 4 {
		return 0, false
	}
	var v uint16
	for i := range len(s) {
		c := s[i] | 0x20
		switch {
		case s[i] >= '0' && s[i] <= '9':
			v = v<<4 | uint16(s[i]-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint16(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}
