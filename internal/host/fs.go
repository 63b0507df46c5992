package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

// FS returns the machine's file system, for programs that need nothing else of
// a Host.
func FS() env.FS { return files{} }

// files implements env.FS.
type files struct{}

// mapped gives errors of the system the identity that package env promises.
func mapped(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w: %w", env.ErrNoSpace, err)
	case errors.Is(err, unix.EROFS):
		return fmt.Errorf("%w: %w", env.ErrReadOnly, err)
	}
	return err
}

// open opens a regular file.
func open(name string, flags int) (env.File, error) {
	f, err := os.OpenFile(name, flags, 0o644)
	if err != nil {
		return nil, mapped(err)
	}
	return file{f}, nil
}

func (files) Create(name string) (env.File, error) {
	return open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}
func (files) Open(name string) (env.File, error)      { return open(name, os.O_RDONLY) }
func (files) OpenWrite(name string) (env.File, error) { return open(name, os.O_RDWR) }

func (files) List(dir string) ([]env.FileInfo, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, mapped(err)
	}
	list := make([]env.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := os.Stat(dir + "/" + e.Name())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue // removed meanwhile, or a dangling link
		case err != nil:
			return nil, mapped(err)
		}
		list = append(list, env.FileInfo{Name: e.Name(), Size: info.Size(), Dir: info.IsDir()})
	}
	return list, nil
}

func (files) Stat(name string) (env.FileInfo, error) {
	info, err := os.Stat(name)
	if err != nil {
		return env.FileInfo{}, mapped(err)
	}
	return env.FileInfo{Name: info.Name(), Size: info.Size(), Dir: info.IsDir()}, nil
}

func (files) MkdirAll(dir string) error            { return mapped(os.MkdirAll(dir, 0o755)) }
func (files) Rename(oldName, newName string) error { return mapped(os.Rename(oldName, newName)) }
func (files) Remove(name string) error             { return mapped(os.Remove(name)) }

func (files) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return mapped(err)
	}
	defer d.Close()
	return mapped(d.Sync())
}

// Lock implements env.FS with flock, which ends with the process, however that
// ends.
func (files) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, mapped(err)
	}
	err = withFD(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
	if err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", name, env.ErrLocked)
		}
		return nil, mapped(fmt.Errorf("lock %s: %w", name, err))
	}
	return f, nil
}

func (files) FreeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := again(func() error { return unix.Statfs(dir, &st) }); err != nil {
		return 0, mapped(&fs.PathError{Op: "statfs", Path: dir, Err: err})
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// A file implements env.File.
type file struct{ *os.File }

func (f file) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	return n, mapped(err)
}

func (f file) WriteAt(b []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(b, off)
	return n, mapped(err)
}

func (f file) Truncate(size int64) error { return mapped(f.File.Truncate(size)) }
func (f file) Close() error              { return mapped(f.File.Close()) }

func (f file) Sync() error {
	if err := withFD(f.File, fdatasync); err != nil {
		return mapped(&fs.PathError{Op: "fdatasync", Path: f.Name(), Err: err})
	}
	return nil
}

func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, mapped(err)
	}
	return info.Size(), nil
}

// Preallocate implements env.File. Where the file system cannot reserve space,
// zeros are written.
func (f file) Preallocate(size int64) error {
	have, err := f.Size()
	if err != nil || have >= size {
		return err
	}
	err = withFD(f.File, func(fd int) error { return reserve(fd, have, size-have) })
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return mapped(&fs.PathError{Op: "fallocate", Path: f.Name(), Err: err})
	}
	return f.zero(have, size)
}

// zero writes zeros from one offset to another.
func (f file) zero(from, to int64) error {
	zeros := make([]byte, 64<<10)
	for from < to {
		n, err := f.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// withFD calls do with the descriptor of f, again while a signal interrupts it.
func withFD(f *os.File, do func(fd int) error) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		failed = again(func() error { return do(int(fd)) })
	})
	if err != nil {
		return err
	}
	return failed
}

// again repeats a system call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
