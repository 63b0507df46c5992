package auth

import (
	"errors"
	"net/netip"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

// superTest is the id of super:test, the example of client-protocol.md 7.6.
const superTest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

func digestID(id string) zk.ID { return zk.ID{Scheme: "digest", ID: id} }
func ipID(id string) zk.ID     { return zk.ID{Scheme: "ip", ID: id} }

func acl(perms zk.Perm, id zk.ID) zk.ACL { return zk.ACL{Perms: perms, ID: id} }

var (
	enabled = New(Options{DigestEnabled: true, SuperDigest: superTest})
	local   = netip.MustParseAddr("127.0.0.1")
)

// TestCheck follows client-protocol.md 7.2 (invariants A1, A4).
func TestCheck(t *testing.T) {
	bob, ann, home := digestID("bob:1"), digestID("ann:2"), ipID("10.1.2.3")
	for _, test := range []struct {
		name string
		acl  []zk.ACL
		want zk.Perm
		ids  []zk.ID
		ok   bool
	}{
		{"null list", nil, zk.PermRead, nil, true},
		{"empty list", []zk.ACL{}, zk.PermAdmin, nil, true},
		{"world has the bit", []zk.ACL{acl(zk.PermRead, zk.WorldAnyone)}, zk.PermRead, nil, true},
		{"world has another bit", []zk.ACL{acl(zk.PermRead, zk.WorldAnyone)}, zk.PermWrite, nil, false},
		{"one common bit is enough", []zk.ACL{acl(zk.PermAdmin, zk.WorldAnyone)}, zk.PermRead | zk.PermAdmin, nil, true},
		{"no permission at all", []zk.ACL{acl(0, zk.WorldAnyone)}, zk.PermRead, nil, false},
		{"world but not anyone", []zk.ACL{acl(zk.PermAll, zk.ID{Scheme: "world", ID: "x"})}, zk.PermRead, []zk.ID{home}, false},
		{"super passes", []zk.ACL{acl(0, bob)}, zk.PermWrite, []zk.ID{home, Super}, true},
		{"super by any name", []zk.ACL{acl(0, bob)}, zk.PermWrite, []zk.ID{{Scheme: "super", ID: "cn=x"}}, true},
		{"the same user", []zk.ACL{acl(zk.PermRead, bob)}, zk.PermRead, []zk.ID{home, bob}, true},
		{"another user", []zk.ACL{acl(zk.PermRead, bob)}, zk.PermRead, []zk.ID{home, ann}, false},
		{"one of two users", []zk.ACL{acl(zk.PermRead, bob)}, zk.PermRead, []zk.ID{ann, bob}, true},
		{"the second entry", []zk.ACL{acl(zk.PermWrite, bob), acl(zk.PermRead, ann)}, zk.PermRead, []zk.ID{ann}, true},
		{"bits of different entries do not add to a user", []zk.ACL{acl(zk.PermWrite, ann), acl(zk.PermRead, bob)}, zk.PermRead, []zk.ID{ann}, false},
		{"an id of another scheme", []zk.ACL{acl(zk.PermRead, ipID("bob:1"))}, zk.PermRead, []zk.ID{bob}, false},
		{"a scheme without provider", []zk.ACL{acl(zk.PermAll, zk.ID{Scheme: "x509", ID: "a"})}, zk.PermRead, []zk.ID{{Scheme: "x509", ID: "a"}}, false},
		{"auth stored by mistake", []zk.ACL{acl(zk.PermAll, zk.ID{Scheme: "auth"})}, zk.PermRead, []zk.ID{bob}, false},
		{"an address in the range", []zk.ACL{acl(zk.PermRead, ipID("10.1.0.0/16"))}, zk.PermRead, []zk.ID{home}, true},
		{"an address outside", []zk.ACL{acl(zk.PermRead, ipID("10.2.0.0/16"))}, zk.PermRead, []zk.ID{home}, false},
		{"a stored range that is none", []zk.ACL{acl(zk.PermRead, ipID("10.2.0.0/99"))}, zk.PermRead, []zk.ID{home}, false},
		{"no identity", []zk.ACL{acl(zk.PermRead, bob)}, zk.PermRead, nil, false},
	} {
		if got := enabled.Check(test.acl, test.want, test.ids); got != test.ok {
			t.Errorf("%s: Check(%v, %d, %v) = %v, want %v", test.name, test.acl, test.want, test.ids, got, test.ok)
		}
	}
	closed := []zk.ACL{acl(0, bob)}
	if !New(Options{SkipACL: true}).Check(closed, zk.PermAll, nil) {
		t.Error("skipACL does not pass")
	}
	if New(Options{}).Check([]zk.ACL{acl(zk.PermAll, bob)}, zk.PermRead, []zk.ID{bob}) {
		t.Error("digest matches though it is disabled")
	}
}

func TestCheckDoesNotAllocate(t *testing.T) {
	list := []zk.ACL{
		acl(zk.PermRead, digestID("ann:2")), acl(zk.PermRead, ipID("2001:db8::/32")), acl(zk.PermRead, ipID("10.0.0.0/8")),
	}
	ids := []zk.ID{ipID("2001:0db9:0:0:0:0:0:1"), digestID("bob:1")}
	if n := testing.AllocsPerRun(100, func() { enabled.Check(list, zk.PermRead, ids) }); n != 0 {
		t.Errorf("Check allocates %v times, want 0", n)
	}
}

// TestFixACL follows client-protocol.md 7.3 (invariant A3).
func TestFixACL(t *testing.T) {
	bob, ann, home := digestID("bob:1"), digestID("ann:2"), ipID("10.1.2.3")
	auth := zk.ID{Scheme: "auth"}
	world := acl(zk.PermRead, zk.WorldAnyone)
	for _, test := range []struct {
		name string
		in   []zk.ACL
		ids  []zk.ID
		want []zk.ACL // nil: InvalidACL
	}{
		{"null list", nil, nil, nil},
		{"empty list", []zk.ACL{}, nil, nil},
		{"world:anyone", []zk.ACL{world}, nil, []zk.ACL{world}},
		{"world:x", []zk.ACL{acl(1, zk.ID{Scheme: "world", ID: "x"})}, nil, nil},
		{"duplicates, order kept", []zk.ACL{acl(1, bob), world, acl(1, bob), acl(2, bob), world}, nil, []zk.ACL{acl(1, bob), world, acl(2, bob)}},
		{"perms are kept as they are", []zk.ACL{acl(0, bob), acl(-1, ann)}, nil, []zk.ACL{acl(0, bob), acl(-1, ann)}},
		{"auth for each user", []zk.ACL{acl(5, auth)}, []zk.ID{home, bob, ann}, []zk.ACL{acl(5, bob), acl(5, ann)}},
		{"auth with an id", []zk.ACL{acl(5, zk.ID{Scheme: "auth", ID: "x"})}, []zk.ID{bob}, []zk.ACL{acl(5, bob)}},
		{"auth in its place", []zk.ACL{world, acl(5, auth), acl(1, ann)}, []zk.ID{bob}, []zk.ACL{world, acl(5, bob), acl(1, ann)}},
		{"auth without a login", []zk.ACL{world, acl(5, auth)}, []zk.ID{home}, nil},
		{"auth as super alone", []zk.ACL{acl(5, auth)}, []zk.ID{home, Super}, nil},
		{"auth as super by digest", []zk.ACL{acl(5, auth)}, []zk.ID{Super, digestID(superTest)}, []zk.ACL{acl(5, digestID(superTest))}},
		{"null scheme", []zk.ACL{acl(1, zk.ID{})}, nil, nil},
		{"unknown scheme", []zk.ACL{world, acl(1, zk.ID{Scheme: "nobody", ID: "x"})}, nil, nil},
		{"super", []zk.ACL{acl(1, Super)}, []zk.ID{Super}, nil},
		{"digest of one part", []zk.ACL{acl(1, digestID("bob"))}, nil, nil},
		{"address", []zk.ACL{acl(1, ipID("::1"))}, nil, []zk.ACL{acl(1, ipID("::1"))}},
		{"no address", []zk.ACL{acl(1, ipID("localhost"))}, nil, nil},
	} {
		in := append([]zk.ACL(nil), test.in...)
		got, err := enabled.FixACL(test.in, test.ids)
		if test.want == nil {
			if !errors.Is(err, zk.InvalidACL) {
				t.Errorf("%s: %v, %v, want invalid acl", test.name, got, err)
			}
			continue
		}
		if d := cmp.Diff(test.want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, d)
		}
		if d := cmp.Diff(in, append([]zk.ACL(nil), test.in...)); d != "" {
			t.Errorf("%s: the client's list was changed:\n%s", test.name, d)
		}
	}
	if _, err := New(Options{}).FixACL([]zk.ACL{acl(1, bob)}, nil); !errors.Is(err, zk.InvalidACL) {
		t.Errorf("digest while disabled: %v, want invalid acl", err)
	}
}

