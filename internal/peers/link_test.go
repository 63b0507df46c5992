package peers

import (
	"bytes"
	"testing"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A recorder is a link's owner, a snapshot reader of four bytes, a snapshot
// writer of left pieces and the waker.
type recorder struct {
	types []peerwire.PacketType
	size  int
	snap  []byte
	ends  int
	downs int
	left  int
	shut  int
	wakes int
}

func (r *recorder) Packet(_ *Link, p peerwire.Packet, size int) {
	r.types, r.size = append(r.types, p.Type), r.size+size
}
func (r *recorder) SnapshotBegin(*Link, zk.Zxid) SnapshotReader { return r }
func (r *recorder) SnapshotEnd(*Link, zk.Zxid, SnapshotReader)  { r.ends++ }
func (r *recorder) Down(*Link, error)                           { r.downs++ }
func (r *recorder) Wake()                                       { r.wakes++ }
func (r *recorder) Close()                                      { r.shut++ }
func (r *recorder) Feed(b []byte) (int, bool, error) {
	n := min(len(b), 4-len(r.snap))
	r.snap = append(r.snap, b[:n]...)
	return n, len(r.snap) == 4, nil
}

func (r *recorder) Next(dst []byte, _ int) ([]byte, bool, error) {
	r.left--
	return append(dst, 's'), r.left == 0, nil
}

func newLink() (*Link, *fakeStream, *recorder) {
	s, r := &fakeStream{}, &recorder{}
	l := NewLink(1, s, r, r)
	s.handler = l
	return l, s, r
}

func packet(typ peerwire.PacketType, size int) []byte {
	return (&peerwire.Packet{Type: typ, Zxid: 7, Data: make([]byte, size)}).Append(nil)
}

// Packets behind a snapshot wait for Continue, wherever the bytes are cut.
func TestLinkSnapshotHandOver(t *testing.T) {
	in := bytes.Join([][]byte{packet(peerwire.Diff, 9), packet(peerwire.Snap, 0), []byte("SNAP"), packet(peerwire.Proposal, 3)}, nil)
	for cut := 1; cut <= len(in); cut++ {
		l, s, r := newLink()
		rest, err := s.deliver(in, cut)
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if len(r.types) != 2 || string(r.snap) != "SNAP" || r.ends != 1 || !s.paused {
			t.Fatalf("cut %d: got %v, snapshot %q, ended %d, paused %v", cut, r.types, r.snap, r.ends, s.paused)
		}
		l.Continue()
		if used, err := l.Data(rest); err != nil || used != len(rest) || len(r.types) != 3 || s.paused {
			t.Fatalf("cut %d: after Continue got %v, used %d of %d, %v", cut, r.types, used, len(rest), err)
		}
	}
}

func TestLinkReceiveWindow(t *testing.T) {
	l, s, r := newLink()
	in := packet(peerwire.Proposal, receiveWindow/2)
	for range 2 {
		s.deliver(in, len(in))
	}
	if !s.paused {
		t.Error("got no pause beyond the window")
	}
	if l.Done(r.size); s.paused {
		t.Error("still paused when all is done")
	}
}

// A snapshot goes out as the stream takes it; packets sent meanwhile follow.
func TestLinkSendSnapshot(t *testing.T) {
	l, s, r := newLink()
	r.left = 3
	l.SendSnapshot(r)
	l.SendBytes([]byte("behind"))
	l.PushSnapshot()
	s.backlog = snapAhead + 1
	if l.PushSnapshot() || string(s.sent) != "s" {
		t.Errorf("got %q sent against back-pressure, want s", s.sent)
	}
	s.backlog = 0
	l.Writable()
	for l.PushSnapshot() {
	}
	if string(s.sent) != "sssbehind" || r.shut != 1 || r.wakes != 2 {
		t.Errorf("got %q, writer closed %d times, %d wakes; want sssbehind, 1, 2", s.sent, r.shut, r.wakes)
	}
}

func TestLinkClosedWhileSending(t *testing.T) {
	l, s, r := newLink()
	r.left = 3
	l.SendSnapshot(r)
	l.PushSnapshot()
	l.Close()
	if l.PushSnapshot() || r.shut != 1 || r.downs != 1 || !s.closed {
		t.Errorf("writer closed %d times, down told %d times; want 1 and 1", r.shut, r.downs)
	}
	if l.SendSnapshot(r); r.shut != 2 {
		t.Error("a snapshot for a closed link is not closed")
	}
}
