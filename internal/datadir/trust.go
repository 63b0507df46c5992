package datadir

import (
	"errors"
	"fmt"
	"io/fs"
)

// untrustedName is the file that says that this server was empty, or lost the end
// of its log, and has not been brought up to date since. Other servers' tools and
// ZooKeeper ignore it.
const untrustedName = "untrusted"

// SetUntrusted records durably that what is in the directory may be less than what
// this server once acknowledged, so that it does not count in a quorum, even
// after a restart in the middle of being brought up to date (quorum.md R15).
func (d *Dir) SetUntrusted() error {
	return d.writeNote(untrustedName, nil)
}

// SetTrusted takes SetUntrusted back, once the history of an epoch is whole.
func (d *Dir) SetTrusted() error {
	err := d.fs.Remove(d.snapDir + "/" + untrustedName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.fs.SyncDir(d.snapDir)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", untrustedName, err)
	}
	return nil
}

// untrusted reports whether SetUntrusted was called and not taken back.
func (d *Dir) untrusted() (bool, error) {
	_, err := d.fs.Stat(d.snapDir + "/" + untrustedName)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
