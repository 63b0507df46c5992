package sim

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"ostler/internal/env"
	"ostler/internal/env/memfs"
)

// errDead is what file calls of a process that has ended return: they do nothing.
var errDead = errors.New("the process has ended")

// errIO is a failing disk.
var errIO = errors.New("input/output error")

// A Disk is a machine's file system, with what time its calls take, and with faults.
type Disk struct {
	m      *Machine
	fs     *memfs.FS
	rand   *rand.Rand
	locked map[string]bool

	// Slow multiplies the time of every call; 0 counts as 1.
	Slow int
	// Full makes everything that needs space fail.
	Full bool
	// FailSync is the chance that a sync fails.
	FailSync float64

	crashIn    int // file calls until the process crashes; 0: none planned
	crashPower bool
	calls      uint64
}

func newDisk(m *Machine, seed uint64) *Disk {
	d := &Disk{
		m: m, fs: memfs.New(seed), locked: make(map[string]bool),
		rand: rand.New(rand.NewPCG(seed, 7)),
	}
	d.fs.SetFault(d.fault)
	return d
}

// fault decides whether a call fails. What a failed write or sync leaves behind
// is the file system's to choose.
func (d *Disk) fault(op memfs.Op) error {
	switch op.Kind {
	case memfs.OpSync, memfs.OpSyncDir:
		if d.FailSync > 0 && d.rand.Float64() < d.FailSync {
			return errIO
		}
	case memfs.OpWrite, memfs.OpPreallocate:
		if d.Full {
			return env.ErrNoSpace
		}
	case memfs.OpCreate, memfs.OpMkdirAll:
		if d.Full && d.rand.IntN(2) == 0 {
			return env.ErrNoSpace
		}
	}
	return nil
}

// FS shows the files as they are, without time or faults, to who checks them.
func (d *Disk) FS() env.FS { return d.fs }

// Calls is the number of file calls so far.
func (d *Disk) Calls() uint64 { return d.calls }

// powerOff loses what was not synced, or any part of it.
func (d *Disk) powerOff() { d.fs = d.fs.Crash() }

// A cost is how long a call takes: at least base, plus up to spread, plus the
// time for its bytes.
type cost struct{ base, spread int64 }

var (
	costRead   = cost{5_000, 20_000}
	costWrite  = cost{5_000, 30_000}
	costMeta   = cost{20_000, 60_000}
	costSync   = cost{150_000, 1_500_000}
	nanosPerKB = int64(2_000) // 500 MB/s
)

// begin is called before each file call of a process.
func (d *Disk) begin(p *process, what string, c cost, bytes int) error {
	w := d.m.w
	if !p.alive || w.cur.frozen {
		return errDead
	}
	d.calls++
	if d.crashIn > 0 {
		if d.crashIn--; d.crashIn == 0 {
			d.m.plannedEnd(0, d.crashPower, true)
		}
	}
	t := c.base + d.rand.Int64N(c.spread) + int64(bytes)>>10*nanosPerKB
	if d.rand.Uint32()&0xff == 0 {
		t *= 20
	}
	if d.Slow > 1 {
		t *= int64(d.Slow)
	}
	w.cur.blocked += t
	if p.endAt > 0 && w.now+w.cur.blocked > p.endAt {
		w.cur.frozen = true
		panic(frozen{})
	}
	w.note(kindDisk, d.m, what, int64(bytes), "")
	return nil
}

// procFS is the disk as a process sees it.
type procFS struct {
	d *Disk
	p *process
}

// file hides an open file behind the time that its calls take.
type file struct {
	d *Disk
	p *process
	f env.File
}