// TestAuthenticate follows client-protocol.md 7.5 and 7.6; nil wants AuthFailed.
func TestAuthenticate(t *testing.T) {
	sha256 := New(Options{DigestEnabled: true, Alg: "sha-256"})
	for _, test := range []struct {
		name   string
		a      *Auth
		scheme string
		data   []byte
		want   []zk.ID
	}{
		{"the example", enabled, "digest", []byte("bob:pw"), []zk.ID{digestID("bob:ikIaKsbtGweaHnb/jKn7OHqbunM=")}},
		{"super", enabled, "digest", []byte("super:test"), []zk.ID{Super, digestID(superTest)}},
		{"super with a wrong password", enabled, "digest", []byte("super:tes"), []zk.ID{digestID("super:NYTkEfP5+Z45ihH0ERJTUxAJJaA=")}},
		{"no colon", enabled, "digest", []byte("x"), []zk.ID{digestID("x:EfatjsUqKYSrqv18O1FlA3hcIHI=")}},
		{"colons in the password", enabled, "digest", []byte("a:b:c"), []zk.ID{digestID("a:cLzgnoJ6mP5qz3w+mwvPE2vDgu0=")}},
		{"empty", enabled, "digest", []byte{}, []zk.ID{digestID(":2jmj7l5rSw0yVb/vlWAYkK/YBwk=")}},
		{"null", enabled, "digest", nil, nil},
		{"sha-256", sha256, "digest", []byte("bob:pw"), []zk.ID{digestID("bob:lXdkgIa9O1CDDWAryQ0pe9wUYi2LkG6M7Uocn/Vyn2g=")}},
		{"digest while disabled", New(Options{}), "digest", []byte("bob:pw"), nil},
		{"digest with an unknown hash", New(Options{DigestEnabled: true, Alg: "crc"}), "digest", []byte("bob:pw"), nil},
		{"super without a super digest", New(Options{DigestEnabled: true}), "digest", []byte("super:test"), []zk.ID{digestID(superTest)}},
		{"ip ignores data", enabled, "ip", []byte("8.8.8.8"), []zk.ID{ipID("127.0.0.1")}},
		{"ip with null", enabled, "ip", nil, []zk.ID{ipID("127.0.0.1")}},
		{"unknown scheme", enabled, "nobody", []byte("x"), nil},
		{"no scheme", enabled, "", []byte("x"), nil},
		{"world", enabled, "world", []byte("anyone"), nil},
		{"auth", enabled, "auth", nil, nil},
		{"super as a scheme", enabled, "super", []byte("test"), nil},
	} {
		got, err := test.a.Authenticate(test.scheme, test.data, local)
		if test.want == nil {
			if !errors.Is(err, zk.AuthFailed) || got != nil {
				t.Errorf("%s: %v, %v, want authentication failed", test.name, got, err)
			}
			continue
		}
		if d := cmp.Diff(test.want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, d)
		}
	}
}

