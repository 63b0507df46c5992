package auth

import (
	"errors"
	"strings"
	"testing"

	"ostler/internal/zk"
)

// TestProviderScheme follows client-protocol.md 7.6; a scheme with a blank is part
// of an error.
func TestProviderScheme(t *testing.T) {
	const p = "org.apache.zookeeper.server.auth."
	for class, want := range map[string]string{
		p + "IPAuthenticationProvider":        "ip",
		p + "DigestAuthenticationProvider":    "digest",
		p + "X509AuthenticationProvider":      "x509",
		p + "SASLAuthenticationProvider":      "sasl",
		p + "EnsembleAuthenticationProvider":  "ensemble",
		p + "KeyAuthenticationProvider":       "is a sample of ZooKeeper's",
		p + "sASLAuthenticationProvider":      "is not known",
		"com.acme.LDAPAuthenticationProvider": "class com.acme.LDAPAuthenticationProvider is not known",
		"":                                    "is not known",
	} {
		got, err := ProviderScheme(class)
		if err == nil && got != want || err != nil && (!strings.Contains(want, " ") || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %q, %v, want %s", class, got, err, want)
		}
		if err == nil && !New(Options{Providers: []string{got}}).Registered(got) {
			t.Errorf("%s stands for %s, which New does not register", class, got)
		}
	}
}

// TestEnsemble follows client-protocol.md 7.6 for scheme ensemble.
func TestEnsemble(t *testing.T) {
	named := New(Options{Providers: []string{"ensemble"}, Ensembles: []string{"blue", "green"}})
	unnamed := New(Options{Providers: []string{"ensemble"}})
	for _, test := range []struct {
		name string
		a    *Auth
		data []byte
		want error
	}{
		{"a name of the list", named, []byte("green"), nil},
		{"empty", named, []byte{}, nil},
		{"null", named, nil, nil},
		{"another name", named, []byte("red"), ErrForeign},
		{"a name in another case", named, []byte("Green"), ErrForeign},
		{"no names configured", unnamed, []byte("red"), nil},
		{"not registered", New(Options{Ensembles: []string{"blue"}}), []byte("blue"), zk.AuthFailed},
	} {
		ids, err := test.a.Authenticate("ensemble", test.data, local)
		if !errors.Is(err, test.want) || len(ids) != 0 {
			t.Errorf("%s: %v, %v, want no identity and %v", test.name, ids, err, test.want)
		}
	}
	if _, err := named.FixACL([]zk.ACL{acl(1, zk.ID{Scheme: "ensemble", ID: "blue"})}, nil); !errors.Is(err, zk.InvalidACL) {
		t.Errorf("ensemble in an access list: %v, want invalid acl", err)
	}
}

// TestAdmits follows client-protocol.md 7.8.
func TestAdmits(t *testing.T) {
	home, bob := ipID("1.2.3.4"), digestID("bob:1")
	for _, test := range []struct {
		name     string
		required []string
		ids      []zk.ID
		want     bool
	}{
		{"nothing is required", nil, []zk.ID{home}, true},
		{"the scheme", []string{"digest"}, []zk.ID{home, bob}, true},
		{"another scheme", []string{"sasl"}, []zk.ID{home, bob}, false},
		{"one of two", []string{"sasl", "digest"}, []zk.ID{bob}, true},
		{"the address only", []string{"digest"}, []zk.ID{home}, false},
		{"ip lets everyone in", []string{"digest", "ip"}, []zk.ID{home}, true},
		{"super is no way in by itself", []string{"sasl"}, []zk.ID{home, Super}, false},
	} {
		a := New(Options{DigestEnabled: true, Required: test.required})
		if got := a.Admits(test.ids); got != test.want {
			t.Errorf("%s: Admits(%v) = %v with %v required, want %v", test.name, test.ids, got, test.required, test.want)
		}
	}
	if !New(Options{Required: []string{"digest", "sasl"}}).RequiresSASL() || New(Options{Required: []string{"digest"}}).RequiresSASL() {
		t.Error("RequiresSASL does not say whether sasl is required")
	}
}
