package txnlog

import (
	"errors"
	"fmt"
	"io"

	"ostler/internal/env"
	"ostler/internal/zk"
)

// The reasons of a CorruptError.
var (
	ErrMagic  = errors.New("not a transaction log: wrong magic number")
	ErrShort  = errors.New("file ends inside its header")
	ErrEntry  = errors.New("bytes are not those of an entry: length, checksum or end mark is wrong")
	ErrDecode = errors.New("entry is intact but not a known transaction")
	ErrOrder  = errors.New("zxid is not above the one before")
	ErrGap    = errors.New("transactions are missing")
)

// A CorruptError says that what was written cannot be read, or is not there. The
// server must not start from such a log.
type CorruptError struct {
	File     string
	Offset   int64
	LastGood zk.Zxid // the last one in order before the damage; -1: none
	NextGood zk.Zxid // the first one that can be read behind it; -1: none
	Err      error
}

// Error implements error.
func (e *CorruptError) Error() string {
	msg := fmt.Sprintf("%s at offset %d: %v (last good zxid %v", e.File, e.Offset, e.Err, e.LastGood)
	if e.LastGood < 0 {
		msg = fmt.Sprintf("%s at offset %d: %v (no good zxid before", e.File, e.Offset, e.Err)
	}
	if e.NextGood >= 0 {
		msg += fmt.Sprintf(", next good zxid %v", e.NextGood)
	}
	return msg + ")"
}

// Unwrap returns the reason.
func (e *CorruptError) Unwrap() error { return e.Err }

// errBad says that there is no entry at the present offset, but something.
var errBad = errors.New("bad entry")

const (
	windowLen = 1 << 20
	tailMax   = 1 << 30 // what is looked through behind a bad entry
)

// A fileScan reads the entries of one file.
type fileScan struct {
	f    env.File
	name string
	size int64
	off  int64 // of the next entry
	win  []byte
	at   int64 // file offset of win
}

// openFile opens a log and checks its header. A file without an entry by nature,
// shorter than its header or all zero, is ErrShort.
func openFile(fsys env.FS, name string) (*fileScan, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	s := &fileScan{f: f, name: name, off: headerLen}
	if err := s.readHeader(); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func (s *fileScan) readHeader() error {
	var err error
	if s.size, err = s.f.Size(); err != nil {
		return fmt.Errorf("size of %s: %w", s.name, err)
	}
	if s.size < headerLen {
		return s.corrupt(0, ErrShort)
	}
	b, err := s.bytes(0, headerLen)
	if err != nil {
		return err
	}
	if [4]byte(b) == [4]byte(fileHeader[:]) {
		return nil
	}
	if zero, err := s.zeroFrom(0); err != nil || !zero {
		return errors.Join(s.corrupt(0, ErrMagic), err)
	}
	return s.corrupt(0, ErrShort)
}

func (s *fileScan) close() { s.f.Close() }

func (s *fileScan) corrupt(off int64, reason error) *CorruptError {
	return &CorruptError{File: s.name, Offset: off, LastGood: -1, NextGood: -1, Err: reason}
}

// bytes returns n bytes at off, or fewer at the end of the file. They are valid
// until the next call.
func (s *fileScan) bytes(off, n int64) ([]byte, error) {
	n = min(n, s.size-off)
	if n <= 0 {
		return nil, nil
	}
	if off < s.at || off+n > s.at+int64(len(s.win)) {
		if err := s.fill(off, max(n, windowLen)); err != nil {
			return nil, err
		}
	}
	return s.win[off-s.at : off-s.at+n], nil
}

func (s *fileScan) fill(off, n int64) error {
	n = min(n, s.size-off)
	if int64(cap(s.win)) < n {
		s.win = make([]byte, n)
	}
	s.win, s.at = s.win[:n], off
	got, err := s.f.ReadAt(s.win, off)
	if err != nil && !(errors.Is(err, io.EOF) && int64(got) == n) {
		s.win = s.win[:0]
		return fmt.Errorf("read %s at %d: %w", s.name, off, err)
	}
	return nil
}

// zeroFrom reports whether everything from off on is zero.
func (s *fileScan) zeroFrom(off int64) (bool, error) {
	end, err := s.lastNonZero(off)
	return end == off, err
}

// lastNonZero returns the end of the last byte from off on that is not zero, or off.
func (s *fileScan) lastNonZero(off int64) (int64, error) {
	end := off
	for at := off; at < s.size; at += windowLen {
		b, err := s.bytes(at, windowLen)
		if err != nil {
			return 0, err
		}
		for i := len(b) - 1; i >= 0; i-- {
			if b[i] != 0 {
				end = at + int64(i) + 1
				break
			}
		}
	}
	return end, nil
}

// next returns the payload of the next entry and its offset. The payload is valid
// until the next call. io.EOF: the file ends here, or only zeros follow. errBad:
// something else is here.
func (s *fileScan) next() (payload []byte, at int64, err error) {
	at = s.off
	head, err := s.bytes(at, entryHeadLen)
	if err != nil {
		return nil, at, err
	}
	n := payloadLen(head)
	if n >= payloadMin && entryLen(int(n)) <= s.size-at {
		b, err := s.bytes(at, entryLen(int(n)))
		if err != nil {
			return nil, at, err
		}
		if payload, _, valid := splitEntry(b); valid {
			s.off += int64(len(b))
			return payload, at, nil
		}
	}
	zero, err := s.zeroFrom(at)
	switch {
	case err != nil:
		return nil, at, err
	case zero:
		return nil, at, io.EOF
	}
	return nil, at, errBad
}

// payloadLen returns the length an entry's head gives, 0 when it is none.
func payloadLen(head []byte) int64 {
	if len(head) < entryHeadLen {
		return 0
	}
	n := int64(int32(uint32(head[8])<<24 | uint32(head[9])<<16 | uint32(head[10])<<8 | uint32(head[11])))
	if n < payloadMin || n > payloadMax {
		return 0
	}
	return n
}
