package peerwire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/jute/jutetest"
	"ostler/internal/zk"
)

func TestPacketArrivesInPieces(t *testing.T) {
	p := Packet{Type: Request, Zxid: -1, Data: []byte("data"), AuthInfo: []zk.ID{{Scheme: "ip", ID: "::1"}, {Scheme: "x"}}}
	b := p.Append(nil)
	for i := range b {
		if _, n, err := DecodePacket(b[:i], 100); n != 0 || err != nil {
			t.Errorf("with %d of %d bytes: %d, %v", i, len(b), n, err)
		}
	}
	got, n, err := DecodePacket(b, 100)
	if n != len(b) || err != nil || !cmp.Equal(got, p) {
		t.Errorf("DecodePacket(%x) = %+v, %d, %v", b, got, n, err)
	}
	b[16]++ // Data must not alias the input, which the stream takes back
	if string(got.Data) != "data" {
		t.Errorf("Data changed with the input: %q", got.Data)
	}
}

func TestPacketTooLargeIsRefusedAtOnce(t *testing.T) {
	p := Packet{Type: Proposal, Data: make([]byte, 101)}
	b := p.Append(nil)
	if _, _, err := DecodePacket(b[:16], 100); !errors.Is(err, ErrPacketSize) {
		t.Errorf("data of 101 bytes with limit 100: %v", err)
	}
	b[12], b[13], b[14], b[15] = 0xff, 0xff, 0xff, 0xfe
	if _, _, err := DecodePacket(b, 100); err == nil {
		t.Errorf("data of length -2 was accepted")
	}
}

func TestLearnerInfoLengths(t *testing.T) { // quorum.md 4.2
	whole := LearnerInfo{ServerID: 3, Protocol: ProtocolVersion, ConfigVersion: 7}
	b := append(whole.Append(nil), 0xff)
	for n, want := range map[int]LearnerInfo{
		8: {ServerID: 3}, 12: {ServerID: 3, Protocol: ProtocolVersion}, 20: whole, 21: whole,
	} {
		if got, err := DecodeLearnerInfo(b[:n]); err != nil || got != want {
			t.Errorf("%d bytes: %+v, %v, want %+v", n, got, err, want)
		}
	}
	for _, n := range []int{0, 1, 7, 9, 11, 13, 19} {
		if got, err := DecodeLearnerInfo(b[:n]); err == nil {
			t.Errorf("%d bytes were accepted: %+v", n, got)
		}
	}
}

// FuzzPacket: whatever arrives is a packet, the beginning of one, or an error (quorum.md R26).
func FuzzPacket(f *testing.F) {
	for _, m := range readVectors(f) {
		if _, ok := m.Decoded["typeNum"]; ok {
			f.Add(m.bytes(f))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var (
			p   Packet
			n   int
			err error
		)
		jutetest.Bounded(t, len(b), func() { p, n, err = DecodePacket(b, 1<<16) }) // INV-I5
		if err != nil || n == 0 {
			return
		}
		again := p.Append(nil)
		q, _, err := DecodePacket(again, 1<<16)
		if err != nil || !cmp.Equal(p, q) {
			t.Errorf("%x: %+v became %+v, %v", b, p, q, err)
		}
		for _, decode := range []func([]byte) error{
			func(b []byte) error { _, err := DecodeLearnerInfo(b); return err },
			func(b []byte) error { _, err := DecodeTouches(b); return err },
			func(b []byte) error { _, _, err := DecodeRevalidate(b); return err },
			func(b []byte) error { _, _, err := DecodeRevalidated(b); return err },
		} {
			jutetest.Bounded(t, len(p.Data), func() { _ = decode(p.Data) }) // must not panic
		}
	})
}

// FuzzForwardedRequest: what a learner passes on arrives as it was, and the body
// stays as the client sent it, whatever it is.
func FuzzForwardedRequest(f *testing.F) {
	r := ForwardedRequest{Session: 1, Cxid: 2, Op: zk.OpCreate, Body: []byte{0, 0, 0, 2, '/', 'a'}}
	f.Add(r.Append(nil))
	r.Body = nil
	f.Add(r.Append(nil))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		const header = 8 + 4 + 4
		got, err := DecodeForwardedRequest(b)
		if (err == nil) != (len(b) >= header) {
			t.Fatalf("%x: %v", b, err)
		}
		if err != nil {
			return
		}
		if !bytes.Equal(got.Append(nil), b) || !bytes.Equal(got.Body, b[header:]) {
			t.Errorf("%x became %+v", b, got)
		}
	})
}

func FuzzElection(f *testing.F) {
	for _, m := range readVectors(f) {
		if _, ok := m.Decoded["typeNum"]; !ok {
			f.Add(m.bytes(f))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := DecodeNotification(b); err == nil && n.Version > 1 {
			m, err := DecodeNotification(n.Append(nil)[4:])
			m.Version = n.Version // Append always writes the newest
			if err != nil || !cmp.Equal(n, m) {
				t.Errorf("%x: %+v became %+v, %v", b, n, m, err)
			}
		}
		if i, n, err := DecodeInitialMessage(b); err == nil && n > 0 && i.Addrs != nil {
			j, _, err := DecodeInitialMessage(i.Append(nil))
			if err != nil || !bytes.Equal(i.Append(nil), j.Append(nil)) {
				t.Errorf("%x: %+v became %+v, %v", b, i, j, err)
			}
		}
	})
}
