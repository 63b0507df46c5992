package memfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"sync"

	"ostler/internal/env"
)

// ErrCrashed is returned by everything that belongs to a disk after its Crash.
var ErrCrashed = errors.New("power failed")

// capacityDefault is more than any test writes.
const capacityDefault = 1 << 40

// An FS is a file system in memory; it implements env.FS. It may be used from
// several goroutines.
type FS struct {
	mu       sync.Mutex
	rand     *rand.Rand
	root     *node
	journal  []metaOp // changes of entries not yet durable, oldest first
	locked   map[string]bool
	capacity int64
	used     int64 // sum of the sizes of all files in use
	ops      int64
	crashed  bool
	fault    func(Op) error
	onOp     func(Op)
}

// New returns an empty disk. The seed decides what a Crash keeps.
func New(seed uint64) *FS {
	return &FS{
		rand:     rand.New(rand.NewPCG(seed, 0x6d656d6673)),
		root:     newDir(),
		locked:   map[string]bool{},
		capacity: capacityDefault,
	}
}

// SetFault makes f decide, before each operation, whether it fails and how. A write
// that fails may have written a part; a sync that fails has lost what it did not
// write, and a later sync does not bring it back. nil: no faults.
func (s *FS) SetFault(f func(Op) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// OnOp makes f be told of each operation that is about to be done, for instance to
// add up how long it would take.
func (s *FS) OnOp(f func(Op)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onOp = f
}

// SetCapacity bounds the sum of all file sizes.
func (s *FS) SetCapacity(bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.capacity = bytes
}

// Ops returns how many operations there were.
func (s *FS) Ops() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ops
}

// begin counts an operation and asks whether it fails. On success s.mu is held.
func (s *FS) begin(kind Kind, name string, bytes int64) error {
	s.mu.Lock()
	s.ops++
	op := Op{N: s.ops, Kind: kind, Name: name, Bytes: bytes}
	fault, onOp := s.fault, s.onOp
	if s.crashed {
		s.mu.Unlock()
		return &fs.PathError{Op: kind.String(), Path: name, Err: ErrCrashed}
	}
	s.mu.Unlock()
	if onOp != nil {
		onOp(op)
	}
	if fault != nil {
		if err := fault(op); err != nil {
			return &fs.PathError{Op: kind.String(), Path: name, Err: err}
		}
	}
	s.mu.Lock()
	return nil
}

// elements cuts a name; relative names begin at the root.
func elements(name string) []string {
	name = strings.Trim(path.Clean("/"+name), "/")
	if name == "" {
		return nil
	}
	return strings.Split(name, "/")
}

// find returns the node called name.
func (s *FS) find(name string) (*node, error) {
	n := s.root
	for _, e := range elements(name) {
		if n.entries == nil || n.entries[e] == nil {
			return nil, fs.ErrNotExist
		}
		n = n.entries[e]
	}
	return n, nil
}

// parent returns the directory that holds name, and the last element.
func (s *FS) parent(name string) (*node, string, error) {
	dir, err := s.find(path.Dir(path.Clean("/" + name)))
	if err != nil {
		return nil, "", err
	}
	base := path.Base(path.Clean("/" + name))
	if dir.entries == nil || base == "/" {
		return nil, "", fs.ErrInvalid
	}
	return dir, base, nil
}

func fail(kind Kind, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: kind.String(), Path: name, Err: err}
}

