package sasl

import (
	"crypto/md5"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// DigestOptions are what a server needs for DIGEST-MD5.
type DigestOptions struct {
	Protocol string // the service in digest-uri, such as "zookeeper"
	Name     string // the host in digest-uri, and the realm
	// Password returns the password of a user.
	Password func(user string) (password string, ok bool)
	// Random gives the bytes of nonces, which nobody must be able to guess. It
	// never fails, and is read by one goroutine at a time.
	Random io.Reader
}

// nonceBytes become 40 characters of base64.
const nonceBytes = 30

type digestMD5 struct {
	o DigestOptions

	mu sync.Mutex // for Random
}

// NewDigestMD5 returns the mechanism of RFC 2831 as ZooKeeper uses it:
// authentication only, without integrity or encryption, and without subsequent
// authentication.
func NewDigestMD5(o DigestOptions) Mechanism { return &digestMD5{o: o} }

// Begin implements Mechanism.
func (m *digestMD5) Begin() Exchange { return &digestExchange{m: m} }

func (m *digestMD5) nonce() string {
	var b [nonceBytes]byte
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := io.ReadFull(m.o.Random, b[:]); err != nil {
		panic(fmt.Sprintf("random bytes: %v", err)) // a nonce of zeros would let recorded exchanges in
	}
	return base64.StdEncoding.EncodeToString(b[:])
}

// uri is the digest-uri that a client must name.
func (m *digestMD5) uri() string { return m.o.Protocol + "/" + m.o.Name }

// A digestExchange is one login by DIGEST-MD5.
type digestExchange struct {
	m     *digestMD5
	nonce string // "" before the challenge
	ended bool
}

// Step implements Exchange: first the challenge, then the check of the response.
func (x *digestExchange) Step(token []byte) (Answer, error) {
	if x.ended {
		return Answer{}, fmt.Errorf("%w: the exchange is over", ErrFailed)
	}
	if x.nonce == "" {
		x.nonce = x.m.nonce()
		return Answer{Token: x.challenge()}, nil
	}
	x.ended = true // whatever comes of it, a nonce serves once
	user, rspauth, err := x.verify(token)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrFailed, err)
	}
	return Answer{Token: []byte("rspauth=" + rspauth), Done: true, User: user}, nil
}

func (x *digestExchange) challenge() []byte {
	return fmt.Appendf(nil, `realm="%s",nonce="%s",charset=utf-8,algorithm=md5-sess`, x.m.o.Name, x.nonce)
}

// errPassword does not say whether it is the user or the password that is wrong.
var errPassword = errors.New("user and password do not fit")

// verify checks a client's response and returns who it is, and the server's proof.
func (x *digestExchange) verify(token []byte) (user, rspauth string, err error) {
	d, err := parseDirectives(string(token))
	if err != nil {
		return "", "", err
	}
	if err := x.check(d); err != nil {
		return "", "", err
	}
	user, err = d.username()
	if err != nil {
		return "", "", err
	}
	password, known := x.m.o.Password(user)
	a1 := d.secret(user, password)
	want := d.response(a1, "AUTHENTICATE:")
	if subtle.ConstantTimeCompare([]byte(want), []byte(d["response"])) != 1 || !known {
		return "", "", errPassword
	}
	return user, d.response(a1, ":"), nil
}

// check looks at everything in a response that is no secret. A qop that is not
// given means auth (RFC 2831 2.1.2).
func (x *digestExchange) check(d directives) error {
	for _, c := range []struct {
		name, want string
		optional   bool
	}{
		{name: "realm", want: x.m.o.Name},
		{name: "nonce", want: x.nonce},
		{name: "nc", want: "00000001"},
		{name: "qop", want: "auth", optional: true},
		{name: "charset", want: "utf-8", optional: true},
	} {
		got, given := d[c.name]
		if got != c.want && (given || !c.optional) {
			return fmt.Errorf("%s is %q, want %q", c.name, got, c.want)
		}
	}
	if got := d["digest-uri"]; !strings.EqualFold(got, x.m.uri()) {
		return fmt.Errorf("digest-uri is %q, want %q", got, x.m.uri())
	}
	if d["username"] == "" {
		return errors.New("username is missing")
	}
	if _, given := d["cnonce"]; !given {
		return errors.New("cnonce is missing")
	}
	return nil
}

// username reads the name as text: UTF-8 if the client says so, else ISO 8859-1.
func (d directives) username() (string, error) {
	name := d["username"]
	if d["charset"] == "" {
		var b strings.Builder
		for i := range len(name) {
			b.WriteRune(rune(name[i]))
		}
		return b.String(), nil
	}
	if !utf8.ValidString(name) {
		return "", errors.New("username is not UTF-8")
	}
	return name, nil
}

// secret is A1 of RFC 2831 2.1.2.1: what only those who know the password can
// make. Name and password are hashed in ISO 8859-1 where that can hold them,
// whatever the charset of the message.
func (d directives) secret(user, password string) string {
	hashed := md5.Sum([]byte(latin1(user) + ":" + d["realm"] + ":" + latin1(password)))
	a1 := string(hashed[:]) + ":" + d["nonce"] + ":" + d["cnonce"]
	if authzid, ok := d["authzid"]; ok {
		a1 += ":" + authzid
	}
	return a1
}

// latin1 encodes s in ISO 8859-1, or leaves it when it has other characters.
func latin1(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// response is the proof of having a1: of the client with the prefix
// "AUTHENTICATE:", of the server with ":".
func (d directives) response(a1, prefix string) string {
	qop := d["qop"]
	if qop == "" {
		qop = "auth"
	}
	a2 := prefix + d["digest-uri"]
	return hexMD5(strings.Join([]string{hexMD5(a1), d["nonce"], d["nc"], d["cnonce"], qop, hexMD5(a2)}, ":"))
}

func hexMD5(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
