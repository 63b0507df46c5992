package datadir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"ostler/internal/env"
	"ostler/internal/zk"
)

const (
	acceptedName = "acceptedEpoch"
	currentName  = "currentEpoch"
	smallFile    = 4096 // none of the small files is longer
)

// SetEpoch makes acceptedEpoch or currentEpoch e, durably (quorum.md R1).
func (d *Dir) SetEpoch(current bool, e zk.Epoch) error {
	name := acceptedName
	if current {
		name = currentName
	}
	return d.writeNote(name, strconv.AppendInt(nil, int64(e), 10))
}

// loadEpochs reads the epochs and holds them against the history.
func (d *Dir) loadEpochs(l *Loaded) (err error) {
	if l.Accepted, l.HasAccepted, err = d.readEpoch(acceptedName); err != nil {
		return err
	}
	if l.Current, l.HasCurrent, err = d.readEpoch(currentName); err != nil {
		return err
	}
	if !d.o.Ensemble {
		return nil
	}
	last := l.Last.Epoch()
	// currentEpoch alone may be missing: a first history reaches the disk before it
	// does (R19). acceptedEpoch is a promise, and comes before everything.
	if !l.HasAccepted && last > 0 && !d.o.TrustNoEpochs {
		return fmt.Errorf("%w: %s has data of epoch %d but no %s (R-18); "+
			"restore it, or say that the data is of release 3.4", ErrEpoch, d.snapDir, last, acceptedName)
	}
	if err := d.adoptEpochs(l, last); err != nil {
		return err
	}
	if last > l.Accepted {
		return fmt.Errorf("%w: the last transaction is %v, but only epoch %d was accepted", ErrEpoch, l.Last, l.Accepted)
	}
	if l.Accepted < l.Current {
		return fmt.Errorf("%w: accepted epoch %d is less than current epoch %d", ErrEpoch, l.Accepted, l.Current)
	}
	if l.Current >= last || l.Untrusted {
		return nil // an untrusted history says nothing about an epoch
	}
	// A history that reaches epoch e holds all that e began with, which is what
	// currentEpoch = e says: the crash came just before it was written (R19).
	l.Current, l.HasCurrent = last, true
	return d.SetEpoch(true, last)
}

// adoptEpochs takes the epoch of trusted old data for those that are missing.
func (d *Dir) adoptEpochs(l *Loaded, last zk.Epoch) error {
	if last <= 0 {
		return nil
	}
	if !l.HasCurrent {
		l.Current, l.HasCurrent = last, true
		if err := d.SetEpoch(true, last); err != nil {
			return err
		}
	}
	if !l.HasAccepted {
		l.Accepted, l.HasAccepted = max(last, l.Current), true
		return d.SetEpoch(false, l.Accepted)
	}
	return nil
}

// readEpoch reads an epoch file; ok is false when there is none.
func (d *Dir) readEpoch(name string) (e zk.Epoch, ok bool, err error) {
	n, err := readNumber(d.fs, d.snapDir+"/"+name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("%w: %w", ErrEpoch, err)
	}
	if n < 0 {
		return 0, false, fmt.Errorf("%w: %s is %d", ErrEpoch, name, n)
	}
	return zk.Epoch(n), true, nil
}

// readNumber reads the decimal number on the first line of a file.
func readNumber(fsys env.FS, name string) (int64, error) {
	b, err := env.ReadFile(fsys, name, smallFile)
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(b, []byte{'\n'})
	text := strings.TrimSpace(string(line))
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s holds %q, which is no number", name, text)
	}
	return n, nil
}

// Initialize reports whether the marker that lets an empty server vote was there,
// beside either directory, and removes it.
func (d *Dir) Initialize() (bool, error) {
	found := false
	for _, dir := range d.dirs() {
		name := path.Dir(dir) + "/initialize"
		err := d.fs.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = d.fs.SyncDir(path.Dir(dir))
		}
		if err != nil {
			return found, fmt.Errorf("remove %s: %w", name, err)
		}
		found = true
	}
	return found, nil
}
