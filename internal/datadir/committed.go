package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"ostler/internal/env"
	"ostler/internal/zk"
)

// committedName is the file that says up to where the history is known to be
// committed, in hex. Other servers' tools and ZooKeeper ignore it.
const committedName = "committed"

// SetCommitted records that the history up to z is committed: after a restart
// without a leader, nothing behind it may be shown to clients (quorum.md R25). It has
// to come before a snapshot of z, which else looks like a leader's.
func (d *Dir) SetCommitted(z zk.Zxid) error {
	name := d.snapDir + "/" + committedName
	if err := env.WriteFileAtomic(d.fs, name, strconv.AppendInt(nil, int64(z), 16)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// committed returns what SetCommitted recorded, 0 if there is nothing. What cannot
// be read is the same as nothing: less is known than could be.
func (d *Dir) committed() (zk.Zxid, error) {
	b, err := env.ReadFile(d.fs, d.snapDir+"/"+committedName, smallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	z, err := strconv.ParseInt(string(b), 16, 64)
	if err != nil || z < 0 {
		return 0, nil
	}
	return zk.Zxid(z), nil
}
