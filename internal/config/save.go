package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/zk"
)

// SaveMembers writes a configuration that has come into force beside the
// configuration file, as ZooKeeper does (quorum.md 5.6): a dynamic file whose name
// carries the version, and the file itself without what the dynamic one says. Its
// other lines stay as they are. A copy of the file as it was before the first time is
// kept with the suffix .bak.
func SaveMembers(fsys env.FS, file string, c *ensemble.Config, self zk.ServerID) error {
	text, err := env.ReadFile(fsys, file, maxFile)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	if err := keepOriginal(fsys, file, text); err != nil {
		return fmt.Errorf("keep the original configuration: %w", err)
	}
	dynamic := fmt.Sprintf("%s.dynamic.%x", file, uint64(c.Version))
	if err := env.WriteFileAtomic(fsys, dynamic, dynamicText(c)); err != nil {
		return fmt.Errorf("write dynamic configuration: %w", err)
	}
	static := withoutMembers(text, c.Members[self].ClientAddr != "")
	static = fmt.Appendf(static, "dynamicConfigFile=%s\n", dynamic)
	if err := env.WriteFileAtomic(fsys, file, static); err != nil {
		return fmt.Errorf("rewrite configuration: %w", err)
	}
	return nil
}

func keepOriginal(fsys env.FS, file string, text []byte) error {
	_, err := fsys.Stat(file + ".bak")
	if !errors.Is(err, fs.ErrNotExist) || bytes.Contains(text, []byte("dynamicConfigFile")) {
		return err
	}
	return env.WriteFileAtomic(fsys, file+".bak", text)
}

// dynamicText is the text of a configuration without its version, in lines sorted as
// strings, without a line end behind the last.
func dynamicText(c *ensemble.Config) []byte {
	lines := strings.Split(string(c.Text()), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "version=") })
	slices.Sort(lines)
	return []byte(strings.Join(lines, "\n"))
}

// withoutMembers drops the lines of a configuration file that a dynamic file takes
// the place of.
func withoutMembers(text []byte, client bool) []byte {
	var kept []byte
	for _, line := range strings.SplitAfter(string(text), "\n") {
		key := strings.TrimLeft(line, " \t\f")
		key = key[:keyEnd(key)]
		switch {
		case isMember(key), key == "dynamicConfigFile", key == "peerType":
		case client && (key == "clientPort" || key == "clientPortAddress"):
		default:
			kept = append(kept, line...)
		}
	}
	if len(kept) > 0 && kept[len(kept)-1] != '\n' {
		kept = append(kept, '\n')
	}
	return kept
}

// keyEnd is where the key of a line ends.
func keyEnd(line string) int {
	if i := strings.IndexAny(line, "=: \t\r\n"); i >= 0 {
		return i
	}
	return len(line)
}

// ClientAddrOf is where the client port of a member is bound, "" when its line does
// not say.
func ClientAddrOf(m ensemble.Member) string {
	if m.ClientAddr == "" {
		return ""
	}
	return joinHostPort(splitAddr(m.ClientAddr))
}