// TestLoginIsText: an identity is written as the same name in an access list comes
// out of the wire (client-protocol.md 1.2). The hashes are those of ZooKeeper's
// generateDigest.
func TestLoginIsText(t *testing.T) {
	for data, want := range map[string]string{
		"b\xffb:pw":             "b\uFFFDb:hkWMMfTru/zh5sCGi+thwGPKQNo=",
		"b\xe2\x82b:pw":         "b\uFFFDb:hkWMMfTru/zh5sCGi+thwGPKQNo=",
		"jürgen:straße":         "jürgen:/sxdmHjKtqiTKZ7XeqlDhnY2bVQ=",
		"\U0001F600:\U0001F600": "\xed\xa0\xbd\xed\xb8\x80:q5W1pUIW5fJjEdtOfUgxSCj35pk=",
	} {
		ids, err := enabled.Authenticate("digest", []byte(data), local)
		if err != nil || len(ids) != 1 || ids[0].ID != want {
			t.Errorf("%q: %q, %v, want %q", data, ids, err, want)
		}
	}
}

func TestRedact(t *testing.T) {
	in := []zk.ACL{
		acl(31, digestID("bob:secret")), acl(1, zk.WorldAnyone), acl(1, ipID("10.0.0.0:8")),
		acl(1, digestID("nocolon")), acl(1, digestID(":x1")), acl(1, digestID("a:b:c")),
	}
	before := append([]zk.ACL(nil), in...)
	want := []zk.ACL{
		acl(31, digestID("bob:x")), acl(1, zk.WorldAnyone), acl(1, ipID("10.0.0.0:8")),
		acl(1, digestID("nocolon")), acl(1, digestID(":x")), acl(1, digestID("a:x")),
	}
	if d := cmp.Diff(want, Redact(in)); d != "" {
		t.Errorf("redacted (-want +got):\n%s", d)
	}
	if d := cmp.Diff(before, in); d != "" {
		t.Errorf("the list itself was changed:\n%s", d)
	}
}

