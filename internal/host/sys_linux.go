package host

import "golang.org/x/sys/unix"

// fdatasync makes the content of a file durable, and of its metadata what is
// needed to read that.
func fdatasync(fd int) error { return unix.Fdatasync(fd) }

// reserve extends a file by real space that reads as zeros.
func reserve(fd int, off, n int64) error { return unix.Fallocate(fd, 0, off, n) }

// writev writes several slices with one system call.
func writev(fd int, bufs [][]byte) (int, error) {
	if len(bufs) == 1 {
		return unix.Write(fd, bufs[0])
	}
	return unix.Writev(fd, bufs)
}
