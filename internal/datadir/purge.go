package datadir

import (
	"errors"
	"fmt"
	"slices"

	"ostler/internal/snapshot"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// RetainMin is the fewest snapshots that a purge keeps (disk.md section 8).
const RetainMin = 3

// Purge removes snapshots and logs that are older than the retain newest snapshots
// need. These are read back first, with all their seals; as long as there are not so
// many, nothing is removed.
func (d *Dir) Purge(retain int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.loaded {
		return errors.New("purge: the data has not been loaded")
	}
	snaps, _, err := snapshot.Files(d.fs, d.snapDir)
	if err != nil {
		return err
	}
	oldest, ok := d.oldestKept(snaps, max(retain, RetainMin))
	if !ok {
		return nil
	}
	if err := d.purgeLogs(oldest); err != nil {
		return err
	}
	for _, f := range snaps {
		if f.Zxid >= oldest {
			break
		}
		if err := d.fs.Remove(d.snapDir + "/" + f.Name); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	if err := d.fs.SyncDir(d.snapDir); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}

// oldestKept returns the zxid of the oldest of the retain newest intact snapshots.
func (d *Dir) oldestKept(snaps []snapshot.File, retain int) (zk.Zxid, bool) {
	if len(snaps) <= retain {
		return 0, false
	}
	for _, f := range slices.Backward(snaps) {
		if err := snapshot.Verify(d.fs, d.snapDir, f.Name); err != nil {
			d.warn("snapshot is damaged; older ones are kept in its place", "file", f.Name, "err", err)
			continue
		}
		if retain--; retain == 0 {
			return f.Zxid, true
		}
	}
	return 0, false
}

// purgeLogs removes logs that hold nothing above oldest, from the oldest on: what
// remains is a run without a hole at every moment.
func (d *Dir) purgeLogs(oldest zk.Zxid) error {
	logs, _, err := txnlog.Files(d.fs, d.logDir)
	if err != nil {
		return err
	}
	for len(logs) > 1 && logs[1].Zxid <= oldest {
		if err := d.fs.Remove(d.logDir + "/" + logs[0].Name); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
		if err := d.fs.SyncDir(d.logDir); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
		logs = logs[1:]
	}
	return nil
}
