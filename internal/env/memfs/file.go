package memfs

import (
	"io"
	"io/fs"

	"ostler/internal/env"
)

// A node is a file or a directory.
type node struct {
	// A directory has both maps, a file none.
	entries map[string]*node // as a program sees them
	durable map[string]*node // as of the last commit

	now     content
	disk    content
	pending []write
	dropped bool // no name leads to it any more; its space is free
}

func newDir() *node { return &node{entries: map[string]*node{}, durable: map[string]*node{}} }

func (n *node) info(name string) env.FileInfo {
	return env.FileInfo{Name: name, Size: n.now.size, Dir: n.entries != nil}
}

// A content is the bytes of a file. What lies between len(bytes) and size is zero and
// takes no memory.
type content struct {
	bytes []byte
	size  int64
}

func (c *content) write(b []byte, off int64) {
	if len(b) == 0 {
		return
	}
	end := off + int64(len(b))
	if have := int64(len(c.bytes)); end > have {
		c.bytes = append(c.bytes, make([]byte, end-have)...)
	}
	copy(c.bytes[off:], b)
	c.size = max(c.size, end)
}

func (c *content) resize(size int64) {
	if size < int64(len(c.bytes)) {
		clear(c.bytes[size:])
		c.bytes = c.bytes[:size]
	}
	c.size = size
}

func (c *content) readAt(b []byte, off int64) int {
	if off >= c.size {
		return 0
	}
	b = b[:min(int64(len(b)), c.size-off)]
	n := 0
	if off < int64(len(c.bytes)) {
		n = copy(b, c.bytes[off:])
	}
	clear(b[n:])
	return len(b)
}

func (c *content) clone() content { return content{append([]byte(nil), c.bytes...), c.size} }

// A write is a change of content that is not synced: bytes, or a new size if data
// is nil.
type write struct {
	off  int64 // or the new size
	data []byte
}

func (w write) apply(c *content) {
	if w.data == nil {
		c.resize(w.off)
		return
	}
	c.write(w.data, w.off)
}

// A file is an open file.
type file struct {
	fs     *FS
	n      *node
	name   string
	write  bool
	closed bool
	off    int64 // where Write goes on
}

// begin is FS.begin for an open file.
func (f *file) begin(kind Kind, bytes int64) error {
	if f.closed || kind != OpRead && !f.write {
		return fail(kind, f.name, fs.ErrClosed)
	}
	return f.fs.begin(kind, f.name, bytes)
}

// Write implements env.File.
func (f *file) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.off)
	f.off += int64(n)
	return n, err
}

// WriteAt implements env.File.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	if err := f.begin(OpWrite, int64(len(b))); err != nil {
		return f.partial(b, off), err
	}
	defer f.fs.mu.Unlock()
	if room := f.fs.capacity - f.fs.used + f.n.now.size - off; room < int64(len(b)) && off+int64(len(b)) > f.n.now.size {
		room = max(room, 0)
		f.put(b[:room], off)
		return int(room), fail(OpWrite, f.name, env.ErrNoSpace)
	}
	f.put(b, off)
	return len(b), nil
}

// partial writes a part of what failed.
func (f *file) partial(b []byte, off int64) int {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || !f.write || f.fs.crashed {
		return 0
	}
	n := f.fs.rand.IntN(len(b) + 1)
	f.put(b[:n], off)
	return n
}

// put changes what a program sees; the disk gets it with a sync, or by chance.
func (f *file) put(b []byte, off int64) {
	if len(b) == 0 {
		return
	}
	before := f.n.now.size
	w := write{off, append(make([]byte, 0, len(b)), b...)}
	w.apply(&f.n.now)
	f.n.pending = append(f.n.pending, w)
	f.fs.grow(f.n, before)
}

// grow accounts for a new size of n.
func (s *FS) grow(n *node, before int64) {
	if !n.dropped {
		s.used += n.now.size - before
	}
}

// resize sets the size of n.
func (s *FS) resize(n *node, size int64) {
	before := n.now.size
	w := write{off: size}
	w.apply(&n.now)
	n.pending = append(n.pending, w)
	s.grow(n, before)
}

// ReadAt implements env.File.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if err := f.begin(OpRead, int64(len(b))); err != nil {
		return 0, err
	}
	defer f.fs.mu.Unlock()
	n := f.n.now.readAt(b, off)
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Preallocate implements env.File.
func (f *file) Preallocate(size int64) error {
	if err := f.begin(OpPreallocate, size); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	if size <= f.n.now.size {
		return nil
	}
	if size-f.n.now.size > f.fs.capacity-f.fs.used {
		return fail(OpPreallocate, f.name, env.ErrNoSpace)
	}
	f.fs.resize(f.n, size)
	return nil
}

// Truncate implements env.File.
func (f *file) Truncate(size int64) error {
	if err := f.begin(OpTruncate, size); err != nil {
		return err
	}
	defer f.fs.mu.Unlock()
	f.fs.resize(f.n, size)
	return nil
}

// Sync implements env.File.
func (f *file) Sync() error {
	err := f.begin(OpSync, f.unsynced())
	if err != nil {
		f.syncFailed()
		return err
	}
	defer f.fs.mu.Unlock()
	for _, w := range f.n.pending {
		w.apply(&f.n.disk)
	}
	f.n.pending = nil
	return nil
}

// unsynced is how many bytes a sync has to write.
func (f *file) unsynced() int64 {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	n := int64(0)
	for _, w := range f.n.pending {
		n += int64(len(w.data))
	}
	return n
}

// syncFailed does what a kernel does after a write error: what was not written is
// no longer known to be dirty, so that no later sync writes it, though reads
// still see it.
func (f *file) syncFailed() {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || f.fs.crashed {
		return
	}
	f.fs.survive(f.n)
	f.n.pending = nil
}

// Size implements env.File.
func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed || f.fs.crashed {
		return 0, fail(OpStat, f.name, fs.ErrClosed)
	}
	return f.n.now.size, nil
}

// Close implements env.File. Like a real one it syncs nothing.
func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return fail(OpStat, f.name, fs.ErrClosed)
	}
	f.closed = true
	return nil
}
