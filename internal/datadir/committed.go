package datadir

import (
	"strconv"

	"ostler/internal/zk"
)

// committedName is the file that says up to where the history is known to be
// committed, in hex. Other servers' tools and ZooKeeper ignore it.
const committedName = "committed"

// SetCommitted records that the history up to z is committed: after a restart
// without a leader, nothing behind it may be shown to clients (quorum.md R25). It has
// to come before a snapshot of z, which else looks like a leader's.
func (d *Dir) SetCommitted(z zk.Zxid) error {
	return d.writeNote(committedName, strconv.AppendInt(nil, int64(z), 16))
}

// committed returns what SetCommitted recorded, 0 if there is nothing. What cannot
// be read is the same as nothing: less is known than could be.
func (d *Dir) committed() (zk.Zxid, error) {
	b, err := d.readNote(committedName, smallFile)
	if b == nil || err != nil {
		return 0, err
	}
	z, err := strconv.ParseInt(string(b), 16, 64)
	if err != nil || z < 0 {
		return 0, nil
	}
	return zk.Zxid(z), nil
}