func (s *procFS) open(what, name string, c cost, open func(string) (env.File, error)) (env.File, error) {
	if err := s.d.begin(s.p, what, c, 0); err != nil {
		return nil, fmt.Errorf("%s %s: %w", what, name, err)
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	return &file{d: s.d, p: s.p, f: f}, nil
}

// Create implements env.FS.
func (s *procFS) Create(name string) (env.File, error) {
	return s.open("create", name, costMeta, s.d.fs.Create)
}

// Open implements env.FS.
func (s *procFS) Open(name string) (env.File, error) {
	return s.open("open", name, costRead, s.d.fs.Open)
}

// OpenWrite implements env.FS.
func (s *procFS) OpenWrite(name string) (env.File, error) {
	return s.open("open for writing", name, costMeta, s.d.fs.OpenWrite)
}

// List implements env.FS.
func (s *procFS) List(dir string) ([]env.FileInfo, error) {
	if err := s.d.begin(s.p, "list", costRead, 0); err != nil {
		return nil, err
	}
	return s.d.fs.List(dir)
}

// Stat implements env.FS.
func (s *procFS) Stat(name string) (env.FileInfo, error) {
	if err := s.d.begin(s.p, "stat", costRead, 0); err != nil {
		return env.FileInfo{}, err
	}
	return s.d.fs.Stat(name)
}

// MkdirAll implements env.FS.
func (s *procFS) MkdirAll(dir string) error {
	if err := s.d.begin(s.p, "mkdir", costMeta, 0); err != nil {
		return err
	}
	return s.d.fs.MkdirAll(dir)
}

// Rename implements env.FS.
func (s *procFS) Rename(oldName, newName string) error {
	if err := s.d.begin(s.p, "rename", costMeta, 0); err != nil {
		return err
	}
	return s.d.fs.Rename(oldName, newName)
}

// Remove implements env.FS.
func (s *procFS) Remove(name string) error {
	if err := s.d.begin(s.p, "remove", costMeta, 0); err != nil {
		return err
	}
	return s.d.fs.Remove(name)
}

// SyncDir implements env.FS.
func (s *procFS) SyncDir(dir string) error {
	if err := s.d.begin(s.p, "sync directory", costSync, 0); err != nil {
		return err
	}
	return s.d.fs.SyncDir(dir)
}

// FreeSpace implements env.FS.
func (s *procFS) FreeSpace(string) (int64, error) {
	if err := s.d.begin(s.p, "free space", costRead, 0); err != nil {
		return 0, err
	}
	if s.d.Full {
		return 0, nil
	}
	return 100 << 30, nil
}

// Lock implements env.FS. Locks end with the process, so they are kept here.
func (s *procFS) Lock(name string) (io.Closer, error) {
	if err := s.d.begin(s.p, "lock", costMeta, 0); err != nil {
		return nil, err
	}
	if s.d.locked[name] {
		return nil, fmt.Errorf("lock %s: %w", name, env.ErrLocked)
	}
	s.d.locked[name] = true
	s.p.locks = append(s.p.locks, name)
	return &lock{s.d, s.p, name}, nil
}

// A lock is held until Close or the end of its process.
type lock struct {
	d    *Disk
	p    *process
	name string
}

// Close gives the lock up.
func (l *lock) Close() error {
	if l.p.alive {
		delete(l.d.locked, l.name)
	}
	return nil
}

// Write implements env.File.
func (f *file) Write(b []byte) (int, error) {
	if err := f.d.begin(f.p, "write", costWrite, len(b)); err != nil {
		return 0, err
	}
	return f.f.Write(b)
}

// WriteAt implements env.File.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	if err := f.d.begin(f.p, "write at", costWrite, len(b)); err != nil {
		return 0, err
	}
	return f.f.WriteAt(b, off)
}

// ReadAt implements env.File.
func (f *file) ReadAt(b []byte, off int64) (int, error) {
	if err := f.d.begin(f.p, "read", costRead, len(b)); err != nil {
		return 0, err
	}
	return f.f.ReadAt(b, off)
}

// Close implements env.File.
func (f *file) Close() error {
	if !f.p.alive || f.d.m.w.cur.frozen {
		return errDead
	}
	return f.f.Close()
}

// Preallocate implements env.File.
func (f *file) Preallocate(size int64) error {
	if err := f.d.begin(f.p, "preallocate", costMeta, 0); err != nil {
		return err
	}
	return f.f.Preallocate(size)
}

// Truncate implements env.File.
func (f *file) Truncate(size int64) error {
	if err := f.d.begin(f.p, "truncate", costMeta, 0); err != nil {
		return err
	}
	return f.f.Truncate(size)
}

// Sync implements env.File.
func (f *file) Sync() error {
	if err := f.d.begin(f.p, "sync", costSync, 0); err != nil {
		return err
	}
	return f.f.Sync()
}

// Size implements env.File.
func (f *file) Size() (int64, error) {
	if !f.p.alive || f.d.m.w.cur.frozen {
		return 0, errDead
	}
	return f.f.Size()
}

var (
	_ env.FS   = (*procFS)(nil)
	_ env.File = (*file)(nil)
)
