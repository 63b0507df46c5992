package txn

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/jute/jutetest"
	"ostler/internal/zk"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.NewReplacer(" ", "", "|", "").Replace(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// head is a header of session 1, cxid 2, zxid 3, time 4 without its type.
const head = "0000000000000001 00000002 0000000000000003 0000000000000004 "

func header(op zk.OpCode) Header { return Header{Session: 1, Cxid: 2, Zxid: 3, Time: 4, Type: op} }

var rootOfApp = &Create{Path: "/app", Data: []byte("root of app"), ACL: zk.OpenACL(), ParentCreates: 1}

const rootOfAppHex = "00000004 2f617070 | 0000000b 726f6f74206f6620617070 | 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 | 00 | 00000001"

// TestBytes holds encoder and decoder against bytes of real logs (disk.md 3.8).
func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		name, hex string
		want      Txn
	}{
		{"create", head + "00000001" + rootOfAppHex, Txn{Header: header(zk.OpCreate), Body: rootOfApp}},
		{"create session with digest", head + "fffffff6 0000ea60 00000002 0000000051c6d660", Txn{
			Header: header(zk.OpCreateSession), Body: &CreateSession{60000}, Digest: &Digest{2, 1371985504},
		}},
		{"close session with two ephemerals", head + "fffffff5 00000002 00000007 2f6570682f7a31 00000007 2f6170702f7a32", Txn{
			Header: header(zk.OpCloseSession), Body: &CloseSession{[]string{"/eph/z1", "/app/z2"}, true},
		}},
		{"close session without a list", head + "fffffff5", Txn{Header: header(zk.OpCloseSession), Body: &CloseSession{}}},
		{"close session with nothing but a digest", head + "fffffff5 00000002 00000001 00000002", Txn{
			Header: header(zk.OpCloseSession), Body: &CloseSession{}, Digest: &Digest{2, 1<<32 | 2},
		}},
		{"close session with an empty list and a digest", head + "fffffff5 00000000 00000002 00000001 00000002", Txn{
			Header: header(zk.OpCloseSession), Body: &CloseSession{[]string{}, true}, Digest: &Digest{2, 1<<32 | 2},
		}},
		{"error", head + "ffffffff ffffff99", Txn{Header: header(zk.OpError), Body: &Error{zk.BadVersion}}},
		{"check at the top", head + "0000000d 00000002 2f61 00000003", Txn{Header: header(zk.OpCheck), Body: &Check{"/a", 3}}},
		{"delete container", head + "00000014 00000002 2f61", Txn{Header: header(zk.OpDeleteContainer), Body: &Delete{"/a"}}},
		{"set null data", head + "00000005 00000002 2f61 ffffffff 00000007", Txn{
			Header: header(zk.OpSetData), Body: &SetData{"/a", nil, 7},
		}},
		{
			"failed multi",
			head + "0000000e 00000003 | 00000001 0000002b" + strings.Replace(strings.Replace(rootOfAppHex, "00000004 2f617070", "00000003 2f6d32", 1), "0000000b 726f6f74206f6620617070", "00000000", 1) +
				"| ffffffff 00000004 ffffff99 | ffffffff 00000004 fffffffe",
			Txn{Header: header(zk.OpMulti), Body: &Multi{[]Op{
				{zk.OpCreate, &Create{Path: "/m2", Data: []byte{}, ACL: zk.OpenACL(), ParentCreates: 1}},
				{zk.OpError, &Error{zk.BadVersion}},
				{zk.OpError, &Error{zk.RuntimeInconsistency}},
			}}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, tt.hex)
			got, err := Decode(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			if out := tt.want.Append(nil); !bytes.Equal(out, b) {
				t.Errorf("encoded\n%x, want\n%x", out, b)
			}
		})
	}
}

// TestOldCreate: a create without its last field is of a very old release (3.6).
func TestOldCreate(t *testing.T) {
	b := unhex(t, head+"00000001"+rootOfAppHex)
	got, err := Decode(b[:len(b)-4])
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Body.(*Create); c.ParentCreates != -1 || c.Path != "/app" {
		t.Errorf("got %+v", c)
	}
	b[31] = byte(zk.OpCreate2)
	if _, err := Decode(b[:len(b)-4]); err == nil {
		t.Error("create2 without its last field was accepted")
	}
}

// TestUnknownTypes: a type that is none of disk.md 3.5 is an error, also in a multi.
func TestUnknownTypes(t *testing.T) {
	for _, s := range []string{
		head + "00000003 00000002 2f61", head + "0000000e 00000001 0000000e 00000000",
		head + "0000000e 00000001 00000007 00000000",
	} {
		if _, err := Decode(unhex(t, s)); !errors.Is(err, ErrType) {
			t.Errorf("%s: got %v, want %v", s, err, ErrType)
		}
	}
}

// TestNoNullLists: ZooKeeper cannot read a null list of paths, so none is written.
func TestNoNullLists(t *testing.T) {
	tx := Txn{Header: header(zk.OpCloseSession), Body: &CloseSession{HasPaths: true}}
	if got, want := tx.Append(nil)[32:], []byte{0, 0, 0, 0}; !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
}

// FuzzDecode: what decodes, encodes and decodes alike.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		head + "00000001" + rootOfAppHex, head + "fffffff5 00000002 00000001 00000002", head + "ffffffff ffffff99",
		head + "0000000e 00000002 00000002 00000006 00000002 2f61 ffffffff 00000004 ffffff99",
		head + "00000015 00000002 2f61 00000000 00000000 00000001 0000000000000005",
	} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first Txn
		var err error
		jutetest.Bounded(t, len(b), func() { first, err = Decode(b) }) // INV-I5
		if err != nil {
			return
		}
		if c, ok := first.Body.(*CloseSession); ok && slices.Contains(c.Paths, "") {
			return // no node is called so; encoded, it may look like a digest alone (disk.md R-6)
		}
		out := first.Append(nil)
		second, err := Decode(out)
		if err != nil {
			t.Fatalf("%x: encoded as %x: %v", b, out, err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("%x: (-first +second):\n%s", b, diff)
		}
		if again := second.Append(nil); !bytes.Equal(again, out) {
			t.Errorf("%x: encoded as %x, then as %x", b, out, again)
		}
	})
}
