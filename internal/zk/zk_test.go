package zk

import (
	"encoding/hex"
	"testing"
)

func TestPasswordCheckValue(t *testing.T) { // client-protocol.md 2.6
	p := Password(0x01000036e0cb0000)
	if got, want := hex.EncodeToString(p[:]), "b7e27c7b78232647edb5bbf981ac7dcc"; got != want {
		t.Errorf("Password = %s, want %s", got, want)
	}
}

func TestValidatePath(t *testing.T) { // client-protocol.md 4.5
	for path, valid := range map[string]bool{
		"/": true, "/a": true, "/a b": true, "/...": true, "/a..b": true, "/.a": true, "/a.": true,
		"/\ufdd0": true, "/\uf900": true, "/\u00a0": true, "/ä/ö": true,
		"": false, "a": false, "/a/": false, "//": false, "/a//b": false, "/.": false, "/..": false,
		"/a/./b": false, "/a/../b": false, "/a/..": false, "/a\x00": false, "/\x01": false, "/\x1f": false,
		"/\x7f": false, "/\u009f": false, "/\ue000": false, "/\uf8ff": false, "/\ufff0": false,
		"/\uffff": false, "/😀": false, "/\xff": false,
	} {
		if err := ValidatePath(path); (err == nil) != valid {
			t.Errorf("ValidatePath(%q) = %v, want valid = %v", path, err, valid)
		}
	}
}

func TestZxidFollows(t *testing.T) {
	for _, c := range []struct {
		prev, next Zxid
		want       bool
	}{
		{0x100000001, 0x100000002, true},
		{0x100000001, 0x100000003, false},
		{0x100000005, 0x200000001, true},
		{0x100000005, 0x300000001, true},
		{0x100000005, 0x200000002, false},
		{0x200000001, 0x100000001, false},
		{0x100000001, 0x100000001, false},
		{0, 1, true},
	} {
		if got := c.next.Follows(c.prev); got != c.want {
			t.Errorf("%v.Follows(%v) = %v, want %v", c.next, c.prev, got, c.want)
		}
	}
}

func TestOwner(t *testing.T) { // client-protocol.md 4.3
	if ttl, ok := OwnerTTL(5000).TTL(); !ok || ttl != 5000 {
		t.Errorf("TTL of OwnerTTL(5000) = %d, %v", ttl, ok)
	}
	for owner, want := range map[Owner]SessionID{
		0: 0, OwnerContainer: 0, OwnerTTL(1): 0, OwnerTTL(TTLMax): 0, 0x1000000000001: 0x1000000000001,
	} {
		if got := owner.Session(); got != want {
			t.Errorf("Owner(%x).Session() = %v, want %v", uint64(owner), got, want)
		}
	}
	// A session of a server numbered 255 has clock bits where a TTL owner has zeros.
	session := Owner(int64(-1)<<56 | 0x36e0cb<<32)
	if got := session.Session(); got != SessionID(session) {
		t.Errorf("a session of server 255 was taken for a TTL owner")
	}
}

func TestParent(t *testing.T) {
	for path, want := range map[string]string{"/a": "/", "/a/b": "/a", "/": "/", "/a/": "/a"} {
		if got, ok := Parent(path); !ok || got != want {
			t.Errorf("Parent(%q) = %q, %v, want %q", path, got, ok, want)
		}
	}
	if _, ok := Parent("a"); ok {
		t.Errorf("Parent of a path without a slash must not be ok")
	}
}
