package host

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"ostler/internal/env"
)

const (
	// defaultSendLimit is the SendLimit that 0 stands for.
	defaultSendLimit = 64 << 20
	// flushTime is how long CloseAfterFlush waits for the other side to take
	// what is queued, lingerTime how long it waits for it to close as well, so
	// that unread bytes here do not reset what is under way to it.
	flushTime  = 10 * time.Second
	lingerTime = time.Second
)

// longAgo is a deadline that interrupts a read under way.
var longAgo = time.Unix(1, 0)

// A stream is one TCP connection.
type stream struct {
	// Set when it is made.
	h             *Host
	conn          *net.TCPConn
	raw           syscall.RawConn
	remote, local netip.AddrPort
	sendLimit     int
	lowWater      int
	lostAfter     time.Duration // 0: never

	// Owned by the reader.
	buf       *chunk // what arrived and was not consumed; nil when there is nothing
	fill      int    // bytes of it
	readN     int
	readErr   error
	readReady func(fd uintptr) bool // made once, so that a read does not allocate

	// Owned by who has set flushing.
	bufs       [][]byte
	writeN     int
	writeErr   error
	writeReady func(fd uintptr) bool // waits until the socket takes bytes
	writeOnce  func(fd uintptr) bool // does not

	// call is held while the handler is called.
	call sync.Mutex

	mu       sync.Mutex
	cond     sync.Cond // paused, closed, ending or flushing changed
	handler  env.Handler
	queue    sendQueue
	inData   bool  // the reader will flush when the handler returns
	flushing bool  // somebody is sending
	above    bool  // the queue was above lowWater; Writable is due
	paused   bool  //
	resumes  int   // how often Pause(false) was called
	ending   bool  // CloseAfterFlush was called
	closed   bool  // no more is sent or delivered
	cause    error // why; for Closed
	timeout  time.Duration
	deadline time.Time // when silence ends the stream; zero: never
}

// newStream returns a stream that does not read yet.
func newStream(h *Host, conn *net.TCPConn, o env.StreamOptions) (*stream, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &stream{
		h: h, conn: conn, raw: raw, remote: addrPort(conn.RemoteAddr()), local: addrPort(conn.LocalAddr()),
		sendLimit: o.SendLimit, lowWater: o.LowWater, lostAfter: o.LostAfter,
	}
	if s.sendLimit == 0 {
		s.sendLimit = defaultSendLimit
	}
	if s.lowWater == 0 {
		s.lowWater = s.sendLimit / 2
	}
	s.cond.L = &s.mu
	s.readReady = s.readFD
	s.writeReady = func(fd uintptr) bool { return s.writeFD(fd) }
	s.writeOnce = func(fd uintptr) bool { s.writeFD(fd); return true }
	if err := s.setKeepAlive(o.KeepAlive); err != nil {
		return nil, fmt.Errorf("set keep-alive: %w", err)
	}
	return s, nil
}

// Remote implements env.Stream.
func (s *stream) Remote() netip.AddrPort { return s.remote }

// Local implements env.Stream.
func (s *stream) Local() netip.AddrPort { return s.local }

// setHandler is called before run.
func (s *stream) setHandler(h env.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// Pause implements env.Stream.
func (s *stream) Pause(reading bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = reading
	if !reading {
		s.resumes++
	}
	s.setDeadline(!reading)
	s.cond.Broadcast()
}

// SetReadTimeout implements env.Stream.
func (s *stream) SetReadTimeout(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timeout = d
	s.setDeadline(false)
}

// setDeadline begins a new span of silence; interrupt makes the reader look up
// first. The caller holds mu.
func (s *stream) setDeadline(interrupt bool) {
	s.deadline = time.Time{}
	if s.timeout > 0 && !s.paused {
		s.deadline = time.Now().Add(s.timeout)
	}
	switch {
	case s.closed, s.ending:
	case interrupt:
		s.conn.SetReadDeadline(longAgo)
	default:
		s.conn.SetReadDeadline(s.deadline)
	}
}

// Close implements env.Stream.
func (s *stream) Close() { s.fail(nil) }

// abort ends a stream that never had a handler.
func (s *stream) abort() {
	s.fail(nil)
	s.conn.Close()
}

// fail ends the stream for a reason; the first one counts.
func (s *stream) fail(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	if !s.ending {
		s.cause = cause
	}
	if !s.flushing {
		s.queue.clear()
	}
	s.conn.Close() // interrupts reader and writer; does not block without linger
	s.cond.Broadcast()
}

// CloseAfterFlush implements env.Stream.
func (s *stream) CloseAfterFlush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ending {
		return
	}
	s.ending = true
	s.conn.SetWriteDeadline(time.Now().Add(flushTime))
	s.conn.SetReadDeadline(longAgo)
	s.cond.Broadcast()
}