// Create implements env.FS.
func (s *FS) Create(name string) (env.File, error) {
	if err := s.begin(OpCreate, name, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	dir, base, err := s.parent(name)
	if err != nil {
		return nil, fail(OpCreate, name, err)
	}
	n := dir.entries[base]
	switch {
	case n == nil:
		n = &node{}
		s.change(change{dir, base, n})
	case n.entries != nil:
		return nil, fail(OpCreate, name, fs.ErrInvalid)
	default:
		s.resize(n, 0)
	}
	return &file{fs: s, n: n, name: name, write: true}, nil
}

// Open implements env.FS.
func (s *FS) Open(name string) (env.File, error) { return s.open(OpOpen, name, false) }

// OpenWrite implements env.FS.
func (s *FS) OpenWrite(name string) (env.File, error) { return s.open(OpOpenWrite, name, true) }

func (s *FS) open(kind Kind, name string, write bool) (env.File, error) {
	if err := s.begin(kind, name, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	n, err := s.find(name)
	if err == nil && n.entries != nil {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, fail(kind, name, err)
	}
	return &file{fs: s, n: n, name: name, write: write}, nil
}

// List implements env.FS.
func (s *FS) List(dir string) ([]env.FileInfo, error) {
	if err := s.begin(OpList, dir, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	d, err := s.find(dir)
	if err == nil && d.entries == nil {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, fail(OpList, dir, err)
	}
	infos := make([]env.FileInfo, 0, len(d.entries))
	for _, name := range d.names() {
		infos = append(infos, d.entries[name].info(name))
	}
	return infos, nil
}

// Stat implements env.FS.
func (s *FS) Stat(name string) (env.FileInfo, error) {
	if err := s.begin(OpStat, name, 0); err != nil {
		return env.FileInfo{}, err
	}
	defer s.mu.Unlock()
	n, err := s.find(name)
	if err != nil {
		return env.FileInfo{}, fail(OpStat, name, err)
	}
	return n.info(path.Base(name)), nil
}

// MkdirAll implements env.FS.
func (s *FS) MkdirAll(dir string) error {
	if err := s.begin(OpMkdirAll, dir, 0); err != nil {
		return err
	}
	defer s.mu.Unlock()
	n := s.root
	for _, e := range elements(dir) {
		next := n.entries[e]
		if next == nil {
			next = newDir()
			s.change(change{n, e, next})
		}
		if next.entries == nil {
			return fail(OpMkdirAll, dir, fs.ErrExist)
		}
		n = next
	}
	return nil
}

// Rename implements env.FS. It is atomic, between directories too.
func (s *FS) Rename(oldName, newName string) error {
	if err := s.begin(OpRename, newName, 0); err != nil {
		return err
	}
	defer s.mu.Unlock()
	from, fromBase, err := s.parent(oldName)
	if err != nil {
		return fail(OpRename, oldName, err)
	}
	to, toBase, err := s.parent(newName)
	if err != nil {
		return fail(OpRename, newName, err)
	}
	n := from.entries[fromBase]
	if n == nil {
		return fail(OpRename, oldName, fs.ErrNotExist)
	}
	old := to.entries[toBase]
	if old == n {
		return nil
	}
	if old != nil && old.entries != nil {
		return fail(OpRename, newName, fs.ErrExist)
	}
	s.release(old)
	s.change(change{from, fromBase, nil}, change{to, toBase, n})
	return nil
}

// Remove implements env.FS.
func (s *FS) Remove(name string) error {
	if err := s.begin(OpRemove, name, 0); err != nil {
		return err
	}
	defer s.mu.Unlock()
	dir, base, err := s.parent(name)
	if err != nil {
		return fail(OpRemove, name, err)
	}
	n := dir.entries[base]
	switch {
	case n == nil:
		return fail(OpRemove, name, fs.ErrNotExist)
	case len(n.entries) > 0:
		return fail(OpRemove, name, errors.New("directory not empty"))
	}
	s.release(n)
	s.change(change{dir, base, nil})
	return nil
}

// SyncDir implements env.FS.
func (s *FS) SyncDir(dir string) error {
	if err := s.begin(OpSyncDir, dir, 0); err != nil {
		return err
	}
	defer s.mu.Unlock()
	d, err := s.find(dir)
	if err == nil && d.entries == nil {
		err = fs.ErrInvalid
	}
	if err != nil {
		return fail(OpSyncDir, dir, err)
	}
	s.commit(d)
	return nil
}

// Lock implements env.FS.
func (s *FS) Lock(name string) (io.Closer, error) {
	if err := s.begin(OpLock, name, 0); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	dir, base, err := s.parent(name)
	if err != nil {
		return nil, fail(OpLock, name, err)
	}
	key := path.Clean("/" + name)
	if s.locked[key] {
		return nil, fail(OpLock, name, env.ErrLocked)
	}
	if dir.entries[base] == nil {
		s.change(change{dir, base, &node{}})
	}
	s.locked[key] = true
	return &lock{s, key}, nil
}

type lock struct {
	fs  *FS
	key string
}

func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	if !l.fs.locked[l.key] {
		return fmt.Errorf("%s: %w", l.key, fs.ErrClosed)
	}
	delete(l.fs.locked, l.key)
	return nil
}

// FreeSpace implements env.FS.
func (s *FS) FreeSpace(dir string) (int64, error) {
	if err := s.begin(OpFreeSpace, dir, 0); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	return max(s.capacity-s.used, 0), nil
}

// names returns the entries of a directory in order.
func (n *node) names() []string {
	names := make([]string, 0, len(n.entries))
	for name := range n.entries {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
