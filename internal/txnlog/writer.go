package txnlog

import (
	"errors"
	"fmt"
	"io/fs"

	"ostler/internal/env"
	"ostler/internal/invariant"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// BatchMax bounds what is written between two syncs, unless one entry is longer.
const BatchMax = 1 << 20

// allocAhead is how near the end of the reserved space a write may come.
const allocAhead = 4096

// WriterOptions says where and how to write.
type WriterOptions struct {
	FS        env.FS
	Dir       string
	Prealloc  int64 // bytes reserved at a time; <= 0: none (disk.md 3.9)
	ForceSync bool  // false: acknowledge before the disk has it; unsafe
}

// A Writer appends transactions to the newest log file. It begins a new file with
// its first transaction: no file of an earlier process is written to. After an
// error it is dead, since what the disk holds is unknown until it is read back
//
type Writer struct {
	o     WriterOptions
	file  env.File // nil before the first flush and after a roll
	name  string
	first zk.Zxid // of buf
	last  zk.Zxid // appended
	buf   []byte  // entries not yet written
	pos   int64   // bytes written to file
	alloc int64   // bytes reserved in file
	size  int64   // bytes appended since the last roll
	roll  bool    // the next append begins a new file
	err   error   // sticks
}

// NewWriter opens nothing until the first flush.
func NewWriter(o WriterOptions) *Writer { return &Writer{o: o, last: -1} }

// Append frames recs, which must be in order, for the next Flush. It copies them.
// It writes by itself only what would make the batch too long.
func (w *Writer) Append(recs []*txn.Record) error {
	for _, rec := range recs {
		if err := w.append(rec); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) append(rec *txn.Record) error {
	n := entryLen(len(rec.Bytes))
	if w.roll || len(w.buf) > 0 && int64(len(w.buf))+n > BatchMax {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if w.err != nil {
		return w.err
	}
	invariant.Check(rec.Zxid > w.last, "append %v after %v", rec.Zxid, w.last)
	if len(rec.Bytes) > payloadMax {
		return w.fail(fmt.Errorf("transaction %v has %d bytes, more than can be read back", rec.Zxid, len(rec.Bytes)))
	}
	if len(w.buf) == 0 {
		w.first = rec.Zxid
	}
	w.buf = appendEntry(w.buf, rec.Bytes)
	w.last = rec.Zxid
	w.size += n
	return nil
}

// Flush writes what was appended and returns once it is on stable storage, name
// of the file included.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.flush(); err != nil {
		return w.fail(err)
	}
	return nil
}

func (w *Writer) flush() error {
	if len(w.buf) > 0 {
		if err := w.write(); err != nil {
			return err
		}
	}
	if w.roll {
		w.roll = false
		return w.closeFile()
	}
	return nil
}

func (w *Writer) write() error {
	if w.file == nil {
		if err := w.create(); err != nil {
			return err
		}
	}
	if err := w.reserve(int64(len(w.buf))); err != nil {
		return err
	}
	if _, err := w.file.Write(w.buf); err != nil {
		return fmt.Errorf("write %s: %w", w.name, err)
	}
	w.pos += int64(len(w.buf))
	w.buf = w.buf[:0]
	if cap(w.buf) > 4*BatchMax {
		w.buf = nil
	}
	if !w.o.ForceSync {
		return nil
	}
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync %s up to %v: %w", w.name, w.last, err)
	}
	return nil
}

// create begins the file named by the first transaction of the batch. Header and
// name are durable before the first entry is written, so that a file that
// holds entries is never without them.
func (w *Writer) create() error {
	w.name = w.o.Dir + "/" + FileName(w.first)
	if err := w.checkEmpty(); err != nil {
		return err
	}
	f, err := w.o.FS.Create(w.name)
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	w.file, w.pos, w.alloc = f, headerLen, headerLen
	if _, err := f.Write(fileHeader[:]); err != nil {
		return fmt.Errorf("write header of %s: %w", w.name, err)
	}
	if err := w.reserve(int64(len(w.buf))); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync header of %s: %w", w.name, err)
	}
	if err := w.o.FS.SyncDir(w.o.Dir); err != nil {
		return fmt.Errorf("sync directory of %s: %w", w.name, err)
	}
	return nil
}

// checkEmpty makes sure that a file of this name, left by a crash, holds nothing.
func (w *Writer) checkEmpty() error {
	info, err := w.o.FS.Stat(w.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("create log: %w", err)
	}
	if info.Size <= headerLen {
		return nil
	}
	s, err := openFile(w.o.FS, w.name)
	if err != nil {
		return err
	}
	defer s.close()
	if _, _, err := s.next(); err == nil {
		return fmt.Errorf("%s exists and holds transactions", w.name)
	}
	return nil
}

// reserve makes room for n bytes in ZooKeeper's steps. Where the disk has no room for
// a whole step it takes what the batch needs, so that a full disk shows before an
// entry is begun.
func (w *Writer) reserve(n int64) error {
	end := w.pos + n
	if w.o.Prealloc <= 0 || end+allocAhead < w.alloc {
		return nil
	}
	size := w.alloc + w.o.Prealloc
	if end > size {
		size = end + w.o.Prealloc - end%w.o.Prealloc
	}
	err := w.file.Preallocate(size)
	if errors.Is(err, env.ErrNoSpace) {
		if size = end; size <= w.alloc {
			return nil
		}
		err = w.file.Preallocate(size)
	}
	if err != nil {
		return fmt.Errorf("reserve %d bytes for %s: %w", size, w.name, err)
	}
	w.alloc = size
	return nil
}

// Roll makes the next transaction begin a new file.
func (w *Writer) Roll() {
	w.roll = w.file != nil || len(w.buf) > 0
	w.size = 0
}

// Size returns the bytes appended since the last Roll; padding does not count.
func (w *Writer) Size() int64 { return w.size }

// Close flushes and closes. A Writer that failed writes nothing more.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.roll = false
	err := w.flush()
	if closeErr := w.closeFile(); err == nil {
		err = closeErr
	}
	w.err = fmt.Errorf("log writer: %w", fs.ErrClosed)
	return err
}

func (w *Writer) closeFile() error {
	if w.file == nil {
		return nil
	}
	err := w.file.Close()
	w.file = nil
	if err != nil {
		return fmt.Errorf("close %s: %w", w.name, err)
	}
	return nil
}

// fail closes the file for good; nothing is ever written after a failed write.
func (w *Writer) fail(err error) error {
	w.err = err
	w.buf = nil
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
	return err
}