// run delivers what arrives until the stream ends.
func (s *stream) run() {
	unwatch := s.watchLost()
	s.fail(s.read())
	unwatch()
	s.mu.Lock()
	cause := s.cause
	if !s.flushing {
		s.queue.clear()
	}
	s.mu.Unlock()
	s.release()
	s.call.Lock()
	defer s.call.Unlock()
	h := s.handler
	s.mu.Lock()
	s.handler = nil // no Writable after Closed
	s.mu.Unlock()
	h.Closed(cause)
}

// read is the reader's loop. It returns why the stream ends, nil when it was
// closed from here.
func (s *stream) read() error {
	seen := 0 // Pause(false) calls that the handler has been called after
	for {
		resumes, ok := s.await(seen)
		if !ok {
			return nil
		}
		if resumes == seen || s.fill == 0 {
			if err := s.receive(); err != nil {
				if s.excused(err) {
					continue
				}
				return err
			}
		}
		seen = resumes
		if err := s.deliver(); err != nil {
			return err
		}
	}
}

// await waits while the stream is paused. ok is false when it is over.
func (s *stream) await(seen int) (resumes int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.paused && !s.closed && !s.ending {
		s.cond.Wait()
	}
	if s.ending && !s.closed {
		s.linger()
		return 0, false
	}
	if s.closed {
		return 0, false
	}
	if s.resumes == seen || s.fill == 0 {
		s.setDeadline(false)
	}
	return s.resumes, true
}

// linger waits until what is queued has left and the other side has closed too,
// for a short time. The caller holds mu.
func (s *stream) linger() {
	s.startFlush()
	for s.queue.size > 0 && !s.closed {
		s.cond.Wait()
	}
	if s.closed {
		return
	}
	s.mu.Unlock()
	defer s.mu.Lock()
	s.conn.SetReadDeadline(time.Now().Add(lingerTime))
	if s.conn.CloseWrite() == nil {
		io.Copy(io.Discard, io.LimitReader(s.conn, 16<<20))
	}
}

// excused reports whether a failed read was only interrupted.
func (s *stream) excused(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.ending {
		return true
	}
	return isTimeout(err) && (s.paused || s.deadline.IsZero() || time.Now().Before(s.deadline))
}

// deliver hands what has arrived to the handler, then sends what was queued
// meanwhile.
func (s *stream) deliver() error {
	s.mu.Lock()
	if s.closed || s.ending || s.paused {
		s.mu.Unlock()
		return nil
	}
	s.inData = true
	s.mu.Unlock()
	s.call.Lock()
	n, err := s.handler.Data(s.buf.b[:s.fill])
	s.call.Unlock()
	s.consume(n)
	s.mu.Lock()
	s.inData = false
	mine := s.queue.size > 0 && !s.flushing && !s.closed
	if mine {
		s.flushing = true
	}
	s.mu.Unlock()
	if mine {
		s.flushOnce()
	}
	return err
}

// Send implements env.Stream.
func (s *stream) Send(frame []byte) error { return s.enqueue(frame, false) }

// SendShared implements env.Stream.
func (s *stream) SendShared(frame []byte) error { return s.enqueue(frame, true) }

// enqueue adds a frame and sees to it that somebody sends it.
func (s *stream) enqueue(frame []byte, shared bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed, s.ending:
		return env.ErrClosed
	case s.queue.size+len(frame) > s.sendLimit:
		return env.ErrFull
	case shared:
		s.queue.share(frame)
	default:
		s.queue.copyIn(frame)
	}
	if s.queue.size > s.lowWater {
		s.above = true
	}
	if !s.inData {
		s.startFlush()
	}
	return nil
}

// SendQueued implements env.Stream.
func (s *stream) SendQueued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.size
}

// isTimeout reports whether a deadline passed.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
