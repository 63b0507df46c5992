package txnlog

import (
	"errors"
	"fmt"
	"io"
	"path"
	"slices"

	"ostler/internal/env"
	"ostler/internal/zk"
)

// Truncate makes the log end with the last record that is not above to, and
// returns its zxid, or -1 when no such record is left. Files above are moved to the
// directory quarantine, or removed if it is "", from the newest backwards and each
// durably, so that a crash at any point leaves a history without a hole; the
// cut comes last (quorum.md R3).
func Truncate(fsys env.FS, dir string, to zk.Zxid, quarantine string) (zk.Zxid, error) {
	files, _, err := Files(fsys, dir)
	if err != nil {
		return -1, err
	}
	for _, f := range slices.Backward(files) {
		if f.Zxid <= to {
			last, err := cutAfter(fsys, dir+"/"+f.Name, to)
			if last >= 0 || err != nil {
				return last, err
			}
			continue
		}
		if err := SetAside(fsys, dir, f.Name, quarantine); err != nil {
			return -1, err
		}
	}
	return -1, nil
}

// SetAside moves a file out of dir into quarantine, durably, or removes it if
// quarantine is "".
func SetAside(fsys env.FS, dir, name, quarantine string) error {
	var err error
	if quarantine == "" {
		err = fsys.Remove(dir + "/" + name)
	} else {
		err = fsys.Rename(dir+"/"+name, quarantine+"/"+name)
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err == nil && quarantine != "" {
		err = fsys.SyncDir(quarantine)
	}
	if err != nil {
		return fmt.Errorf("set aside %s: %w", path.Join(dir, name), err)
	}
	return nil
}

// cutAfter cuts a file before its first entry above to, and returns the highest zxid
// that is left; -1 when there is none.
func cutAfter(fsys env.FS, name string, to zk.Zxid) (zk.Zxid, error) {
	last, end := zk.Zxid(-1), int64(headerLen)
	s, err := openFile(fsys, name)
	if errors.Is(err, ErrShort) {
		return -1, nil
	}
	if err != nil {
		return -1, err
	}
	defer s.close()
	for {
		payload, _, err := s.next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, errBad):
		case err != nil:
			return -1, err
		case payloadZxid(payload) <= to:
			last, end = max(last, payloadZxid(payload)), s.off
			continue
		}
		return last, Cut(fsys, name, end)
	}
}

// Cut shortens a file to size and syncs it.
func Cut(fsys env.FS, name string, size int64) error {
	f, err := fsys.OpenWrite(name)
	if err != nil {
		return fmt.Errorf("cut %s: %w", name, err)
	}
	if err = f.Truncate(size); err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("cut %s at %d: %w", name, size, err)
	}
	return nil
}