func TestUser(t *testing.T) {
	for id, want := range map[zk.ID]string{
		digestID("bob:hash"):         "bob",
		ipID("10.1.2.3"):             "10.1.2.3",
		Super:                        "",
		{Scheme: "x509", ID: "CN=a"}: "",
	} {
		if got := enabled.User(id); got != want {
			t.Errorf("User(%v) = %q, want %q", id, got, want)
		}
	}
}

// Lists of any length are fixed alike (7.3): duplicates go, the order stays.
func TestFixACLOfALongList(t *testing.T) {
	var list, want []zk.ACL
	for i := range 40000 {
		entry := acl(zk.Perm(i), zk.WorldAnyone)
		want = append(want, entry)
		list = append(list, entry, acl(zk.Perm(i/2), zk.WorldAnyone))
	}
	got, err := enabled.FixACL(list, nil)
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%d entries of %d are left, %v, want %d", len(got), len(list), err, len(want))
	}
}

// What scheme auth stands for may not make a list longer than can be stored
// (disk.md R-9).
func TestFixACLRefusesWhatGrowsTooLong(t *testing.T) {
	ids := make([]zk.ID, 1000)
	for i := range ids {
		ids[i] = digestID("user" + strconv.Itoa(i) + ":x")
	}
	var list []zk.ACL
	for i := range 200 {
		list = append(list, acl(zk.Perm(i), zk.ID{Scheme: "auth"}))
	}
	if got, err := enabled.FixACL(list[:100], ids); err != nil || len(got) != 100*len(ids) {
		t.Errorf("100 entries for 1000 identities: %d, %v", len(got), err)
	}
	if got, err := enabled.FixACL(list, ids); !errors.Is(err, zk.InvalidACL) {
		t.Errorf("200 entries for 1000 identities: %d, %v, want InvalidACL", len(got), err)
	}
}
