package datadir

import (
	"fmt"
	"path"

	"ostler/internal/env"
	"ostler/internal/txnlog"
)

// A quarantine takes files out of a directory to where no server reads them; its
// own directories, one beside each data directory, are made when first needed.
type quarantine struct {
	d      *Dir
	reason string
	dirs   map[string]string
}

func (d *Dir) quarantine(reason string) *quarantine {
	return &quarantine{d: d, reason: reason, dirs: map[string]string{}}
}

// dir returns the directory for what comes from from.
func (q *quarantine) dir(from string) (string, error) {
	if dir, ok := q.dirs[from]; ok {
		return dir, nil
	}
	stamp := "0"
	if q.d.o.Clock != nil {
		stamp = q.d.o.Clock.Wall().UTC().Format("20060102-150405")
	}
	for n := 0; ; n++ {
		dir := fmt.Sprintf("%s/quarantine-%s-%d", path.Dir(from), stamp, n)
		if _, err := q.d.fs.Stat(dir); err == nil {
			continue
		}
		if err := q.d.fs.MkdirAll(dir); err != nil {
			return "", fmt.Errorf("make quarantine: %w", err)
		}
		if err := q.d.syncParents(dir); err != nil {
			return "", err
		}
		note := "Set aside from " + from + ": " + q.reason + ". No server reads this directory.\n"
		if err := env.WriteFileAtomic(q.d.fs, dir+"/NOTE", []byte(note)); err != nil {
			return "", fmt.Errorf("write note: %w", err)
		}
		q.dirs[from] = dir
		return dir, nil
	}
}

// move moves the file name out of from; settle makes that durable.
func (q *quarantine) move(from, name string) error {
	dir, err := q.dir(from)
	if err != nil {
		return err
	}
	q.d.warn("file set aside", "file", from+"/"+name, "to", dir, "reason", q.reason)
	if err := q.d.fs.Rename(from+"/"+name, dir+"/"+name); err != nil {
		return fmt.Errorf("set aside %s/%s: %w", from, name, err)
	}
	return nil
}

// settle makes every move durable.
func (q *quarantine) settle() error {
	for _, from := range q.d.dirs() {
		dir, ok := q.dirs[from]
		if !ok {
			continue
		}
		for _, d := range []string{dir, from} {
			if err := q.d.fs.SyncDir(d); err != nil {
				return fmt.Errorf("set files aside: sync %s: %w", d, err)
			}
		}
	}
	return nil
}

// keepTail copies the end of a log that is about to be cut.
func (d *Dir) keepTail(t txnlog.Tail) error {
	f, err := d.fs.Open(t.File)
	if err != nil {
		return fmt.Errorf("keep the end of the log: %w", err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("keep the end of the log: %w", err)
	}
	b := make([]byte, min(max(size-t.Offset, 0), 2*txnlog.BatchMax))
	n, err := f.ReadAt(b, t.Offset)
	if n < len(b) {
		return fmt.Errorf("keep the end of the log: %w", err)
	}
	dir, err := d.quarantine(t.Describe()).dir(path.Dir(t.File))
	if err != nil {
		return err
	}
	return env.WriteFileAtomic(d.fs, fmt.Sprintf("%s/%s.from-%d", dir, path.Base(t.File), t.Offset), b)
}
