//go:build unix && !linux

package host

import "golang.org/x/sys/unix"

// fdatasync makes the content of a file durable.
func fdatasync(fd int) error { return unix.Fsync(fd) }

// reserve is not there: zeros are written instead.
func reserve(fd int, off, n int64) error { return unix.ENOSYS }

// writev writes the first of several slices; the caller comes back with the rest.
func writev(fd int, bufs [][]byte) (int, error) { return unix.Write(fd, bufs[0]) }
