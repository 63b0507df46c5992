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

// TestOwners: with the emulation of 3.5.3 every negative owner but that of a
// container is a TTL node, whose TTL are the low 40 bits (client-protocol.md 4.3).
func TestOwners(t *testing.T) {
	const session353 = Owner(-1<<63 | 5000)
	session255 := Owner(int64(-1)<<56 | 0x36e0cb<<32 | 7)
	for _, c := range []struct {
		owner   Owner
		ttl     int64 // -1: none
		session SessionID
		// With TTL353.
		emulated        int64
		emulatedSession SessionID
	}{
		{0, -1, 0, -1, 0},
		{OwnerContainer, -1, 0, -1, 0},
		{OwnerTTL(1), 1, 0, 1, 0},
		{OwnerTTL(TTLMax), TTLMax, 0, TTLMax, 0},
		{session353, -1, SessionID(session353), 5000, 0},
		{session255, -1, SessionID(session255), 0x36e0cb<<32&TTLMax | 7, 0},
		{OwnerContainer | 1<<40, -1, SessionID(OwnerContainer | 1<<40), 0, 0},
		{0x100000000000000, -1, 0x100000000000000, -1, 0x100000000000000},
	} {
		for _, emulate := range []bool{false, true} {
			want, session := c.ttl, c.session
			if emulate {
				want, session = c.emulated, c.emulatedSession
			}
			k := Owners{TTL353: emulate}
			ttl, ok := k.TTL(c.owner)
			if ok != (want >= 0) || ok && ttl != want || k.Session(c.owner) != session {
				t.Errorf("%x, emulation %v: TTL %d, %v and session %v, want TTL %d and session %v",
					uint64(c.owner), emulate, ttl, ok, k.Session(c.owner), want, session)
			}
		}
	}
	for owner, want := range map[Owner]bool{
		session353: true, OwnerContainer | Owner(TTLMax): true, OwnerContainer: false, OwnerTTL(5): false,
		session255: false, OwnerContainer | 1<<40: false, 5000: false, 0: false,
	} {
		if got := owner.LooksTTL353(); got != want {
			t.Errorf("%x looks like a TTL node of 3.5.3: %v, want %v", uint64(owner), got, want)
		}
	}
}
