package host

import (
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"ostler/internal/env"
)

// receive waits for bytes and adds them to buf. While nothing is kept, no
// buffer is held: one is taken from the pool once there is something to read.
func (s *stream) receive() error {
	s.readN, s.readErr = 0, nil
	if err := s.raw.Read(s.readReady); err != nil {
		return timeoutOf(err)
	}
	switch {
	case s.readErr != nil:
		return fmt.Errorf("read: %w", s.readErr)
	case s.readN == 0:
		return io.EOF
	}
	return nil
}

// readFD reads once. It is called again when the socket is readable.
func (s *stream) readFD(fd uintptr) bool {
	s.makeRoom()
	n, err := unix.Read(int(fd), s.buf.b[s.fill:])
	for err == unix.EINTR {
		n, err = unix.Read(int(fd), s.buf.b[s.fill:])
	}
	if err == unix.EAGAIN {
		if s.fill == 0 {
			s.release()
		}
		return false
	}
	if err != nil {
		s.readErr = err
		return true
	}
	s.readN = n
	s.fill += n
	return true
}

// makeRoom sees to it that a read gets a fair number of bytes.
func (s *stream) makeRoom() {
	if s.buf == nil {
		s.buf = newChunk(largestChunk)
		return
	}
	if len(s.buf.b)-s.fill >= max(s.fill, 256) {
		return
	}
	bigger := newChunk(max(2*s.fill, 4<<10))
	copy(bigger.b, s.buf.b[:s.fill])
	s.buf.free()
	s.buf = bigger
}

// consume drops the first n bytes, and keeps the rest in a buffer that fits it.
func (s *stream) consume(n int) {
	rest := s.buf.b[n:s.fill]
	s.fill = len(rest)
	switch {
	case len(rest) == 0:
		s.release()
	case len(rest) < len(s.buf.b)/8:
		small := newChunk(2 * len(rest))
		copy(small.b, rest)
		s.buf.free()
		s.buf = small
	default:
		copy(s.buf.b, rest)
	}
}

// release gives the receive buffer back.
func (s *stream) release() {
	if s.buf != nil {
		s.buf.free()
		s.buf, s.fill = nil, 0
	}
}

// startFlush starts a goroutine that sends, unless somebody sends already. The
// caller holds mu, and the stream is not closed, so its owner is running.
func (s *stream) startFlush() {
	if s.flushing || s.queue.size == 0 || s.closed {
		return
	}
	s.flushing = true
	s.h.wg.Go(s.flushAll)
}

// flushOnce is the reader's flush: it never waits for the other side, since both
// sides could come to do that.
func (s *stream) flushOnce() {
	if s.flush(s.writeOnce) {
		s.h.wg.Go(s.flushAll)
	}
}

// flushAll sends until nothing is queued.
func (s *stream) flushAll() {
	for s.flush(s.writeReady) {
	}
}

// flush makes one system call with the first of what is queued, and more of them
// while that goes well. more says that something is left, and that the caller
// still has to see to it.
func (s *stream) flush(write func(fd uintptr) bool) (more bool) {
	for {
		s.mu.Lock()
		s.bufs = s.queue.gather(s.bufs[:0])
		s.mu.Unlock()
		s.writeN, s.writeErr = 0, nil
		err := s.raw.Write(write)
		if err == nil {
			err = s.writeErr
		}
		clear(s.bufs)
		done, writable := s.flushed(s.writeN, err)
		if writable {
			s.tellWritable()
		}
		if done {
			return false
		}
		if s.writeN == 0 {
			return true
		}
	}
}

// writeFD writes once. It is called again when the socket takes bytes.
func (s *stream) writeFD(fd uintptr) bool {
	n, err := writev(int(fd), s.bufs)
	for err == unix.EINTR {
		n, err = writev(int(fd), s.bufs)
	}
	if err == unix.EAGAIN {
		return false
	}
	if err != nil {
		s.writeErr = err
		return true
	}
	s.writeN = n
	return true
}

// flushed records that n bytes left. done says that the caller's turn is over.
func (s *stream) flushed(n int, err error) (done, writable bool) {
	if err != nil {
		s.fail(fmt.Errorf("write: %w", timeoutOf(err)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.flushing = false
		s.queue.clear()
		s.cond.Broadcast()
		return true, false
	}
	s.queue.sent(n)
	if s.above && s.queue.size <= s.lowWater {
		s.above, writable = false, true
	}
	if s.queue.size > 0 {
		return false, writable
	}
	s.flushing = false
	if cap(s.bufs) > writeMax {
		s.bufs = nil
	}
	s.cond.Broadcast()
	return true, writable
}

// tellWritable calls Writable unless the stream has ended.
func (s *stream) tellWritable() {
	s.call.Lock()
	defer s.call.Unlock()
	s.mu.Lock()
	h := s.handler
	if s.closed || s.ending {
		h = nil
	}
	s.mu.Unlock()
	if h != nil {
		h.Writable()
	}
}

// timeoutOf gives a passed deadline the name that package env has for it.
func timeoutOf(err error) error {
	if isTimeout(err) {
		return fmt.Errorf("%w: %w", env.ErrTimeout, err)
	}
	return err
}
