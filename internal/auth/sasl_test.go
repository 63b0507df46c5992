package auth

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

func saslID(id string) zk.ID { return zk.ID{Scheme: "sasl", ID: id} }

// TestSASLIDs is the syntax of ids in access lists (client-protocol.md 7.6).
func TestSASLIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"bob": true, "": true, "a/b": true, "a/b/c": true, "a@R": true, "a/h@R": true, "@": true, "/@": true, "a/@": true,
		"a@b@c": false, "a/b/c@R": false, "a@R/x": false, "a/b@c@d": false, "@/": false,
	} {
		if got := (saslScheme{}).validID(id); got != want {
			t.Errorf("validID(%q) = %v, want %v", id, got, want)
		}
	}
}

// TestAuthorizationIDs follows client-protocol.md 7.7, from the authentication id
// to the identities; nil wants an error.
func TestAuthorizationIDs(t *testing.T) {
	realm := SASLOptions{DefaultRealm: "R"}
	noHost, noRealm, neither := realm, realm, realm
	noHost.RemoveHost, noRealm.RemoveRealm = true, true
	neither.RemoveHost, neither.RemoveRealm = true, true
	for _, test := range []struct {
		user string
		o    SASLOptions
		want []zk.ID
	}{
		{"bob", SASLOptions{}, []zk.ID{saslID("bob")}},
		{"bob", neither, []zk.ID{saslID("bob")}},
		{"a/b", neither, []zk.ID{saslID("a/b")}},
		{"bob@R", realm, []zk.ID{saslID("bob@R")}},
		{"bob@R", noRealm, []zk.ID{saslID("bob")}},
		{"bob@other", neither, []zk.ID{saslID("bob@other")}},
		{"bob@R", SASLOptions{RemoveRealm: true}, []zk.ID{saslID("bob@R")}},
		{"zk/h1@R", realm, []zk.ID{saslID("zk/h1@R")}},
		{"zk/h1@R", noHost, []zk.ID{saslID("zk@R")}},
		{"zk/h1@R", noRealm, []zk.ID{saslID("zk/h1")}},
		{"zk/h1@R", neither, []zk.ID{saslID("zk")}},
		{"bob@R@R", realm, nil},
		{"a/b/c@R", realm, nil},
		{"super", SASLOptions{}, []zk.ID{saslID("super")}},
		{"root", SASLOptions{Supers: []string{"x", "root"}}, []zk.ID{saslID("root"), Super}},
		{"root@R", SASLOptions{Supers: []string{"root"}, DefaultRealm: "R", RemoveRealm: true}, []zk.ID{saslID("root"), Super}},
		{"root@R", SASLOptions{Supers: []string{"root"}}, []zk.ID{saslID("root@R")}},
		{"\U0001F600", SASLOptions{}, []zk.ID{saslID("\xed\xa0\xbd\xed\xb8\x80")}}, // as in an access list
	} {
		got, err := New(Options{SASL: test.o}).SASL(test.user)
		if d := cmp.Diff(test.want, got); d != "" || (err == nil) != (test.want != nil) {
			t.Errorf("%s under %+v: %v (-want +got):\n%s", test.user, test.o, err, d)
		}
	}
}

// TestSASLEntries follows client-protocol.md 7.6 for scheme sasl.
func TestSASLEntries(t *testing.T) {
	with := func(o SASLOptions) *Auth { return New(Options{Providers: []string{"sasl"}, SASL: o}) }
	for _, test := range []struct {
		name, expr string
		a          *Auth
		ids        []zk.ID
		want       bool
	}{
		{"the same user", "bob", with(SASLOptions{}), []zk.ID{saslID("bob")}, true},
		{"another user", "bob", with(SASLOptions{}), []zk.ID{saslID("ann")}, false},
		{"the SASL user super", "bob", with(SASLOptions{}), []zk.ID{saslID("super")}, true},
		{"a digest user super", "bob", with(SASLOptions{}), []zk.ID{digestID("super")}, false},
		{"any SASL user", "x", with(SASLOptions{AnyUser: "x"}), []zk.ID{saslID("ann")}, true},
		{"any SASL user, but nobody", "x", with(SASLOptions{AnyUser: "x"}), []zk.ID{ipID("1.2.3.4")}, false},
		{"no entry for any user", "", with(SASLOptions{}), []zk.ID{saslID("ann")}, false},
		{"the scheme is not registered", "bob", New(Options{}), []zk.ID{saslID("bob")}, false},
	} {
		if got := test.a.Check([]zk.ACL{acl(zk.PermRead, saslID(test.expr))}, zk.PermRead, test.ids); got != test.want {
			t.Errorf("%s: Check = %v, want %v", test.name, got, test.want)
		}
	}
	a := with(SASLOptions{})
	if _, err := a.Authenticate("sasl", []byte("bob"), local); !errors.Is(err, zk.AuthFailed) {
		t.Errorf("sasl by packet: %v, want authentication failed", err)
	}
	fixed, err := a.FixACL([]zk.ACL{acl(5, zk.ID{Scheme: "auth"}), acl(1, saslID("a@b"))}, []zk.ID{saslID("bob")})
	if d := cmp.Diff([]zk.ACL{acl(5, saslID("bob")), acl(1, saslID("a@b"))}, fixed); err != nil || d != "" {
		t.Errorf("auth of a SASL user: %v (-want +got):\n%s", err, d)
	}
	if _, err := a.FixACL([]zk.ACL{acl(1, saslID("a@b@c"))}, nil); !errors.Is(err, zk.InvalidACL) {
		t.Errorf("an id that is no name: %v, want invalid acl", err)
	}
	if got := a.User(saslID("zk/h@R")); got != "zk/h@R" {
		t.Errorf("user is %q, want the id", got)
	}
}
