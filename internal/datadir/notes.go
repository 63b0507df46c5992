package datadir

import (
	"errors"
	"fmt"
	"io/fs"

	"ostler/internal/env"
)

// writeNote makes text the content of a small file beside the snapshots, durably.
func (d *Dir) writeNote(name string, text []byte) error {
	name = d.snapDir + "/" + name
	if err := env.WriteFileAtomic(d.fs, name, text); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// readNote returns the content of such a file, nil if there is none.
func (d *Dir) readNote(name string, limit int64) ([]byte, error) {
	text, err := env.ReadFile(d.fs, d.snapDir+"/"+name, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
