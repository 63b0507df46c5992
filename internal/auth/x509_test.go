package auth

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

// TestX500Names is what Java 17's X500Principal, by which ZooKeeper judges ids of
// scheme x509, says to each name (client-protocol.md 7.6).
func TestX500Names(t *testing.T) {
	for id, want := range map[string]bool{
		"CN=a": true, "CN=a,OU=b;O=c": true, "cn=a+OU=b": true, "": true, "CN=": true, "C=": true,
		"1.2.3=#0403010203": true, "OID.1.2.3=a": true, "1.2.3=a": true, "01.2=a": true, "1.02=a": true,
		"2.999.1=a": true, "0.39=x": true, "CN=a=b": true, `CN="a,b"`: true, `CN=a\,b`: true, `CN=a\c3\a4`: true,
		"CN=#0403010203": true, "CN=a b": true, "CN = a": true, `CN="a" ,OU=b`: true, "EMAILADDRESS=a@b": true,
		"UID=x": true, "CN=a#b": true, `STREET=1 \+ 2`: true, "DC=x,DC=y": true, "SERIALNUMBER=5": true,
		"CN=a\nb": true, "CN=ä": true, `CN=a\ `: true, `CN= \#a`: true,

		"  ": false, "CN": false, "=a": false, "XX=a": false, "E=a@b": false, "3.1=a": false, "1=a": false, "1.2.=a": false,
		"1.40.1=a": false, `CN="a`: false, `CN=a\`: false, `CN=a\zz`: false, "CN=#": false, "CN=#0g": false, "CN=#04": false,
		"CN=# 04": false, "CN=#04030102zz": false, "CN=#0402010203": false, "CN=a<b": false, "CN=<a": false, "CN=a>": false,
		`CN=a"b`: false, "CN=a,": false, "CN=a;": false, "CN=a+": false, "CN=a,,OU=b": false, ",CN=a": false, "CN=a,OU": false,
		`CN="a"b`: false, "bob": false, `CN="a\`: false, `CN=a\c`: false,
	} {
		if got := validX500(id); got != want {
			t.Errorf("validX500(%q) = %v, want %v", id, got, want)
		}
	}
}

func FuzzX500(f *testing.F) {
	for _, s := range []string{`CN="\`, `CN=\`, "1.2=#", "CN=a+2.5=b;", ` = `} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if validX500(s) && !validX500("CN=x,"+s) && s != "" {
			t.Errorf("%q is a name, but not below another", s)
		}
	})
}

// TestCertificate follows client-protocol.md 7.6 for scheme x509.
func TestCertificate(t *testing.T) {
	const admin = "CN=admin,O=y"
	a := New(Options{Providers: []string{"x509"}, X509Super: admin})
	client, super := zk.ID{Scheme: "x509", ID: "CN=client,O=y"}, zk.ID{Scheme: "x509", ID: admin}
	for subject, want := range map[string][]zk.ID{
		client.ID: {client},
		admin:     {super, {Scheme: "super", ID: admin}},
	} {
		got, err := a.Certificate(subject)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("certificate of %s: %v (-want +got):\n%s", subject, err, d)
		}
	}
	if ids, err := New(Options{}).Certificate(client.ID); !errors.Is(err, zk.AuthFailed) {
		t.Errorf("certificate without the scheme: %v, %v, want authentication failed", ids, err)
	}
	if ids, err := New(Options{Providers: []string{"x509"}}).Certificate(""); err != nil || len(ids) != 1 {
		t.Errorf("an empty subject without a super user: %v, %v, want no super", ids, err)
	}
	list := []zk.ACL{acl(zk.PermRead, client)}
	for _, c := range []struct {
		name string
		a    *Auth
		ids  []zk.ID
		want bool
	}{
		{"the subject itself", a, []zk.ID{client}, true},
		{"another subject", a, []zk.ID{{Scheme: "x509", ID: "CN=other"}}, false},
		{"the same name written otherwise", a, []zk.ID{{Scheme: "x509", ID: "CN=client, O=y"}}, false},
		{"the super user by its x509 identity alone", a, []zk.ID{super}, true},
		{"the same without a super user", New(Options{Providers: []string{"x509"}}), []zk.ID{super}, false},
		{"the scheme is not registered", New(Options{}), []zk.ID{client}, false},
	} {
		if got := c.a.Check(list, zk.PermRead, c.ids); got != c.want {
			t.Errorf("%s: Check = %v, want %v", c.name, got, c.want)
		}
	}
	fixed, err := a.FixACL([]zk.ACL{acl(5, zk.ID{Scheme: "auth"})}, []zk.ID{ipID("1.2.3.4"), client})
	if d := cmp.Diff([]zk.ACL{acl(5, client)}, fixed); err != nil || d != "" {
		t.Errorf("auth of a certificate: %v (-want +got):\n%s", err, d)
	}
	if _, err := a.Authenticate("x509", []byte(admin), local); !errors.Is(err, zk.AuthFailed) {
		t.Errorf("x509 by packet: %v, want authentication failed", err)
	}
	if got := a.User(client); got != client.ID {
		t.Errorf("user is %q, want the subject", got)
	}
}
