package txnlog

import (
	"errors"
	"fmt"
	"io"

	"ostler/internal/env"
)

// Rewrite writes the last batches before end once more, as they are, and syncs
// them: what was read back may be in the page cache only, and look clean there
// because a sync failed (disk.md R-23). Each sector gets the bytes it has or was to
// have, so a crash in between leaves what a torn write leaves.
func Rewrite(fsys env.FS, end Position) error {
	f, err := fsys.OpenWrite(end.File)
	if err == nil {
		err = rewrite(f, end.Offset)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return fmt.Errorf("make the end of %s durable: %w", end.File, err)
	}
	return nil
}

func rewrite(f env.File, end int64) error {
	from := max(0, end-2*BatchMax)
	b := make([]byte, end-from)
	if _, err := f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if _, err := f.WriteAt(b, from); err != nil {
		return err
	}
	return f.Sync()
}
