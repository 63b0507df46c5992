package peers

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// The window of a link: how many bytes of packets may wait for the owner before
// the other side is held up, and how many may wait for the network before the
// link is given up (architecture.md section 12).
const (
	receiveWindow = 16 << 20
	sendLimit     = 256 << 20
	// snapAhead is how much of a snapshot is queued at a time.
	snapAhead = 1 << 20
)

// PacketMax is the largest string or buffer in a packet, in bytes. It is far
// above what ZooKeeper accepts, so that no peer's large transaction is lost.
const PacketMax = 64 << 20

// A LinkOwner is told what a link delivers, in order, on any goroutine. Its
// methods do not block.
type LinkOwner interface {
	// Packet is told each packet; after a TRUNC or SNAP (and its stream) the
	// link holds back further ones until Continue. size is given back by Done.
	Packet(l *Link, p peerwire.Packet, size int)
	// SnapshotBegin returns what reads the stream behind a SNAP packet.
	SnapshotBegin(l *Link, zxid zk.Zxid) SnapshotReader
	// SnapshotEnd says that the stream is complete.
	SnapshotEnd(l *Link, zxid zk.Zxid, r SnapshotReader)
	// Down is the end of the link, told once.
	Down(l *Link, err error)
}

// A SnapshotReader takes a SNAP stream piece by piece (quorum.md 4.7).
type SnapshotReader interface {
	Feed(b []byte) (consumed int, done bool, err error)
}

// A SnapshotWriter gives a SNAP stream piece by piece: Next appends up to about
// max bytes to dst; done means that nothing follows. Close may be called once at any time
// and ends the reading of the view.
type SnapshotWriter interface {
	Next(dst []byte, max int) (b []byte, done bool, err error)
	Close()
}

// A Link is one connection on the quorum port. It implements env.Handler.
type Link struct {
	ID     uint64
	owner  LinkOwner
	stream env.Stream

	// Owned by the stream's reader.
	snap     SnapshotReader
	snapZxid zk.Zxid

	waiting atomic.Int64 // bytes of packets the owner has not done yet
	held    atomic.Bool  // further packets wait for Continue

	mu      sync.Mutex
	sending SnapshotWriter // a stream that goes ahead of queued
	queued  [][]byte       // encoded packets behind it
	pending int            // bytes in queued
	closed  bool
	sender  env.Waker // the loop that pushes snapshots on
}

// NewLink returns the link of a stream; sender is woken when a snapshot that is
// being sent can go on, and calls PushSnapshot.
func NewLink(id uint64, s env.Stream, owner LinkOwner, sender env.Waker) *Link {
	return &Link{ID: id, owner: owner, stream: s, sender: sender}
}

// StreamOptions are the limits of a link's stream. Beside a read timeout, lostAfter
// finds a machine that is gone while it has nothing to say, as behind a snapshot.
func StreamOptions(lostAfter time.Duration) env.StreamOptions {
	return env.StreamOptions{SendLimit: sendLimit, LowWater: snapAhead / 2, KeepAlive: true, LostAfter: lostAfter}
}

// Data implements env.Handler.
func (l *Link) Data(b []byte) (int, error) {
	total := 0
	for !l.held.Load() {
		n, err := l.next(b[total:])
		if err != nil {
			return total, err
		}
		if n == 0 {
			return total, nil
		}
		total += n
	}
	return total, nil
}

// next consumes one packet or a piece of a snapshot.
func (l *Link) next(b []byte) (int, error) {
	if l.snap != nil {
		return l.feed(b)
	}
	p, n, err := peerwire.DecodePacket(b, PacketMax)
	if err != nil || n == 0 {
		return n, err
	}
	switch p.Type {
	case peerwire.Snap:
		if l.snap = l.owner.SnapshotBegin(l, p.Zxid); l.snap == nil {
			return 0, fmt.Errorf("a snapshot arrived where none is expected")
		}
		l.snapZxid = p.Zxid
	case peerwire.Trunc:
		l.hold()
	}
	l.owner.Packet(l, p, n)
	l.throttle(n)
	return n, nil
}

// throttle holds the other side up while more than the window waits for the owner.
func (l *Link) throttle(n int) {
	if l.waiting.Add(int64(n)) <= receiveWindow {
		return
	}
	l.stream.Pause(true)
	// The owner may have caught up just before the pause, and would not lift it.
	if l.waiting.Load() <= receiveWindow && !l.held.Load() {
		l.stream.Pause(false)
	}
}

