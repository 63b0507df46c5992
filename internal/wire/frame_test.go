package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"ostler/internal/zk"
)

func TestSplitFrame(t *testing.T) { // client-protocol.md 1.6
	const limit = 5
	for _, c := range []struct {
		name, in, frame string
		n               int
		err             error
	}{
		{"nothing yet", "", "", 0, nil},
		{"half a length", "0000", "", 0, nil},
		{"no payload yet", "00000002", "", 0, nil},
		{"half a payload", "00000002aa", "", 0, nil},
		{"whole", "00000002aabb", "aabb", 6, nil},
		{"with the next one", "00000002aabb00", "aabb", 6, nil},
		{"empty", "00000000", "", 4, nil},
		{"longest", "000000050102030405", "0102030405", 9, nil},
		{"too long, before it is there", "00000006", "", 0, ErrFrameLength},
		{"negative", "ffffffff", "", 0, ErrFrameLength},
	} {
		b, _ := hex.DecodeString(c.in)
		frame, n, err := SplitFrame(b, limit)
		if hex.EncodeToString(frame) != c.frame || n != c.n || !errors.Is(err, c.err) || (n > 0) != (frame != nil) {
			t.Errorf("%s: SplitFrame(%s) = %x, %d, %v, want %s, %d, %v", c.name, c.in, frame, n, err, c.frame, c.n, c.err)
		}
	}
}

func TestFramesAreWhatSplitFrameSplits(t *testing.T) {
	dst, at := BeginFrame([]byte("before"))
	dst = EndFrame(append(dst, "payload"...), at)
	frame, n, err := SplitFrame(dst[len("before"):], 100)
	if string(frame) != "payload" || n != 11 || err != nil {
		t.Errorf("SplitFrame = %q, %d, %v", frame, n, err)
	}
	if got := AppendFrame([]byte("before"), []byte("payload")); !bytes.Equal(got, dst) {
		t.Errorf("AppendFrame = %x, BeginFrame and EndFrame %x", got, dst)
	}
}

func TestFourLetterWord(t *testing.T) { // client-protocol.md 1.5
	for in, want := range map[[4]byte]string{
		{'r', 'u', 'o', 'k'}: "ruok", {'w', 'c', 'h', 's'}: "wchs", {0xff, 0xf4, 0xff, 0xfd}: TelnetClose,
		{0, 0, 0, 45}: "", {'R', 'U', 'O', 'K'}: "",
	} {
		if got, ok := FourLetterWord(in); got != want || ok != (want != "") {
			t.Errorf("FourLetterWord(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
}

func TestNotificationFrame(t *testing.T) { // client-protocol.md 16.3
	got := hex.EncodeToString(AppendNotification(nil, 0xa8, zk.EventDataChanged, "/gdw"))
	const want = "00000020ffffffff00000000000000a8000000000000000300000003000000042f676477"
	if got != want {
		t.Errorf("AppendNotification = %s, want %s", got, want)
	}
}

func TestNullsAreToldApart(t *testing.T) { // client-protocol.md 3.7
	var create CreateRequest
	if err := create.Decode(CreateRequest{NullPath: true}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if !create.NullPath || create.Data != nil || create.ACL != nil {
		t.Errorf("nulls decoded to %+v", create)
	}
	if err := create.Decode(CreateRequest{Data: []byte{}, ACL: []zk.ACL{}}.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if create.NullPath || create.Data == nil || create.ACL == nil {
		t.Errorf("empty values decoded to %+v", create)
	}
}

func TestMultiRefusesAsAWhole(t *testing.T) { // client-protocol.md 6.2
	acl := zk.OpenACL()
	for name, op := range map[string]MultiOp{
		"a read":                  {zk.OpGetData, PathWatchRequest{Path: "/a"}},
		"an unknown operation":    {zk.OpCode(77), PathRequest{Path: "/a"}},
		"a null path":             {zk.OpDelete, DeleteRequest{NullPath: true}},
		"a null path to create":   {zk.OpCreate, CreateRequest{NullPath: true, ACL: acl}},
		"a null ACL":              {zk.OpCreate, CreateRequest{Path: "/a"}},
		"flags that are no mode":  {zk.OpCreate, CreateRequest{Path: "/a", ACL: acl, Flags: 7}},
		"negative flags":          {zk.OpCreateContainer, CreateRequest{Path: "/a", ACL: acl, Flags: -1}},
		"TTL flags without a TTL": {zk.OpCreate2, CreateRequest{Path: "/a", ACL: acl, Flags: zk.ModeTTL}},
	} {
		var m MultiRequest
		if err := m.Decode(MultiRequest{Ops: []MultiOp{op}}.Append(nil)); err == nil {
			t.Errorf("%s was accepted: %+v", name, m)
		}
	}
	var m MultiRequest
	if err := m.Decode(MultiRequest{}.Append(nil)); err != nil || len(m.Ops) != 0 {
		t.Errorf("an empty multi decoded to %+v, %v", m, err)
	}
}
