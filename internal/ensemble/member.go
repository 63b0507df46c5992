package ensemble

import (
	"fmt"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// serverKey begins the key of a server line.
const serverKey = "server."

// ParseMember reads one server line (quorum.md 1.2). The key is server.N. The roles
// that several addresses give must agree.
func ParseMember(key, value string) (Member, error) {
	id, err := parseID(key, serverKey)
	if err != nil {
		return Member{}, err
	}
	m := Member{ID: id}
	addrs, client, hasClient := strings.Cut(value, ";")
	if hasClient {
		if m.ClientAddr, err = parseClientAddr(client); err != nil {
			return Member{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	var pairs []addrPair
	for i, text := range strings.Split(addrs, "|") {
		pair, role, err := parseServerAddr(text)
		if err != nil {
			return Member{}, fmt.Errorf("%s: %w", key, err)
		}
		if i > 0 && role != m.Role {
			return Member{}, fmt.Errorf("%s: its addresses have different roles", key)
		}
		m.Role = role
		pairs = append(pairs, pair)
	}
	if err := m.setAddrs(pairs); err != nil {
		return Member{}, fmt.Errorf("%s: %w", key, err)
	}
	return m, nil
}

// parseID reads the number at the end of a key such as server.3.
func parseID(key, prefix string) (zk.ServerID, error) {
	digits, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return 0, fmt.Errorf("%q does not begin with %s", key, prefix)
	}
	id, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || id < 0 {
		// A negative id would read as a protocol version on the election port
		// (quorum.md 1.1).
		return 0, fmt.Errorf("%q does not end in the number of a server", key)
	}
	return zk.ServerID(id), nil
}

// parseServerAddr reads host:quorumPort:electionPort[:role].
func parseServerAddr(text string) (pair addrPair, role Role, err error) {
	parts := splitAddr(strings.TrimSpace(text))
	if len(parts) < 3 || len(parts) > 4 {
		return pair, role, fmt.Errorf("address %q is not host:port:port or host:port:port:role", text)
	}
	for _, port := range parts[1:3] {
		if err := checkPort(port); err != nil {
			return pair, role, err
		}
	}
	if parts[0] == "" {
		return pair, role, fmt.Errorf("address %q has no host", text)
	}
	if parts[1] == parts[2] {
		return pair, role, fmt.Errorf("address %q has one port for quorum and election", text)
	}
	if len(parts) == 4 {
		switch strings.ToLower(strings.TrimSpace(parts[3])) {
		case "participant":
		case "observer":
			role = Observer
		default:
			return pair, role, fmt.Errorf("%q is neither participant nor observer", parts[3])
		}
	}
	return addrPair{parts[0], parts[1], parts[2]}, role, nil
}

// parseClientAddr reads [host:]port; without a host it is the wildcard.
func parseClientAddr(text string) (string, error) {
	parts := splitAddr(strings.TrimSpace(text))
	if len(parts) > 2 || strings.Contains(text, ";") {
		return "", fmt.Errorf("client address %q is not host:port or port", text)
	}
	if err := checkPort(parts[len(parts)-1]); err != nil {
		return "", err
	}
	if len(parts) == 1 {
		return "0.0.0.0:" + parts[0], nil
	}
	if parts[0] == "" {
		return "", fmt.Errorf("client address %q has no host", text)
	}
	return text, nil
}

// splitAddr cuts at colons, except inside the brackets of an IPv6 host.
func splitAddr(text string) []string {
	if end := strings.IndexByte(text, ']'); strings.HasPrefix(text, "[") && end > 0 {
		return append([]string{text[:end+1]}, strings.Split(strings.TrimPrefix(text[end+1:], ":"), ":")...)
	}
	return strings.Split(text, ":")
}

// checkPort accepts what a port may be.
func checkPort(text string) error {
	if n, err := strconv.ParseUint(text, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q is not a port", text)
	}
	return nil
}

// String is the member's line without its key (quorum.md 1.2). The client
// address is in it only if the line it came from had one.
func (m Member) String() string {
	var b strings.Builder
	b.WriteString(m.addrText())
	if m.Role == Observer {
		b.WriteString(":observer")
	} else {
		b.WriteString(":participant")
	}
	if m.ClientAddr != "" {
		b.WriteByte(';')
		b.WriteString(m.ClientAddr)
	}
	return b.String()
}
