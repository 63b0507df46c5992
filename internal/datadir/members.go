package datadir

import (
	"errors"
	"fmt"
	"io/fs"

	"ostler/internal/env"
)

const (
	// membersName is the file with the newest configuration that was in force here.
	// ZooKeeper keeps that beside its configuration file alone, and ignores this one.
	membersName = "members"
	membersMax  = 1 << 20
)

// SetMembers records durably the text of a configuration that is in force, before
// anything that needs it is committed (INV-C3).
func (d *Dir) SetMembers(text []byte) error {
	name := d.snapDir + "/" + membersName
	if err := env.WriteFileAtomic(d.fs, name, text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Members returns what SetMembers recorded, nil if there is nothing.
func (d *Dir) Members() ([]byte, error) {
	text, err := env.ReadFile(d.fs, d.snapDir+"/"+membersName, membersMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
