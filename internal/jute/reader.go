package jute

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxDefault is the longest string or buffer that NewReader accepts:
// jute.maxbuffer and its extrasize together (client-protocol.md 1.6).
const MaxDefault = 2 * 1048575

// The errors of a Reader.
var (
	// ErrShort says that the input ended inside a value.
	ErrShort = errors.New("input ends inside a value")
	// ErrLength says that a length is below -1 or above the limit.
	ErrLength = errors.New("impossible length")
)

// A Reader takes values from the front of a slice. Its first error sticks:
// from then on every method returns zero values and leaves the input alone, so
// that a record is read in one go and Err asked once at the end. Nothing is
// allocated that the bytes at hand do not pay for.
type Reader struct {
	rest  []byte
	limit int
	err   error
}

// NewReader returns a Reader of b with the limit MaxDefault.
func NewReader(b []byte) Reader { return NewReaderLimit(b, MaxDefault) }

// NewReaderLimit returns a Reader of b that refuses strings and buffers longer
// than limit.
func NewReaderLimit(b []byte, limit int) Reader { return Reader{rest: b, limit: limit} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail makes err the Reader's error unless it has one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// Rest returns what has not been read.
func (r *Reader) Rest() []byte { return r.rest }

// Len returns the number of bytes not yet read.
func (r *Reader) Len() int { return len(r.rest) }

// take returns the next n bytes, or nil when there are not as many.
func (r *Reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n > len(r.rest) {
		r.err = ErrShort
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// Byte reads one byte.
func (r *Reader) Byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a boolean; every byte but zero is true.
func (r *Reader) Bool() bool { return r.Byte() != 0 }

// Int32 reads an int.
func (r *Reader) Int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Int64 reads a long.
func (r *Reader) Int64() int64 {
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Buffer reads a buffer: nil for null, not nil for empty. The result aliases
// the input.
func (r *Reader) Buffer() []byte {
	n := r.Int32()
	if r.err != nil || n == null {
		return nil
	}
	if n < null || int(n) > r.limit {
		r.err = fmt.Errorf("%w %d", ErrLength, n)
		return nil
	}
	if n == 0 {
		return []byte{}
	}
	return r.take(int(n))
}

// BufferCopy is Buffer with a result of its own.
func (r *Reader) BufferCopy() []byte { return bytes.Clone(r.Buffer()) }

// String reads a ustring; null reads as "". The bytes stay as they are; see
// Text.
func (r *Reader) String() string { return string(r.Buffer()) }

// StringNull reads a ustring and tells null from empty. After an error it
// returns "" and false.
func (r *Reader) StringNull() (s string, isNull bool) {
	b := r.Buffer()
	return string(b), b == nil && r.err == nil
}

// Count reads the count of a vector: -1 for a null one; other negative counts
// read as 0 (client-protocol.md 1.1). A count that the bytes left cannot hold,
// at one byte for each element, is an error.
func (r *Reader) Count() int {
	n := r.Int32()
	switch {
	case n == null:
		return null
	case n < 0:
		return 0
	case int(n) > len(r.rest):
		r.Fail(ErrShort)
		return 0
	}
	return int(n)
}

// Strings reads a vector of ustring: nil for null, not nil for empty. A null
// element reads as "".
func (r *Reader) Strings() []string {
	n := r.Count()
	if n < 0 || r.err != nil {
		return nil
	}
	v := make([]string, 0, r.fits(n, 4))
	for range n {
		s := r.String()
		if r.err != nil {
			return nil
		}
		v = append(v, s)
	}
	return v
}

// fits returns how many of n elements, each at least size bytes long, the
// input can still hold: the capacity to allocate for them.
func (r *Reader) fits(n, size int) int { return min(n, len(r.rest)/size) }
