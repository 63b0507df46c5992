package datadir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"ostler/internal/env"
	"ostler/internal/snapshot"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// InitFresh writes the first snapshot of an empty database.
func (d *Dir) InitFresh(src snapshot.Source) error { return d.Snapshot(src) }

// Snapshot writes a snapshot of the present history. If the history is switched
// meanwhile, it is dropped: ErrSuperseded.
func (d *Dir) Snapshot(src snapshot.Source) error {
	d.mu.Lock()
	generation := d.generation
	d.mu.Unlock()
	if _, ok, err := snapshot.Intact(d.fs, d.snapDir, src.Zxid()); ok || err != nil {
		return err
	}
	t, err := snapshot.WriteTemp(d.fs, d.snapDir, src, d.snapshotOptions())
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation != generation {
		t.Discard(d.fs, d.snapDir)
		return fmt.Errorf("snapshot at %v: %w", src.Zxid(), ErrSuperseded)
	}
	return t.Publish(d.fs, d.snapDir)
}

// Truncate makes the history end with the last transaction that is not above to, and
// returns it. Snapshots above are set aside first, then the log is cut from its end
// backwards (R-28, quorum.md R3). The log must not be open for writing.
func (d *Dir) Truncate(to zk.Zxid) (last zk.Zxid, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	snaps, _, err := snapshot.Files(d.fs, d.snapDir)
	if err != nil {
		return 0, err
	}
	last, err = d.reach(snaps, to)
	if err != nil {
		return 0, fmt.Errorf("truncate to %v: %w", to, err)
	}
	d.generation++
	q := d.quarantine(fmt.Sprintf("the history was truncated to %v", to))
	for _, f := range slices.Backward(snaps) {
		if f.Zxid > to {
			if err := q.move(d.snapDir, f.Name); err != nil {
				return 0, err
			}
		}
	}
	if err := q.settle(); err != nil {
		return 0, err
	}
	logQuarantine, err := d.logQuarantine(q, to)
	if err != nil {
		return 0, err
	}
	if _, err := txnlog.Truncate(d.fs, d.logDir, to, logQuarantine); err != nil {
		return 0, fmt.Errorf("truncate to %v: %w", to, err)
	}
	return last, nil
}

// logQuarantine returns where logs above to go, if there are any.
func (d *Dir) logQuarantine(q *quarantine, to zk.Zxid) (string, error) {
	logs, _, err := txnlog.Files(d.fs, d.logDir)
	if err != nil || len(logs) == 0 || logs[len(logs)-1].Zxid <= to {
		return "", err
	}
	return q.dir(d.logDir)
}

// reach returns the zxid that a truncation to to will end with, before anything is
// touched. The newest intact snapshot not above to, and a log without a hole
// behind it, must be there (quorum.md R4b).
func (d *Dir) reach(snaps []snapshot.File, to zk.Zxid) (zk.Zxid, error) {
	for _, f := range slices.Backward(snaps) {
		if f.Zxid > to || snapshot.Verify(d.fs, d.snapDir, f.Name) != nil {
			continue
		}
		return d.lastUpTo(f.Zxid, to)
	}
	return 0, ErrUnreachable
}

// lastUpTo returns the last record not above to behind a snapshot at base.
func (d *Dir) lastUpTo(base, to zk.Zxid) (zk.Zxid, error) {
	r, err := txnlog.Open(d.fs, d.logDir, base)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	for last := base; ; {
		rec, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return last, nil
		case err != nil:
			return 0, fmt.Errorf("%w: %w", ErrUnreachable, err)
		case rec.Zxid > to:
			return last, nil
		}
		last = rec.Zxid
	}
}

// Install makes src the whole history: whatever was there before cannot be loaded any
// more. The log must not be open for writing. The file has no digest: a leader's
// snapshot may be fuzzy, and nothing says up to which transaction.
func (d *Dir) Install(src snapshot.Source) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.generation++
	o := d.snapshotOptions()
	o.NoDigest = true
	t, err := snapshot.WriteTemp(d.fs, d.snapDir, src, o)
	if err != nil {
		return err
	}
	if err := d.fs.SyncDir(d.snapDir); err != nil {
		return fmt.Errorf("install snapshot %s: %w", t.Name, err)
	}
	// From here on the new history is the true one, whatever happens.
	if err := env.WriteFileAtomic(d.fs, d.snapDir+"/"+installName, []byte(t.Name)); err != nil {
		return fmt.Errorf("install snapshot %s: %w", t.Name, err)
	}
	if err := d.finishInstall(); err != nil {
		return fmt.Errorf("install snapshot %s: %w", t.Name, err)
	}
	return nil
}

// finishInstall does what is left of an Install, if there was one.
func (d *Dir) finishInstall() error {
	marker := d.snapDir + "/" + installName
	b, err := env.ReadFile(d.fs, marker, smallFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	t := snapshot.Temp{Name: string(b)}
	if !strings.HasPrefix(t.Name, "snapshot.") {
		return fmt.Errorf("%s names %q, which is no snapshot", marker, t.Name)
	}
	if err := d.setAsideAllBut(t); err != nil {
		return err
	}
	if err := d.fs.Remove(marker); err != nil {
		return err
	}
	return d.fs.SyncDir(d.snapDir)
}

// setAsideAllBut moves everything that can be loaded out of the way of t, and gives t
// its name.
func (d *Dir) setAsideAllBut(t snapshot.Temp) error {
	_, err := d.fs.Stat(d.snapDir + "/" + t.TempName())
	pending := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !pending {
		return nil // it has its name, which it got last
	}
	q := d.quarantine("the history was replaced by " + t.Name + " of a leader")
	logs, _, err := txnlog.Files(d.fs, d.logDir)
	if err != nil {
		return err
	}
	for _, f := range slices.Backward(logs) {
		if err := q.move(d.logDir, f.Name); err != nil {
			return err
		}
	}
	snaps, _, err := snapshot.Files(d.fs, d.snapDir)
	if err != nil {
		return err
	}
	for _, f := range slices.Backward(snaps) {
		if err := q.move(d.snapDir, f.Name); err != nil {
			return err
		}
	}
	// Until the marker goes all of this is done again after a crash, so the moves
	// may be made durable together, as long as that is before the new name.
	if err := q.settle(); err != nil {
		return err
	}
	return t.Publish(d.fs, d.snapDir)
}
