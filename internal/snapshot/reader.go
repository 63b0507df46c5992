package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"

	"github.com/klauspost/compress/gzip"

	"ostler/internal/env"
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// stringMax bounds a string or buffer of a file: far above what any server
// accepts, so that what is there can be read (disk.md R-9).
const stringMax = 256 << 20

const (
	fileHeaderLen = 16
	windowLen     = 256 << 10
	sectionsMax   = 4 << 10 // what is looked at behind the nodes
)

var fileMagic = [4]byte{'Z', 'K', 'S', 'N'}

// Read reads the snapshot called name into what sink returns, and checks every seal in
// it. After an error what went into the sink is worth nothing.
func Read(fsys env.FS, dir, name string, sink func() Sink) (Info, error) {
	file, ok := parseName(name)
	if !ok {
		return Info{}, fmt.Errorf("%s is not the name of a snapshot", name)
	}
	f, err := fsys.Open(dir + "/" + name)
	if err != nil {
		return Info{}, fmt.Errorf("open snapshot: %w", err)
	}
	defer f.Close()
	src, err := decompress(&fileStream{f: f}, file.Ext)
	if err != nil {
		return Info{}, fmt.Errorf("snapshot %s/%s: %w", dir, name, err)
	}
	r := fileReader{src: src, sum: adler32.New()}
	info, err := r.read(sink())
	if err != nil {
		return Info{}, fmt.Errorf("snapshot %s/%s, near offset %d: %w", dir, name, r.taken, err)
	}
	info.Zxid = file.Zxid
	return info, nil
}

func decompress(src io.Reader, ext string) (io.Reader, error) {
	switch ext {
	case GZ:
		return gzip.NewReader(src)
	case Snappy:
		return newSnappyReader(src), nil
	}
	return src, nil
}

// A fileStream reads a file from its beginning.
type fileStream struct {
	f   env.File
	off int64
}

func (s *fileStream) Read(b []byte) (int, error) {
	n, err := s.f.ReadAt(b, s.off)
	s.off += int64(n)
	if n > 0 && errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// A fileReader reads the uncompressed form.
type fileReader struct {
	src   io.Reader
	sum   hash.Hash32 // of everything taken
	buf   []byte      // read but not taken, part of store
	store []byte
	taken int64
	ended bool
}

func (r *fileReader) read(sink Sink) (Info, error) {
	if err := r.more(fileHeaderLen); err != nil {
		return Info{}, err
	}
	if len(r.buf) < fileHeaderLen || [4]byte(r.buf) != fileMagic {
		return Info{}, fmt.Errorf("%w: wrong magic number", ErrStructure)
	}
	r.take(fileHeaderLen)
	if err := r.body(sink); err != nil {
		return Info{}, err
	}
	if err := r.more(sectionsMax); err != nil {
		return Info{}, err
	}
	return r.sections()
}

// body feeds the parser with windows that grow when a record needs it.
func (r *fileReader) body(sink Sink) error {
	p := parser{sink: sink, limit: stringMax}
	want := windowLen
	for {
		if err := r.more(want); err != nil {
			return err
		}
		n, done, err := p.feed(r.buf)
		r.take(n)
		if err != nil || done {
			return err
		}
		if r.ended {
			return fmt.Errorf("file ends too early: %w", io.ErrUnexpectedEOF)
		}
		if want = windowLen; n == 0 {
			want = 2 * len(r.buf)
		}
	}
}

// more reads until n bytes are at hand, or the source ends.
func (r *fileReader) more(n int) error {
	if len(r.buf) >= n {
		return nil
	}
	if cap(r.store) < n {
		r.store = make([]byte, n)
		copy(r.store, r.buf)
	} else {
		copy(r.store[:n], r.buf) // may overlap, moving to the front
	}
	have := len(r.buf)
	for have < n && !r.ended {
		k, err := r.src.Read(r.store[have:n])
		have += k
		if errors.Is(err, io.EOF) {
			r.ended = true
		} else if err != nil {
			return err
		}
	}
	r.buf = r.store[:have]
	return nil
}

// take moves n bytes into the checksum.
func (r *fileReader) take(n int) {
	r.sum.Write(r.buf[:n])
	r.buf = r.buf[n:]
	r.taken += int64(n)
}

// sections reads what is behind the nodes. Which sections there are depends on the
// settings of the writer; that their seals fit tells (disk.md R-13).
func (r *fileReader) sections() (Info, error) {
	var info Info
	if !r.sealed(0) {
		return info, fmt.Errorf("%w: seal of the tree", ErrSeal)
	}
	if r.digest(&info) {
		info.HasDigest = true
	}
	if r.sealed(8) {
		jr := jute.NewReader(r.buf)
		info.LastZxid, info.HasLast = zk.Zxid(jr.Int64()), true
		r.takeSealed(8)
		return info, nil
	}
	if len(r.buf) > 0 {
		return info, fmt.Errorf("%w: seal of a section behind the tree", ErrSeal)
	}
	return info, nil
}

const sealLen = 8 + 4 + 1

// sealed reports whether the next n bytes are followed by a seal that fits. With
// n = 0 it takes the seal.
func (r *fileReader) sealed(n int) bool {
	if n < 0 || len(r.buf) < n+sealLen {
		return false
	}
	sum := adler32Of(r.sum, r.buf[:n])
	want := jute.AppendString(jute.AppendInt64(nil, int64(sum)), endOfNodes)
	if !bytes.Equal(r.buf[n:n+sealLen], want) {
		return false
	}
	if n == 0 {
		r.takeSealed(0)
	}
	return true
}

func (r *fileReader) takeSealed(n int) { r.take(n + sealLen) }

// digest reads a digest section of either version.
func (r *fileReader) digest(info *Info) bool {
	const fixed = 8 + 4
	jr := jute.NewReader(r.buf)
	zxid, version := zk.Zxid(jr.Int64()), jr.Int32()
	if r.sealed(fixed + 8) {
		info.DigestZxid, info.Digest = zxid, uint64(jr.Int64())
		r.takeSealed(fixed + 8)
		return version == digestVersion
	}
	// Version 1 has a string, of which nothing is made.
	n := jr.Int32()
	if jr.Err() == nil && version < digestVersion && n >= 0 && int(n) < len(r.buf) && r.sealed(fixed+4+int(n)) {
		r.takeSealed(fixed + 4 + int(n))
	}
	return false
}
