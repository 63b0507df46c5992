package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/snappy"
)

// snappyMagic begins the stream format of snappy-java, which is not Snappy's own
// framing.
var snappyMagic = [8]byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

const (
	snappyHeaderLen = 16
	snappyBlock     = 32 << 10 // uncompressed, as snappy-java writes it
	snappyBlockMax  = 64 << 20 // and what is accepted
)

// A snappyWriter compresses block by block.
type snappyWriter struct {
	w     io.Writer
	buf   []byte
	begun bool
}

func (s *snappyWriter) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		k := min(len(b), snappyBlock-len(s.buf))
		s.buf = append(s.buf, b[:k]...)
		b = b[k:]
		if len(s.buf) == snappyBlock {
			if err := s.block(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (s *snappyWriter) block() error {
	var out []byte
	if !s.begun {
		s.begun = true
		out = appendSnappyHeader(out)
	}
	if len(s.buf) > 0 {
		packed := snappy.Encode(nil, s.buf)
		out = binary.BigEndian.AppendUint32(out, uint32(len(packed)))
		out = append(out, packed...)
	}
	s.buf = s.buf[:0]
	_, err := s.w.Write(out)
	return err
}

// Close writes the last block.
func (s *snappyWriter) Close() error { return s.block() }

// A snappyReader decompresses block by block.
type snappyReader struct {
	r     io.Reader
	begun bool
	rest  []byte
}

func newSnappyReader(r io.Reader) *snappyReader { return &snappyReader{r: r} }

func (s *snappyReader) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if err := s.block(); err != nil {
			return 0, err
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// block reads the next block. Where one would begin, another header may stand.
func (s *snappyReader) block() error {
	var head [4]byte
	if _, err := io.ReadFull(s.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) && !s.begun {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if head == [4]byte(snappyMagic[:]) {
		return s.header()
	}
	if !s.begun {
		return fmt.Errorf("%w: not a snappy stream", ErrStructure)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > snappyBlockMax {
		return fmt.Errorf("%w: snappy block of %d bytes", ErrStructure, n)
	}
	return s.unpack(int(n))
}

func (s *snappyReader) header() error {
	var rest [snappyHeaderLen - 4]byte
	if _, err := io.ReadFull(s.r, rest[:]); err != nil {
		return unexpected(err)
	}
	if [4]byte(rest[:]) != [4]byte(snappyMagic[4:]) {
		return fmt.Errorf("%w: not a snappy stream", ErrStructure)
	}
	s.begun = true
	return nil
}

func (s *snappyReader) unpack(n int) error {
	packed, err := io.ReadAll(io.LimitReader(s.r, int64(n)))
	if err != nil {
		return err
	}
	if len(packed) < n {
		return io.ErrUnexpectedEOF
	}
	size, err := snappy.DecodedLen(packed)
	if err == nil && size > snappyBlockMax {
		err = fmt.Errorf("%w: snappy block of %d bytes", ErrStructure, size)
	}
	if err == nil {
		s.rest, err = snappy.Decode(nil, packed)
	}
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
