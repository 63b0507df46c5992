package jute

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

func TestText(t *testing.T) { // client-protocol.md 1.2
	for in, want := range map[string]string{
		"":                          "",
		"/plain":                    "/plain",
		"/ä世":                       "/ä世",
		"/\xf0\x9f\x98\x80":         "/\xed\xa0\xbd\xed\xb8\x80", // a pair of three-byte halves
		"/\xed\xa0\xbd\xed\xb8\x80": "/\ufffd\ufffd",
		"/\xc0\x80":                 "/\ufffd\ufffd",
		"/\xff":                     "/\ufffd",
		"/\xe4\xb8":                 "/\ufffd", // a character that is cut off
		"/\xe4\xb8x":                "/\ufffdx",
		"/\xe4x":                    "/\ufffdx",
		"/\x00":                     "/\x00",
		"/\ufffd":                   "/\ufffd",
	} {
		if got := Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestReader(t *testing.T) { // client-protocol.md 1.1
	for _, c := range []struct {
		name, in string
		read     func(r *Reader) any
		want     any
		err      error
	}{
		{"null buffer", "ffffffff", func(r *Reader) any { return r.Buffer() == nil }, true, nil},
		{"empty buffer", "00000000", func(r *Reader) any { return r.Buffer() != nil }, true, nil},
		{"length below -1", "fffffffe", func(r *Reader) any { return r.Buffer() == nil }, true, ErrLength},
		{"length above the limit", "00000011", func(r *Reader) any { return r.Buffer() == nil }, true, ErrLength},
		{"length beyond the end", "00000002aa", func(r *Reader) any { return r.Buffer() == nil }, true, ErrShort},
		{"any byte is true", "02", func(r *Reader) any { return r.Bool() }, true, nil},
		{"null string", "ffffffff", func(r *Reader) any { _, null := r.StringNull(); return null }, true, nil},
		{"null vector", "ffffffff", func(r *Reader) any { return r.Count() }, -1, nil},
		{"other negative count", "fffffffe", func(r *Reader) any { return r.Count() }, 0, nil},
		{"count beyond the end", "7fffffff00", func(r *Reader) any { return r.Count() }, 0, ErrShort},
		{"null vector of strings", "ffffffff", func(r *Reader) any { return r.Strings() == nil }, true, nil},
		{"empty vector of strings", "fffffff0", func(r *Reader) any { return r.Strings() != nil }, true, nil},
		{"strings", "00000002" + "0000000161" + "ffffffff", func(r *Reader) any { return r.Strings() }, []string{"a", ""}, nil},
		{"too few strings", "00000002" + "0000000161", func(r *Reader) any { return r.Strings() == nil }, true, ErrShort},
		{"null scheme", "00000001" + "ffffffff" + "0000000161", func(r *Reader) any { return r.IDs() }, []zk.ID{{ID: "a"}}, nil},
		{"null id of world", "00000001" + "00000005776f726c64" + "ffffffff", func(r *Reader) any { return r.IDs() == nil }, true, ErrNullID},
		{"null id of ip", "00000001" + "000000026970" + "ffffffff", func(r *Reader) any { return r.IDs() == nil }, true, ErrNullID},
		{"null id of digest", "00000001" + "00000006646967657374" + "ffffffff", func(r *Reader) any { return r.IDs() == nil }, true, ErrNullID},
		{"null id of auth", "00000001" + "0000000461757468" + "ffffffff", func(r *Reader) any { return r.IDs() }, []zk.ID{{Scheme: "auth"}}, nil},
		{"null id of no scheme", "00000001" + "0000000161" + "ffffffff", func(r *Reader) any { return r.IDs() }, []zk.ID{{Scheme: "a"}}, nil},
		{"short int", "000000", func(r *Reader) any { return r.Int32() }, int32(0), ErrShort},
	} {
		b, _ := hex.DecodeString(c.in)
		r := NewReaderLimit(b, 16)
		if got := c.read(&r); !cmp.Equal(got, c.want) || !errors.Is(r.Err(), c.err) {
			t.Errorf("%s: %s reads as %v, %v, want %v, %v", c.name, c.in, got, r.Err(), c.want, c.err)
		}
	}
}

func TestFirstErrorSticks(t *testing.T) {
	r := NewReader([]byte{0, 0})
	r.Int32()
	if r.Byte() != 0 || r.Len() != 2 || !errors.Is(r.Err(), ErrShort) {
		t.Errorf("after an error the reader went on: %v, %d bytes left", r.Err(), r.Len())
	}
	other := errors.New("other")
	if r.Fail(other); errors.Is(r.Err(), other) {
		t.Errorf("Fail replaced the first error")
	}
}

func TestBufferAliasesAndBufferCopyDoesNot(t *testing.T) {
	in := AppendBuffer(nil, []byte{1})
	for _, c := range []struct {
		name  string
		read  func(r *Reader) []byte
		alias bool
	}{
		{"Buffer", (*Reader).Buffer, true},
		{"BufferCopy", (*Reader).BufferCopy, false},
	} {
		r := NewReader(in)
		b := c.read(&r)
		in[4]++
		if (b[0] == in[4]) != c.alias {
			t.Errorf("%s: alias = %v, want %v", c.name, !c.alias, c.alias)
		}
	}
}

// FuzzReader reads bytes as one of every type: no panic, and what was read
// encodes and reads alike.
func FuzzReader(f *testing.F) {
	f.Add(appendAll(nil, []byte{1}, []string{"a"}, zk.OpenACL(), []zk.ID{zk.WorldAnyone}, zk.Stat{Czxid: 1}, zk.StatPersisted{Pzxid: 2}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := readAll(b)
		if err != nil {
			return
		}
		second, err := readAll(first)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%x: %x became %x, %v", b, first, second, err)
		}
	})
}

func appendAll(dst, data []byte, names []string, acls []zk.ACL, ids []zk.ID, s zk.Stat, p zk.StatPersisted) []byte {
	dst = AppendBuffer(dst, data)
	dst = AppendStringVector(dst, names)
	dst = AppendACLs(dst, acls)
	dst = AppendIDs(dst, ids)
	dst = AppendStat(dst, s)
	return AppendStatPersisted(dst, p)
}

func readAll(b []byte) ([]byte, error) {
	r := NewReader(b)
	out := appendAll(nil, r.BufferCopy(), r.Strings(), r.ACLs(), r.IDs(), r.Stat(), r.StatPersisted())
	return out, r.Err()
}