// feed passes bytes to the reader of the snapshot under way.
func (l *Link) feed(b []byte) (int, error) {
	n, done, err := l.snap.Feed(b)
	if err != nil {
		return n, fmt.Errorf("read snapshot %v: %w", l.snapZxid, err)
	}
	if done {
		reader := l.snap
		l.snap = nil
		l.hold()
		l.owner.SnapshotEnd(l, l.snapZxid, reader)
	}
	return n, nil
}

// hold stops the delivery of packets until Continue.
func (l *Link) hold() {
	l.held.Store(true)
	l.stream.Pause(true)
}

// Continue delivers packets again after a TRUNC or a snapshot was dealt with.
func (l *Link) Continue() {
	l.held.Store(false)
	l.stream.Pause(false)
}

// Done gives back the bytes of a packet that was dealt with.
func (l *Link) Done(size int) {
	before := l.waiting.Add(int64(-size)) + int64(size)
	if before > receiveWindow && before-int64(size) <= receiveWindow && !l.held.Load() {
		l.stream.Pause(false)
	}
}

// Writable implements env.Handler.
func (l *Link) Writable() {
	l.mu.Lock()
	busy := l.sending != nil
	l.mu.Unlock()
	if busy {
		l.sender.Wake()
	}
}

// Closed implements env.Handler.
func (l *Link) Closed(err error) {
	l.mu.Lock()
	w := l.sending
	l.sending, l.queued, l.closed = nil, nil, true
	l.mu.Unlock()
	if w != nil {
		w.Close()
	}
	l.owner.Down(l, err)
}

// Send queues a packet. A link whose queue is over its limit is closed: its
// learner comes back and is brought up to date anew.
func (l *Link) Send(p *peerwire.Packet) { l.SendBytes(p.Append(nil)) }

// SendBytes queues encoded packets; several links may share b, which nobody
// changes afterwards.
func (l *Link) SendBytes(b []byte) {
	if err := l.queue(b); err != nil {
		l.stream.Close()
	}
}

// queue passes b on, or keeps it behind a snapshot.
func (l *Link) queue(b []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil
	case l.sending == nil:
		return l.stream.SendShared(b)
	}
	l.queued = append(l.queued, b)
	if l.pending += len(b); l.pending > sendLimit {
		return env.ErrFull
	}
	return nil
}

// SendSnapshot queues a stream; packets sent later follow it. PushSnapshot moves it on.
func (l *Link) SendSnapshot(w SnapshotWriter) {
	l.mu.Lock()
	closed := l.closed
	if !closed {
		l.sending = w
	}
	l.mu.Unlock()
	if closed {
		w.Close()
		return
	}
	l.sender.Wake()
}

// PushSnapshot queues the next piece of a snapshot that is being sent, if the
// stream takes it. more says that it can go on at once. One loop calls it.
func (l *Link) PushSnapshot() (more bool) {
	l.mu.Lock()
	w := l.sending
	l.mu.Unlock()
	if w == nil || l.stream.SendQueued() > snapAhead {
		return false
	}
	b, done, err := w.Next(make([]byte, 0, snapAhead/4), snapAhead/4)
	if err == nil {
		err = l.stream.SendShared(b)
	}
	if err == nil && done {
		err = l.finishSnapshot(w)
	}
	if err != nil {
		l.stream.Close()
		return false
	}
	return !done && l.stream.SendQueued() <= snapAhead
}

// finishSnapshot lets the packets behind a snapshot go.
func (l *Link) finishSnapshot(w SnapshotWriter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sending != w {
		return nil // closed meanwhile
	}
	w.Close()
	queued := l.queued
	l.sending, l.queued, l.pending = nil, nil, 0
	for _, b := range queued {
		if err := l.stream.SendShared(b); err != nil {
			return err
		}
	}
	return nil
}

// SetReadTimeout is the stream's: silence for d ends the link.
func (l *Link) SetReadTimeout(d time.Duration) { l.stream.SetReadTimeout(d) }

// Close ends the link; Down is told.
func (l *Link) Close() { l.stream.Close() }

// Finish ends the link when what is queued has left.
func (l *Link) Finish() { l.stream.CloseAfterFlush() }

// Remote is the other side's address, for messages.
func (l *Link) Remote() string { return l.stream.Remote().String() }
