package wire

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"

	"ostler/internal/zk"
)

// The vectors are exchanges recorded from Apache ZooKeeper. Every frame in them
// that is a record must decode, and encode to the same bytes.

type vector struct {
	Name   string  `json:"name"`
	Frames []frame `json:"frames"`
	Newer  []frame `json:"frames_3_9_5"`
}

type frame struct {
	Conn string `json:"conn"`
	Dir  string `json:"dir"`
	Name string `json:"name"`
	Hex  string `json:"hex"`
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	f, err := os.Open("testdata/vectors.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			return vectors
		}
		if err != nil {
			t.Fatal(err)
		}
		var v vector
		if err := json.NewDecoder(in).Decode(&v); err != nil {
			t.Fatalf("%s: %v", h.Name, err)
		}
		vectors = append(vectors, v)
	}
}

// A record is what all records can do.
type record interface {
	Append(dst []byte) []byte
	Decode(b []byte) error
}

// setWatches2 is SetWatchesRequest in its longer form.
type setWatches2 struct{ SetWatchesRequest }

func (s *setWatches2) Append(dst []byte) []byte { return s.Append2(dst) }
func (s *setWatches2) Decode(b []byte) error    { return s.Decode2(b) }

// newRequest returns the record of op's request body, nil if it has none.
func newRequest(op zk.OpCode) record {
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		return &CreateRequest{}
	case zk.OpCreateTTL:
		return &CreateTTLRequest{}
	case zk.OpDelete:
		return &DeleteRequest{}
	case zk.OpCheck:
		return &CheckRequest{}
	case zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2:
		return &PathWatchRequest{}
	case zk.OpSetData:
		return &SetDataRequest{}
	case zk.OpSetACL:
		return &SetACLRequest{}
	case zk.OpGetACL, zk.OpSync, zk.OpGetEphemerals, zk.OpGetAllChildrenNumber, zk.OpDeleteContainer:
		return &PathRequest{}
	case zk.OpMulti:
		return &MultiRequest{}
	case zk.OpMultiRead:
		return &MultiReadRequest{}
	case zk.OpReconfig:
		return &ReconfigRequest{}
	case zk.OpCheckWatches, zk.OpRemoveWatches:
		return &WatchesRequest{}
	case zk.OpAddWatch:
		return &AddWatchRequest{}
	case zk.OpAuth:
		return &AuthRequest{}
	case zk.OpSASL:
		return &SASLToken{}
	case zk.OpSetWatches:
		return &SetWatchesRequest{}
	case zk.OpSetWatches2:
		return &setWatches2{}
	case zk.OpCreateSession:
		return &CreateSessionRequest{}
	}
	return nil
}

// newReply returns the record of op's reply body, nil if it has none.
func newReply(op zk.OpCode) record {
	switch op {
	case zk.OpCreate, zk.OpSync:
		return &PathResponse{}
	case zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		return &Create2Response{}
	case zk.OpExists, zk.OpSetData, zk.OpSetACL:
		return &StatResponse{}
	case zk.OpGetData, zk.OpReconfig:
		return &GetDataResponse{}
	case zk.OpGetACL:
		return &GetACLResponse{}
	case zk.OpGetChildren, zk.OpGetEphemerals:
		return &ChildrenResponse{}
	case zk.OpGetChildren2:
		return &Children2Response{}
	case zk.OpMulti, zk.OpMultiRead:
		return &MultiResponse{}
	case zk.OpGetAllChildrenNumber, zk.OpAddWatch:
		return &Int32Response{}
	case zk.OpWhoAmI:
		return &WhoAmIResponse{}
	case zk.OpSASL:
		return &SASLToken{}
	}
	return nil
}

// undecodable are the vectors whose point is a body that cannot be decoded, or
// that has bytes too many.
var undecodable = map[string]bool{
	"create-malformed": true, "read-malformed": true, "multi-malformed": true, "multiread-write-op": true,
}

// rewritten are the vectors whose strings a server does not keep byte for byte.
var rewritten = map[string]bool{"utf8": true}

func TestVectors(t *testing.T) {
	var records int
	for _, v := range readVectors(t) {
		for _, frames := range [][]frame{v.Frames, v.Newer} {
			w := walker{t: t, vector: v.Name, xids: map[string]map[int32]zk.OpCode{}}
			for _, f := range frames {
				w.frame(f)
			}
			records += w.records
		}
	}
	if records < 1600 {
		t.Errorf("only %d records were tested: the vectors are not what they were", records)
	}
}

// A walker follows the frames of one vector: the type of a reply is that of the
// request with the same xid.
type walker struct {
	t       *testing.T
	vector  string
	xids    map[string]map[int32]zk.OpCode
	records int
}

func (w *walker) frame(f frame) {
	b, err := hex.DecodeString(f.Hex)
	if err != nil {
		w.t.Fatalf("%s: %v", w.vector, err)
	}
	for len(b) > 0 {
		payload, n, err := SplitFrame(b, 1<<20)
		if err != nil || n == 0 || len(payload) < 8 || f.Name == "raw text" {
			return // framing vectors
		}
		w.payload(f, payload)
		b = b[n:]
	}
}

func (w *walker) payload(f frame, b []byte) {
	first := w.xids[f.Conn] == nil
	if first {
		w.xids[f.Conn] = map[int32]zk.OpCode{}
	}
	switch {
	case first && strings.HasPrefix(f.Name, "ConnectRequest"):
		w.same(f, b, &ConnectRequest{})
	case f.Dir == "recv" && f.Name == "ConnectResponse":
		w.same(f, b, &ConnectResponse{})
	case f.Dir == "send":
		var h RequestHeader
		if err := h.Decode(b); err != nil {
			w.t.Fatalf("%s: %s: %v", w.vector, f.Name, err)
		}
		w.xids[f.Conn][h.Xid] = h.Op
		if r := newRequest(h.Op); r != nil {
			w.same(f, b[RequestHeaderLen:], r)
		}
	case f.Dir == "recv":
		w.reply(f, b)
	}
}

func (w *walker) reply(f frame, b []byte) {
	w.same(f, b[:ReplyHeaderLen], &ReplyHeader{})
	var h ReplyHeader
	if err := h.Decode(b); err != nil {
		w.t.Fatalf("%s: %s: %v", w.vector, f.Name, err)
	}
	body := b[ReplyHeaderLen:]
	if h.Xid == XidNotification {
		w.same(f, body, &WatcherEvent{})
		return
	}
	op, ok := w.xids[f.Conn][h.Xid]
	if r := newReply(op); ok && r != nil && len(body) > 0 {
		w.same(f, body, r)
	}
}

// same checks that b decodes into r and is what r encodes to.
func (w *walker) same(f frame, b []byte, r record) {
	w.t.Helper()
	w.records++
	if err := r.Decode(b); err != nil {
		if !undecodable[w.vector] {
			w.t.Errorf("%s: %s: %T of %x: %v", w.vector, f.Name, r, b, err)
		}
		return
	}
	if got := r.Append(nil); !bytes.Equal(got, b) && !rewritten[w.vector] && !(undecodable[w.vector] && bytes.HasPrefix(b, got)) {
		w.t.Errorf("%s: %s: %T\n got %x\nwant %x\n%+v", w.vector, f.Name, r, got, b, r)
	}
}
