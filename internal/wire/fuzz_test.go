package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/jute/jutetest"
	"ostler/internal/zk"
)

// A body is the request record of an operation as it was recorded.
type body struct {
	op    zk.OpCode
	bytes []byte
}

// recordedBodies returns every request of the vectors.
func recordedBodies(t testing.TB) []body {
	var all []body
	for _, v := range readVectors(t) {
		for _, fr := range v.Frames {
			b, _ := hex.DecodeString(fr.Hex)
			if fr.Dir == "send" && len(b) >= 12 && strings.HasSuffix(fr.Name, " request") {
				all = append(all, body{zk.OpCode(int32(binary.BigEndian.Uint32(b[8:]))), b[12:]})
			}
		}
	}
	if len(all) < 300 {
		t.Fatalf("%d requests: the vectors are not what they were", len(all))
	}
	return all
}

func FuzzRecords(f *testing.F) {
	for _, b := range recordedBodies(f) {
		f.Add(int32(b.op), b.bytes)
	}
	f.Add(int32(zk.OpMulti), []byte{0, 0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, op int32, b []byte) {
		for _, fresh := range []func(zk.OpCode) record{newRequest, newReply} {
			checkStable(t, func() record { return fresh(zk.OpCode(op)) }, b)
		}
	})
}

// checkStable checks that what b decodes to survives encoding and decoding, that
// this form is canonical, and what decoding allocates (INV-I5). Text of requests is
// rewritten on its first way in (client-protocol.md 1.2), and halves of surrogates,
// which begin with 0xed, once more.
func checkStable(t *testing.T, fresh func() record, b []byte) {
	first, second := fresh(), fresh()
	if first == nil {
		return
	}
	var err error
	jutetest.Bounded(t, len(b), func() { err = first.Decode(b) })
	if err != nil {
		return
	}
	again := first.Append(nil)
	if err := second.Decode(again); err != nil {
		t.Fatalf("%T: %x encoded to %x, which is refused: %v", first, b, again, err)
	}
	if bytes.Contains(again, []byte{0xed}) {
		return
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("%T of %x (-first +second):\n%s", first, b, diff)
	}
	if got := second.Append(nil); !bytes.Equal(got, again) {
		t.Errorf("%T of %x\n got %x\nwant %x", first, b, got, again)
	}
}

func FuzzConnect(f *testing.F) {
	f.Add(ConnectRequest{Timeout: 30000, Password: make([]byte, 16), HasReadOnly: true}.Append(nil))
	f.Add(ConnectRequest{Timeout: 30000}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkStable(t, func() record { return &ConnectRequest{} }, b)
		checkStable(t, func() record { return &ConnectResponse{} }, b)
		checkStable(t, func() record { return &WatcherEvent{} }, b)
		checkStable(t, func() record { return &RequestHeader{} }, b)
		checkStable(t, func() record { return &ReplyHeader{} }, b)
	})
}

// lies are lengths and counts that no frame can hold.
var lies = []uint32{1<<31 - 1, 1 << 30, 1 << 24, 1 << 20, 1 << 16, 1 << 31, 1<<32 - 2}

// TestLengthsAreNotBelieved puts a lie at every place of every recorded request:
// nothing is allocated for it (INV-I5).
func TestLengthsAreNotBelieved(t *testing.T) {
	for _, b := range recordedBodies(t) {
		if newRequest(b.op) == nil {
			continue
		}
		n := len(b.bytes)
		jutetest.Bounded(t, len(lies)*n*n, func() {
			for at := range max(n-3, 0) {
				for _, lie := range lies {
					changed := slices.Clone(b.bytes)
					binary.BigEndian.PutUint32(changed[at:], lie)
					_ = newRequest(b.op).Decode(changed) // refused or not
				}
			}
		})
	}
}

// TestListsOfNothingAreBounded decodes requests that consist of as many elements as
// a frame can hold: the largest ratio of what is kept to what was sent (INV-I5).
func TestListsOfNothingAreBounded(t *testing.T) {
	const n = 1 << 16
	strings := binary.BigEndian.AppendUint32(nil, n)
	strings = append(strings, make([]byte, 4*n)...)
	setWatches := slices.Concat(make([]byte, 8), strings, strings, strings)
	acl := slices.Concat([]byte{0, 0, 0, 1, '/', 0, 0, 0, 0, 0, 1, 0, 0}, make([]byte, 12*n), make([]byte, 4))
	multi := func(op zk.OpCode, size int) []byte {
		one := binary.BigEndian.AppendUint32(nil, uint32(op))
		return append(bytes.Repeat(append(one, make([]byte, 5+size)...), n), 0, 0, 0, 0, 1, 0, 0, 0, 0)
	}
	for _, c := range []struct {
		op   zk.OpCode
		body []byte
	}{
		{zk.OpSetWatches, setWatches},
		{zk.OpSetWatches2, slices.Concat(setWatches, strings, strings)},
		{zk.OpCreate, acl},
		{zk.OpMulti, multi(zk.OpCheck, 8)},
		{zk.OpMulti, multi(zk.OpDelete, 8)},
		{zk.OpMulti, multi(zk.OpCreate, 16)},
		{zk.OpMulti, multi(zk.OpCreateTTL, 24)},
		{zk.OpMulti, multi(zk.OpSetData, 12)},
		{zk.OpMultiRead, multi(zk.OpGetData, 5)},
	} {
		r := newRequest(c.op)
		jutetest.Bounded(t, len(c.body), func() {
			if err := r.Decode(c.body); err != nil {
				t.Errorf("%v of %d bytes: %v", c.op, len(c.body), err)
			}
		})
		if err := r.Decode(c.body[:len(c.body)-5]); err == nil && c.op == zk.OpMulti {
			t.Errorf("%v that is cut off was accepted", c.op)
		}
	}
}
