// Package env declares the seams between a server and the world outside its
// memory: clock, files, network and loops. Package host implements them on a
// real machine, package sim in a simulated world with virtual time and faults.
//
// # Rules for code that runs behind the seams
//
// It starts no goroutine, reads no clock and opens no socket or file other than
// through an Env. A step of a loop may make blocking file calls; what tells
// others that they are done goes into the function the step returns. Sending or
// waking after a blocking file call within the same step is a failure in the
// simulator, so an acknowledgement cannot run ahead of the disk by accident.
package env

import (
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"
)

// An Env is everything a server takes from the world outside its own memory.
type Env struct {
	Clock Clock
	Rand  *rand.Rand // seeded by whoever builds the Env; used by one loop only
	FS    FS
	Net   Net
	Loops Loops
	Log   *slog.Logger
}

// A Clock tells time and wakes loops.
type Clock interface {
	Now() time.Time              // monotonic: timeouts, session expiry
	Wall() time.Time             // wall clock: ctime and mtime only
	WakeAt(t time.Time, w Waker) // wakes w once, at or after t
}

// A Waker asks its loop for another step. Wake never blocks, and coalesces.
type Waker interface{ Wake() }

// A Loop runs the steps of one owner; steps of one loop never overlap.
type Loop interface {
	Waker
	// Stop makes the loop begin no further step. In production it waits for
	// the step under way, so a step must not stop its own loop.
	Stop()
}

// Loops starts the loops of a server.
type Loops interface {
	// Start makes a loop that calls step after each Wake. What step returns,
	// unless nil, runs when the step's blocking file calls have taken their time.
	Start(name string, step func() (then func())) Loop
	// Parallel calls f(0) … f(n-1), at the same time where there are cores, and
	// returns when all are done.
	Parallel(n int, f func(i int))
}

// A File is an open file. Write (which appends at the current end of what was
// written through this File; a File from Append starts at the file's end) and
// Sync are never called concurrently. Sync is fdatasync.
type File interface {
	io.Writer
	io.ReaderAt
	io.Closer
	// WriteAt overwrites in place or extends.
	WriteAt(b []byte, off int64) (int, error)
	// Preallocate reserves real space up to size bytes; the added bytes read as zero.
	Preallocate(size int64) error
	Truncate(size int64) error
	Sync() error
	Size() (int64, error)
}

// A FileInfo is one entry of a directory.
type FileInfo struct {
	Name string // last element only
	Size int64
	Dir  bool
}

// An FS is a file system. Names are slash-separated paths. Errors satisfy
// errors.Is with fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, ErrNoSpace and
// ErrReadOnly where these apply.
type FS interface {
	Create(name string) (File, error)     // truncates what is there; read and write
	Open(name string) (File, error)       // read only
	OpenWrite(name string) (File, error)  // an existing file, read and write; Write begins at offset 0
	List(dir string) ([]FileInfo, error)  // sorted by name
	Stat(name string) (FileInfo, error)   //
	MkdirAll(dir string) error            //
	Rename(oldName, newName string) error // replaces newName
	Remove(name string) error             // a file or an empty directory
	SyncDir(dir string) error             //
	// Lock takes an exclusive lock on the file, made if missing, held until
	// Close or the end of the process. ErrLocked: someone else has it.
	Lock(name string) (io.Closer, error)
	FreeSpace(dir string) (int64, error) // bytes
}

// Errors that every FS and Net uses.
var (
	ErrLocked   = errors.New("locked by another process")
	ErrNoSpace  = errors.New("no space left on device")
	ErrReadOnly = errors.New("read-only file system")
	// ErrFull is returned by Stream.Send beyond the stream's limit; the
	// stream is then good for nothing but Close.
	ErrFull = errors.New("send queue is full")
	// ErrClosed is returned by Send after Close.
	ErrClosed = errors.New("stream is closed")
	// ErrTimeout is given to a Handler whose read timeout passed.
	ErrTimeout = errors.New("read timeout")
	// ErrLost may be given to a Handler when StreamOptions.LostAfter passed.
	ErrLost = errors.New("the other machine does not answer")
)

// A Handler is told what a stream delivers, one call at a time, never again
// after Closed. Its methods may be called on any goroutine.
type Handler interface {
	// Data gets bytes in order; the unconsumed rest comes again, with more. The
	// slice is only valid during the call. An error closes the stream and is
	// given to Closed. It is called again with the same rest after Pause(false),
	// so a handler that stops in the middle of b can go on.
	Data(b []byte) (consumed int, err error)
	// Writable is called when the send queue fell to LowWater or below after
	// it was above it.
	Writable()
	// Closed is called exactly once, whoever closed; err is nil after an own Close
	// and io.EOF when the other side ended the connection.
	Closed(err error)
}

// A Stream is one ordered, reliable connection: plain TCP or TLS. All methods
// may be called from any goroutine, and none blocks. Closing from inside the
// handler's own Data is allowed.
type Stream interface {
	// Send queues a copy of frame. One Send is one write at the earliest
	// moment: frames queued together leave together.
	Send(frame []byte) error
	// SendShared queues frame without copying; nobody may change it afterwards.
	SendShared(frame []byte) error
	// SendQueued is the number of bytes not yet handed to the network.
	SendQueued() int
	// Pause stops or resumes delivering Data: back-pressure.
	Pause(reading bool)
	// SetReadTimeout closes the stream with ErrTimeout when no byte arrives
	// for d; 0 turns it off. Time while paused counts not.
	SetReadTimeout(d time.Duration)
	// Close ends the stream at once; queued bytes are dropped.
	Close()
	// CloseAfterFlush ends the stream when what is queued has left.
	CloseAfterFlush()
	Remote() netip.AddrPort
	Local() netip.AddrPort
}

// StreamOptions are the limits of a stream.
type StreamOptions struct {
	SendLimit int // bytes queued at most; 0 means 64 MiB
	LowWater  int // see Handler.Writable; 0 means half of SendLimit
	KeepAlive bool
	// LostAfter ends the stream with an error once the other machine has answered
	// nothing for about so long, neither what was sent nor, while nothing is, a probe;
	// 0: only what KeepAlive does. A reader that takes its time does answer. What the
	// system probes by is counted in seconds.
	LostAfter time.Duration
	Backlog   int // of Listen: connections that wait to be accepted; <= 0: the system's limit
}

// A Listener is an open port.
type Listener interface {
	Addr() netip.AddrPort
	// Close stops accepting; streams already accepted live on.
	Close()
}

// A Net makes connections. Host names are resolved anew at each Dial and Listen.
type Net interface {
	// Listen opens addr, host:port, and calls accept for each connection. accept
	// returns nil to refuse it.
	Listen(addr string, o StreamOptions, accept func(Stream) Handler) (Listener, error)
	// Dial connects without blocking the caller. connected is called once,
	// from any goroutine: with a stream, for which it returns the handler
	// (nil closes it), or with an error.
	Dial(addr string, timeout time.Duration, o StreamOptions, connected func(Stream, error) Handler)
}
