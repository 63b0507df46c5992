package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/adler32"
	"io"

	"github.com/klauspost/compress/gzip"

	"ostler/internal/env"
	"ostler/internal/jute"
	"ostler/internal/zk"
)

const digestVersion = 2 // disk.md 7.3

// syncEvery is how much is written between syncs: the sync of the log must not
// wait behind gigabytes of dirty pages.
const syncEvery = 16 << 20

// Options says how a snapshot is written.
type Options struct {
	Compression string // "", GZ or Snappy
	// NoDigest leaves out the digest, and with it the last zxid: the combination
	// that every reader takes (disk.md 14).
	NoDigest bool
}

// Write writes the state of src as a file and returns its name once it is durable: a
// temporary file, sync, rename, sync of the directory. When an intact snapshot
// of that zxid is there already, nothing is written.
func Write(fsys env.FS, dir string, src Source, o Options) (name string, err error) {
	if name, ok, err := Intact(fsys, dir, src.Zxid()); ok || err != nil {
		return name, err
	}
	t, err := WriteTemp(fsys, dir, src, o)
	if err != nil {
		return "", err
	}
	return t.Name, t.Publish(fsys, dir)
}

// A Temp is a finished snapshot that no reader finds yet.
type Temp struct {
	Name string // that it will have
}

// TempName returns the name of the file until then.
func (t Temp) TempName() string { return tempPrefix + t.Name[len(prefix):] }

// WriteTemp writes the state of src under a temporary name and syncs the file.
func WriteTemp(fsys env.FS, dir string, src Source, o Options) (Temp, error) {
	t := Temp{FileName(src.Zxid(), o.Compression)}
	temp := dir + "/" + t.TempName()
	if err := writeTemp(fsys, temp, src, o); err != nil {
		fsys.Remove(temp)
		return Temp{}, fmt.Errorf("write snapshot %s/%s: %w", dir, t.Name, err)
	}
	return t, nil
}

// Publish gives the snapshot its name, durably. After an error the temporary file
// may still be there.
func (t Temp) Publish(fsys env.FS, dir string) error {
	err := fsys.Rename(dir+"/"+t.TempName(), dir+"/"+t.Name)
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("put snapshot %s/%s in place: %w", dir, t.Name, err)
	}
	return nil
}

// Discard removes the file.
func (t Temp) Discard(fsys env.FS, dir string) { fsys.Remove(dir + "/" + t.TempName()) }

// Intact looks for an intact snapshot at z: it need not be written again.
func Intact(fsys env.FS, dir string, z zk.Zxid) (name string, ok bool, err error) {
	files, _, err := Files(fsys, dir)
	if err != nil {
		return "", false, err
	}
	for _, f := range files {
		if f.Zxid == z && Verify(fsys, dir, f.Name) == nil {
			return f.Name, true, nil
		}
	}
	return "", false, nil
}

// Verify reads a snapshot with all its seals and keeps nothing of it.
func Verify(fsys env.FS, dir, name string) error {
	_, err := Read(fsys, dir, name, func() Sink { return discard{} })
	return err
}

type discard struct{}

func (discard) Session(zk.SessionID, int32) {}

func (discard) Node(*Node) error { return nil }

func writeTemp(fsys env.FS, temp string, src Source, o Options) (err error) {
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	out, err := compress(&syncingFile{f: f}, o.Compression)
	if err != nil {
		return err
	}
	if err := writeFile(out, src, o.NoDigest); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return f.Sync()
}

// writeFile writes the uncompressed form.
func writeFile(out io.Writer, src Source, noDigest bool) error {
	w := &sumWriter{w: out, sum: adler32.New()}
	e := encoder{w: w, buf: append([]byte(nil), fileMagic[:]...)}
	e.buf = jute.AppendInt32(e.buf, 2)
	e.buf = jute.AppendInt64(e.buf, -1)
	if err := e.encode(src); err != nil {
		return err
	}
	if err := e.seal(w); err != nil || noDigest {
		return err
	}
	digest := src.Digest()
	if src.Zxid() == 0 {
		digest = 0 // nothing was applied yet (disk.md 4.3)
	}
	e.buf = jute.AppendInt64(e.buf, int64(src.Zxid()))
	e.buf = jute.AppendInt32(e.buf, digestVersion)
	e.buf = jute.AppendInt64(e.buf, int64(digest))
	if err := e.seal(w); err != nil {
		return err
	}
	e.buf = jute.AppendInt64(e.buf, int64(src.Zxid()))
	return e.seal(w)
}

// seal writes the checksum of everything so far.
func (e *encoder) seal(w *sumWriter) error {
	if err := e.flush(); err != nil {
		return err
	}
	e.buf = jute.AppendInt64(e.buf, int64(w.sum.Sum32()))
	e.buf = jute.AppendString(e.buf, endOfNodes)
	return e.flush()
}

// A sumWriter knows the checksum of what went through it.
type sumWriter struct {
	w   io.Writer
	sum hash.Hash32
}

func (w *sumWriter) Write(b []byte) (int, error) {
	w.sum.Write(b)
	return w.w.Write(b)
}

// adler32Of returns the checksum as it would be with b added.
func adler32Of(h hash.Hash32, b []byte) uint32 {
	if len(b) == 0 {
		return h.Sum32()
	}
	const mod = 65521
	sum := h.Sum32()
	lo, hi := sum&0xffff, sum>>16
	for _, c := range b {
		lo = (lo + uint32(c)) % mod
		hi = (hi + lo) % mod
	}
	return hi<<16 | lo
}

// A syncingFile gathers writes and syncs now and then.
type syncingFile struct {
	f        env.File
	unsynced int64
}

func (s *syncingFile) Write(b []byte) (int, error) {
	n, err := s.f.Write(b)
	s.unsynced += int64(n)
	if err == nil && s.unsynced >= syncEvery {
		s.unsynced = 0
		err = s.f.Sync()
	}
	return n, err
}

// compress returns a writer whose Close ends the compression, not the file.
func compress(w io.Writer, method string) (io.WriteCloser, error) {
	switch method {
	case "":
		return nopCloser{w}, nil
	case GZ:
		return gzip.NewWriter(w), nil
	case Snappy:
		return &snappyWriter{w: w}, nil
	}
	return nil, fmt.Errorf("unknown compression %q", method)
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// appendSnappyHeader appends the beginning of a snappy-java stream (disk.md 4.6).
func appendSnappyHeader(dst []byte) []byte {
	dst = append(dst, snappyMagic[:]...)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	return binary.BigEndian.AppendUint32(dst, 1)
}
