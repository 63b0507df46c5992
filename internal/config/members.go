package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/zk"
)

// isMember reports whether a name belongs to the description of the ensemble.
func isMember(name string) bool {
	return strings.HasPrefix(name, "server.") && name != "server.realm" ||
		strings.HasPrefix(name, "group") || strings.HasPrefix(name, "weight")
}

// checkMembers reads the ensemble from zoo.cfg or from the file it names.
func (b *builder) checkMembers() error {
	switch p := strings.ToLower(b.peerType); p {
	case "", "participant", "observer":
	default:
		return fmt.Errorf("Unrecognised peertype: %s", b.peerType) //nolint:staticcheck // ZooKeeper's text.
	}
	lines, version := b.members, int64(0)
	if b.dynamicFile != "" {
		if len(lines) > 0 {
			return fmt.Errorf("parameter: %s must be in a separate dynamic config file", lines[0].Key)
		}
		var err error
		if lines, err = b.readDynamic(); err != nil {
			return fmt.Errorf("Error processing %s: %w", b.dynamicFile, err) //nolint:staticcheck // ZooKeeper's text.
		}
		version = dynamicVersion(b.dynamicFile)
	}
	if len(lines) == 0 {
		return nil
	}
	c, err := parseMembers(lines)
	if err != nil {
		return err
	}
	if id, ok := c.Multiple(); ok && !b.cfg.MultiAddress {
		return fmt.Errorf("Multiple address feature is disabled, but multiple addresses were specified for sid %d", id) //nolint:staticcheck // ZooKeeper's text.
	}
	c.Version = version
	b.cfg.Ensemble = c
	return nil
}

// readDynamic reads the dynamic file, which may hold nothing but the ensemble
// (operations.md 1.7).
func (b *builder) readDynamic() ([]Property, error) {
	text, err := env.ReadFile(b.loader.FS, b.dynamicFile, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s file is missing", b.dynamicFile)
	}
	if err != nil {
		return nil, err
	}
	lines, err := ParseProperties(text)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		l := &lines[i]
		l.Key, l.Value = trim(l.Key), trim(l.Value)
		switch {
		case l.Key == "version":
			return nil, errors.New("dynamic file shouldn't have version inside")
		case !isMember(l.Key):
			return nil, fmt.Errorf("Unrecognised parameter: %s", l.Key) //nolint:staticcheck // ZooKeeper's text.
		}
	}
	return lines, nil
}

// dynamicVersion is the hexadecimal text after the last dot of the name, else 0.
func dynamicVersion(name string) int64 {
	v, err := strconv.ParseInt(name[strings.LastIndexByte(name, '.')+1:], 16, 64)
	if err != nil {
		return 0
	}
	return v
}

// parseMembers makes a configuration of lines; the last of equal keys wins.
func parseMembers(lines []Property) (*ensemble.Config, error) {
	last := make(map[string]int, len(lines))
	for i, l := range lines {
		last[l.Key] = i
	}
	c := &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member)}
	for i, l := range lines {
		if last[l.Key] != i {
			continue
		}
		if err := addMember(c, l); err != nil {
			return nil, fmt.Errorf("line %d: %w", l.Line, err)
		}
	}
	return c, nil
}

func addMember(c *ensemble.Config, l Property) error {
	switch {
	case strings.HasPrefix(l.Key, "group"):
		return c.ParseGroup(l.Key, l.Value)
	case strings.HasPrefix(l.Key, "weight"):
		return c.ParseWeight(l.Key, l.Value)
	}
	m, err := ensemble.ParseMember(l.Key, l.Value)
	if err == nil {
		c.Members[m.ID] = m
	}
	return err
}
