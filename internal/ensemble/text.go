package ensemble

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// textMax bounds a configuration text; it has to fit a notification (quorum.md 2.6).
const textMax = 512 << 10

// Text is the configuration as NEWLEADER, notifications and /zookeeper/config
// carry it (quorum.md 1.7), in ascending order of ids.
func (c *Config) Text() []byte {
	var b strings.Builder
	for _, id := range c.IDs() {
		fmt.Fprintf(&b, "server.%d=%s\n", id, c.Members[id])
	}
	groups := c.groupMembers()
	for _, gid := range slices.Sorted(maps.Keys(groups)) {
		ids := make([]string, 0, len(groups[gid]))
		for _, id := range groups[gid] {
			ids = append(ids, strconv.FormatInt(int64(id), 10))
		}
		fmt.Fprintf(&b, "group.%d=%s\n", gid, strings.Join(ids, ":"))
	}
	for _, id := range slices.Sorted(maps.Keys(c.Weights)) {
		fmt.Fprintf(&b, "weight.%d=%d\n", id, c.Weights[id])
	}
	fmt.Fprintf(&b, "version=%x", uint64(c.Version))
	return []byte(b.String())
}

// ParseConfig reads a configuration text (quorum.md 1.7).
func ParseConfig(text []byte) (*Config, error) {
	if len(text) > textMax {
		return nil, fmt.Errorf("configuration of %d bytes is longer than %d", len(text), textMax)
	}
	c := &Config{Members: make(map[zk.ServerID]Member)}
	for _, line := range strings.Split(string(text), "\n") {
		key, value := splitProperty(line)
		if key == "" {
			continue
		}
		if err := c.parseLine(key, value); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return c, nil
}

// parseLine adds what one line says. A later line for the same key wins.
func (c *Config) parseLine(key, value string) error {
	switch {
	case strings.HasPrefix(key, serverKey):
		m, err := ParseMember(key, value)
		if err != nil {
			return err
		}
		c.Members[m.ID] = m
	case strings.HasPrefix(key, "group"):
		return c.ParseGroup(key, value)
	case strings.HasPrefix(key, "weight"):
		return c.ParseWeight(key, value)
	case key == "version":
		v, err := strconv.ParseUint(value, 16, 64)
		if err != nil {
			return fmt.Errorf("version %q is not a hexadecimal number", value)
		}
		c.Version = int64(v)
	default:
		return fmt.Errorf("unknown key %q", key)
	}
	return nil
}

// ParseGroup adds a group line, group.G=sid:sid:… (quorum.md 1.4).
func (c *Config) ParseGroup(key, value string) error {
	gid, err := parseID(key, "group.")
	if err != nil {
		return err
	}
	if c.Groups == nil {
		c.Groups = make(map[zk.ServerID]int64)
	}
	for _, text := range strings.Split(value, ":") {
		id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: %q is not the number of a server", key, text)
		}
		if other, ok := c.Groups[zk.ServerID(id)]; ok && other != int64(gid) {
			return fmt.Errorf("server %d is in groups %d and %d", id, other, gid)
		}
		c.Groups[zk.ServerID(id)] = int64(gid)
	}
	return nil
}

// ParseWeight adds a weight line, weight.N=w (quorum.md 1.4).
func (c *Config) ParseWeight(key, value string) error {
	id, err := parseID(key, "weight.")
	if err != nil {
		return err
	}
	w, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
	if err != nil || w < 0 || w > weightMax {
		return fmt.Errorf("%s: %q is not a weight", key, value)
	}
	if c.Weights == nil {
		c.Weights = make(map[zk.ServerID]int64)
	}
	c.Weights[id] = w
	return nil
}

// Validate reports what makes c unusable as the configuration of an ensemble.
func (c *Config) Validate() error {
	voters := c.Voters()
	if len(voters) == 0 {
		return errors.New("no server is a participant")
	}
	if c.hierarchical() {
		for _, id := range voters {
			if _, ok := c.Groups[id]; !ok {
				return fmt.Errorf("server %d is in no group", id)
			}
		}
	}
	return nil
}

// splitProperty cuts a line into key and value as a properties file does: at the
// first unescaped =, : or blank (quorum.md 1.7). A comment has no key.
func splitProperty(line string) (key, value string) {
	line = strings.TrimLeft(strings.TrimRight(line, "\r"), " \t\f")
	if line == "" || line[0] == '#' || line[0] == '!' {
		return "", ""
	}
	at := 0
	for at < len(line) && !strings.ContainsRune("=: \t\f", rune(line[at])) {
		if line[at] == '\\' {
			at++
		}
		at++
	}
	at = min(at, len(line))
	value = strings.TrimLeft(line[at:], " \t\f")
	if value != "" && (value[0] == '=' || value[0] == ':') {
		value = strings.TrimLeft(value[1:], " \t\f")
	}
	return unescape(line[:at]), strings.TrimRight(unescape(value), " \t")
}

// unescape removes the backslashes that a properties writer puts before
// separators.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
