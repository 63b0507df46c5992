package txnlog

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"ostler/internal/env"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A Reader gives the records above a zxid in order, over all files of a directory.
// Each follows the one before, and the first follows the zxid.
type Reader struct {
	fsys  env.FS
	dir   string
	after zk.Zxid
	files []File // not yet opened
	scan  *fileScan
	last  zk.Zxid // read, though it may not be above after
	seen  marks   // of the open file
	tails []Tail
	empty []string // files without header
	bare  []string // newest files with a header and no entry
	end   Position
	err   error
}

// A Position is a place in a log file.
type Position struct {
	File   string // with its directory; "" when nothing was read
	Offset int64
}

// End is behind the last record that was read.
func (r *Reader) End() Position { return r.end }

// Open prepares to read the records above after. Files that cannot hold any of
// them are not opened.
func Open(fsys env.FS, dir string, after zk.Zxid) (*Reader, error) {
	files, _, err := Files(fsys, dir)
	if err != nil {
		return nil, err
	}
	for len(files) > 1 && files[1].Zxid <= after {
		files = files[1:]
	}
	return &Reader{fsys: fsys, dir: dir, after: after, files: files, last: -1}, nil
}

// Next returns the next record, io.EOF behind the last one, or a *CorruptError
// where the log is damaged. The record's bytes are its own.
func (r *Reader) Next() (*txn.Record, error) {
	if r.err != nil {
		return nil, r.err
	}
	rec, err := r.next()
	if err != nil {
		r.err = err
		r.Close()
		return nil, err
	}
	return rec, nil
}

func (r *Reader) next() (*txn.Record, error) {
	for {
		if r.scan == nil {
			if len(r.files) == 0 {
				return nil, io.EOF
			}
			if err := r.open(); err != nil {
				return nil, err
			}
			continue
		}
		payload, at, err := r.scan.next()
		switch {
		case errors.Is(err, io.EOF):
			if r.scan.off == headerLen {
				r.bare = append(r.bare, r.scan.name)
			}
			r.Close()
		case errors.Is(err, errBad):
			if err := r.tail(at); err != nil {
				return nil, err
			}
			r.Close()
		case err != nil:
			return nil, err
		default:
			rec, err := r.record(payload, at)
			if rec != nil || err != nil {
				return rec, err
			}
		}
	}
}

// open begins the next file. One that is empty by nature is harmless as the last.
func (r *Reader) open() error {
	name := r.dir + "/" + r.files[0].Name
	r.files = r.files[1:]
	s, err := openFile(r.fsys, name)
	if errors.Is(err, ErrShort) && r.onlyEmptyLeft() {
		r.empty = append(r.empty, name)
		return nil
	}
	if err != nil {
		var damage *CorruptError
		if errors.As(err, &damage) {
			damage.LastGood = r.last
		}
		return err
	}
	r.scan, r.seen = s, r.seen[:0]
	return nil
}

// onlyEmptyLeft reports whether no file that is left has a header.
func (r *Reader) onlyEmptyLeft() bool {
	for _, f := range r.files {
		s, err := openFile(r.fsys, r.dir+"/"+f.Name)
		if err == nil {
			s.close()
		}
		if !errors.Is(err, ErrShort) {
			return false
		}
	}
	return true
}

// tail notes the end of a file that is not clean.
func (r *Reader) tail(at int64) error {
	t, err := r.scan.classify(at, r.last)
	if err != nil {
		return err
	}
	r.tails = append(r.tails, t)
	return nil
}

// record checks the place of an entry in history; nil without error means that it is
// not above what is asked for, or was given before.
func (r *Reader) record(payload []byte, at int64) (*txn.Record, error) {
	z := payloadZxid(payload)
	damage := r.scan.corrupt(at, nil)
	damage.LastGood, damage.NextGood = r.last, z
	repeat := z <= r.last && r.seen.has(payload)
	if z <= r.last && !repeat {
		damage.Err = fmt.Errorf("%w: %v after %v", ErrOrder, z, r.last)
		return nil, damage
	}
	if z > r.after && !repeat {
		if prev := max(r.last, r.after); !z.Follows(prev) {
			return nil, r.gap(damage, prev, z)
		}
	}
	rec, err := txn.DecodeRecord(bytes.Clone(payload))
	if err != nil {
		damage.NextGood = -1
		damage.Err = fmt.Errorf("%w: %w", ErrDecode, err)
		return nil, damage
	}
	// What is unclear about the end of a file is only clear in the last one.
	if n := len(r.tails); n > 0 && r.tails[n-1].Kind != Torn {
		return nil, &CorruptError{
			File: r.tails[n-1].File, Offset: r.tails[n-1].Offset, LastGood: r.last, NextGood: z, Err: ErrEntry,
		}
	}
	r.bare = nil
	r.end = Position{File: r.scan.name, Offset: r.scan.off}
	if repeat {
		return nil, nil
	}
	r.last = z
	r.seen.add(payload)
	if z <= r.after {
		return nil, nil
	}
	return rec, nil
}

// gap says which transactions are missing; behind a tail it is the tail's entries
// that are.
func (r *Reader) gap(damage *CorruptError, prev, z zk.Zxid) error {
	damage.LastGood = prev
	if n := len(r.tails); n > 0 && r.tails[n-1].Last == r.last {
		t := r.tails[n-1]
		damage.File, damage.Offset = t.File, t.Offset
		damage.Err = ErrEntry
		return damage
	}
	damage.Err = fmt.Errorf("%w between %v and %v", ErrGap, prev, z)
	return damage
}

// Tails returns the ends of files met so far that are not clean, oldest first. Only
// the last one can be of the last file that holds an entry.
func (r *Reader) Tails() []Tail { return r.tails }

// Empty returns the newest files that hold no entry, or not even a header: their
// creation was cut short. What there is of them may be in the page cache only, and
// must not stand between older and newer files.
func (r *Reader) Empty() []string { return append(r.bare, r.empty...) }

// Last returns the zxid of the last entry read, -1 when there was none.
func (r *Reader) Last() zk.Zxid { return r.last }

// Close closes the open file. The Reader goes on with the next file, so it is for
// those who stop early.
func (r *Reader) Close() {
	if r.scan != nil {
		r.scan.close()
		r.scan = nil
	}
}
