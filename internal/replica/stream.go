package replica

import (
	"bytes"
	"errors"
	"iter"
	"sync"

	"ostler/internal/peers"
	"ostler/internal/snapshot"
	"ostler/internal/tree"
	"ostler/internal/zk"
)

// snapshotStringMax bounds one string or buffer of a snapshot from a leader.
const snapshotStringMax = peers.PacketMax

// A snapshotWriter gives the stream of a view piece by piece (quorum.md 4.7). The
// walk over the tree runs as a coroutine that is resumed for each piece.
type snapshotWriter struct {
	mu   sync.Mutex
	view *tree.View
	next func() ([]byte, error, bool)
	stop func()
}

var errStopped = errors.New("stopped")

func newSnapshotWriter(v *tree.View) *snapshotWriter {
	w := &snapshotWriter{view: v}
	w.next, w.stop = iter.Pull2(func(yield func([]byte, error) bool) {
		p := &pieces{yield: yield}
		err := snapshot.WriteStream(p, v)
		if errors.Is(err, errStopped) {
			return
		}
		if err == nil {
			err = p.flush()
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	})
	return w
}

// pieceSize is how much of a stream is gathered before the walk pauses.
const pieceSize = 64 << 10

// pieces is an io.Writer that yields what it is given in pieces.
type pieces struct {
	buf   bytes.Buffer
	yield func([]byte, error) bool
}

func (p *pieces) Write(b []byte) (int, error) {
	p.buf.Write(b)
	if p.buf.Len() < pieceSize {
		return len(b), nil
	}
	return len(b), p.flush()
}

func (p *pieces) flush() error {
	if p.buf.Len() == 0 {
		return nil
	}
	ok := p.yield(p.buf.Bytes(), nil)
	p.buf.Reset()
	if !ok {
		return errStopped
	}
	return nil
}

// Next implements peers.SnapshotWriter.
func (w *snapshotWriter) Next(dst []byte, max int) ([]byte, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(dst) < max {
		b, err, ok := w.next()
		if err != nil || !ok {
			return dst, true, err
		}
		dst = append(dst, b...)
	}
	return dst, false, nil
}

// Close implements peers.SnapshotWriter.
func (w *snapshotWriter) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.view != nil {
		w.stop()
		w.view.Close()
		w.view = nil
	}
}

// A snapshotReader takes the stream of a leader into a new tree.
type snapshotReader struct {
	*snapshot.StreamReader
	loader *tree.Loader
}

// SnapshotBegin implements peers.LinkOwner.
func (o linkOwner) SnapshotBegin(_ *peers.Link, _ zk.Zxid) peers.SnapshotReader {
	if !o.toLeader {
		return nil // only a leader sends snapshots
	}
	loader := tree.NewLoader(o.r.newTreeOptions())
	return &snapshotReader{snapshot.NewStreamReader(loader, snapshotStringMax), loader}
}

// SnapshotEnd implements peers.LinkOwner.
func (o linkOwner) SnapshotEnd(l *peers.Link, zxid zk.Zxid, reader peers.SnapshotReader) {
	o.r.inbox.Put(evSnapshotEnd{l, zxid, reader.(*snapshotReader).loader})
}
