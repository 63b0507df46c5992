package sasl

import (
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

var passwords = map[string]string{"bob": "bobsecret", "jürgen": "straße", "Ω": "ω", `a"b\c`: "x", "empty": ""}

func newServer() Mechanism {
	return NewDigestMD5(DigestOptions{
		Protocol: "zookeeper", Name: "zk-sasl-md5", Random: rand.NewChaCha8([32]byte{1}),
		Password: func(user string) (string, bool) { p, ok := passwords[user]; return p, ok },
	})
}

// The exchange recorded from ZooKeeper (v: sasl-digest-md5), the nonce included.
func TestRecordedExchange(t *testing.T) {
	const nonce = "CgXoTWz23OMt0bc/G8aDRUwX8lIj6UdvtGIcZFR1"
	random, err := base64.StdEncoding.DecodeString(nonce)
	if err != nil {
		t.Fatal(err)
	}
	m := NewDigestMD5(DigestOptions{
		Protocol: "zookeeper", Name: "zk-sasl-md5", Random: strings.NewReader(string(random)),
		Password: func(string) (string, bool) { return "bobsecret", true },
	})
	x := m.Begin()
	a, err := x.Step(nil)
	if want := `realm="zk-sasl-md5",nonce="` + nonce + `",charset=utf-8,algorithm=md5-sess`; err != nil || string(a.Token) != want || a.Done {
		t.Fatalf("got challenge %+v, %v, want %s", a, err, want)
	}
	a, err = x.Step([]byte(`charset=utf-8,username="bob",realm="zk-sasl-md5",nonce="` + nonce + `",nc=00000001,cnonce="OA6MG9tEQGm2hhYmGvXQmZ",digest-uri="zookeeper/zk-sasl-md5",maxbuf=65536,response=00e088f476b98b22bdaecc99fafceeb2,qop=auth`))
	if err != nil || string(a.Token) != "rspauth=03cebd7048933d1a9c81bfa0622c71b4" || !a.Done || a.User != "bob" {
		t.Errorf("got %+v, %v, want bob and ZooKeeper's rspauth", a, err)
	}
}

// TestLogins follows RFC 2831 2.1.2; who is "" must not come in.
func TestLogins(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(m string) string {
			if !strings.Contains(m, old) {
				t.Fatalf("%q is not in %q", old, m)
			}
			return strings.Replace(m, old, with, 1)
		}
	}
	bob := login{user: "bob", password: "bobsecret"}
	with := func(l login, change func(string) string) login {
		l.change = change
		return l
	}
	for _, test := range []struct {
		name  string
		login login
		who   string
	}{
		{"right", bob, "bob"},
		{"with an authzid, which is hashed and else ignored", login{user: "bob", password: "bobsecret", authzid: "super"}, "bob"},
		{"qop not given", with(bob, replace(",qop=auth", "")), "bob"},
		{"qop quoted", with(bob, replace("qop=auth", `qop="auth"`)), "bob"},
		{"charset not given", with(bob, replace("charset=utf-8,", "")), "bob"},
		{"blanks and empty parts", with(bob, func(m string) string { return " ," + strings.ReplaceAll(m, ",", " , ,\t") + ", " }), "bob"},
		{"names in capitals", with(bob, replace("username=", "USERNAME=")), "bob"},
		{"hashed in 8859-1", login{user: "jürgen", password: "straße", encode: latin1}, "jürgen"},
		{"hashed in UTF-8, because there is no other", login{user: "Ω", password: "ω"}, "Ω"},
		{"sent in 8859-1", login{user: "jürgen", password: "straße", encode: latin1, change: func(m string) string {
			return latin1(replace("charset=utf-8,", "")(m))
		}}, "jürgen"},
		{"an unknown directive, twice", with(bob, func(m string) string { return m + `,x="1",x=2` }), "bob"},
		{"all in quotes", with(bob, func(m string) string {
			return regexp.MustCompile(`(charset|nc|qop|response)=([^,]*)`).ReplaceAllString(m, `$1="$2"`)
		}), "bob"},
		{"service and host in capitals", login{user: "bob", password: "bobsecret", uri: "ZOOKEEPER/zk-SASL-md5"}, "bob"},
		{"an empty cnonce", login{user: "bob", password: "bobsecret", cnonce: "-"}, "bob"},
		{"quotes in the name", with(login{user: `a"b\c`, password: "x"}, replace(`"a"b\c"`, `"a\"b\\c"`)), `a"b\c`},

		{"wrong password", login{user: "bob", password: "x"}, ""},
		{"unknown user", login{user: "eve", password: "x"}, ""},
		{"unknown user without password", login{user: "eve"}, ""},
		{"empty password", login{user: "empty"}, "empty"},
		{"no name", login{password: "x"}, ""},
		{"another realm", with(bob, replace(`realm="zk-sasl-md5"`, `realm="other"`)), ""},
		{"no realm", with(bob, replace(`realm="zk-sasl-md5",`, "")), ""},
		{"another host", login{user: "bob", password: "bobsecret", uri: "zookeeper/other"}, ""},
		{"another service", login{user: "bob", password: "bobsecret", uri: "ldap/zk-sasl-md5"}, ""},
		{"a host twice", login{user: "bob", password: "bobsecret", uri: "zookeeper/zk-sasl-md5/zk-sasl-md5"}, ""},
		{"another uri than hashed", with(bob, replace("zookeeper/", "ZooKeeper/")), ""},
		{"capitals in the charset", with(bob, replace("utf-8", "UTF-8")), ""},
		{"the second use of a nonce", login{user: "bob", password: "bobsecret", nc: "00000002"}, ""},
		{"a foreign nonce", with(bob, replace(`,nonce="`, `,nonce="A`)), ""},
		{"a changed cnonce", with(bob, replace(`cnonce="`, `cnonce="A`)), ""},
		{"no cnonce", with(bob, replace(`cnonce="`+someNonce+`",`, "")), ""},
		{"integrity", with(bob, replace("qop=auth", "qop=auth-int")), ""},
		{"another charset", with(bob, replace("charset=utf-8", "charset=latin1")), ""},
		{"no response", with(bob, func(m string) string { return regexp.MustCompile(`response=\w+,`).ReplaceAllString(m, "") }), ""},
		{"a response in capitals", with(bob, func(m string) string {
			return regexp.MustCompile(`response=\w+`).ReplaceAllStringFunc(m, func(s string) string { return "response=" + strings.ToUpper(s[9:]) })
		}), ""},
		{"a directive twice", with(bob, func(m string) string { return m + `,username="bob"` }), ""},
		{"an authzid that was not hashed", with(bob, func(m string) string { return m + `,authzid="x"` }), ""},
		{"not UTF-8", with(bob, replace(`"bob"`, "\"b\xff\"")), ""},
		{"no directives", with(bob, func(string) string { return "hello" }), ""},
		{"nothing", with(bob, func(string) string { return "" }), ""},
		{"an open quote", with(bob, func(m string) string { return m + `,x="` }), ""},
		{"a backslash at the end", with(bob, func(m string) string { return m + `,x="\` }), ""},
		{"no comma", with(bob, replace(`"bob",`, `"bob"`)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := newServer().Begin()
			challenge, err := x.Step([]byte{})
			if err != nil || challenge.Done {
				t.Fatalf("first step: %+v, %v", challenge, err)
			}
			message, rspauth := test.login.respond(string(challenge.Token))
			a, err := x.Step([]byte(message))
			if test.who == "" {
				if !errors.Is(err, ErrFailed) || a.Done || a.User != "" || a.Token != nil {
					t.Errorf("%s was answered %+v, %v, want a failure", message, a, err)
				}
			} else if err != nil || !a.Done || a.User != test.who || string(a.Token) != "rspauth="+rspauth {
				t.Errorf("%s was answered %+v, %v, want user %s and rspauth %s", message, a, err, test.who, rspauth)
			}
			if a, err := x.Step([]byte(message)); !errors.Is(err, ErrFailed) || a.Done {
				t.Errorf("a step after the end: %+v, %v, want a failure", a, err)
			}
		})
	}
}

// A recorded response is worth nothing in another exchange.
func TestNoReplay(t *testing.T) {
	m := newServer()
	first, second := m.Begin(), m.Begin()
	a, _ := first.Step(nil)
	b, _ := second.Step(nil)
	if nonceOf(string(a.Token)) == nonceOf(string(b.Token)) || len(nonceOf(string(a.Token))) != 40 {
		t.Fatalf("nonces of two exchanges: %s and %s", a.Token, b.Token)
	}
	message, _ := login{user: "bob", password: "bobsecret"}.respond(string(a.Token))
	if got, err := second.Step([]byte(message)); !errors.Is(err, ErrFailed) {
		t.Errorf("the response to another challenge was answered %+v, %v", got, err)
	}
	if got, err := first.Step([]byte(message)); err != nil || got.User != "bob" {
		t.Errorf("the response to the own challenge was answered %+v, %v", got, err)
	}
}

// FuzzResponse: nobody comes in without the password, and nothing panics.
func FuzzResponse(f *testing.F) {
	m := newServer()
	x := m.Begin()
	a, _ := x.Step(nil)
	message, _ := login{user: "bob", password: "wrong"}.respond(string(a.Token))
	f.Add([]byte(message))
	f.Add([]byte(`a="\`))
	f.Add([]byte(`a=b , ,c = "d" e`))
	f.Fuzz(func(t *testing.T, message []byte) {
		x := newServer().Begin()
		if _, err := x.Step(message); err != nil {
			t.Fatal(err)
		}
		if a, err := x.Step(message); err == nil || a.Done {
			t.Errorf("%q was let in as %q", message, a.User)
		}
	})
}
