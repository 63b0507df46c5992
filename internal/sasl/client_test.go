package sasl

import (
	"crypto/md5"
	"fmt"
	"strings"
)

// A login is the client's side of DIGEST-MD5, written from RFC 2831 2.1.2 apart
// from the server's. Change edits the message before it is sent.
type login struct {
	user, password string
	encode         func(string) string // of user and password, for the hash; nil: as they are
	authzid        string
	uri, cnonce    string // "" for the usual one, "-" for none
	nc             string // "" for the first use of the nonce
	change         func(message string) string
}

const someNonce = "OA6MG9tEQGm2hhYmGvXQmZ"

func sum(format string, args ...any) [16]byte { return md5.Sum(fmt.Appendf(nil, format, args...)) }

// or returns s, the usual value for "", and nothing for "-".
func or(s, usual string) string {
	if s == "" {
		return usual
	}
	return strings.TrimPrefix(s, "-")
}

// nonceOf cuts the nonce out of a challenge.
func nonceOf(challenge string) string {
	_, rest, _ := strings.Cut(challenge, `nonce="`)
	nonce, _, _ := strings.Cut(rest, `"`)
	return nonce
}

// respond returns the client's message and the proof it wants from the server.
func (l login) respond(challenge string) (message, rspauth string) {
	uri, cnonce, nc := or(l.uri, "zookeeper/zk-sasl-md5"), or(l.cnonce, someNonce), or(l.nc, "00000001")
	encode := l.encode
	if encode == nil {
		encode = func(s string) string { return s }
	}
	nonce := nonceOf(challenge)
	secret := sum("%s:zk-sasl-md5:%s", encode(l.user), encode(l.password))
	tail := ""
	if l.authzid != "" {
		tail = ":" + l.authzid
	}
	proof := func(prefix string) string {
		a1 := sum("%s:%s:%s%s", secret[:], nonce, cnonce, tail)
		return fmt.Sprintf("%x", sum("%x:%s:%s:%s:auth:%x", a1, nonce, nc, cnonce, sum("%s%s", prefix, uri)))
	}
	message = fmt.Sprintf(`charset=utf-8,username="%s",realm="zk-sasl-md5",nonce="%s",nc=%s,cnonce="%s",digest-uri="%s",maxbuf=65536,response=%s,qop=auth`,
		l.user, nonce, nc, cnonce, uri, proof("AUTHENTICATE:"))
	if l.authzid != "" {
		message += fmt.Sprintf(`,authzid="%s"`, l.authzid)
	}
	if l.change != nil {
		message = l.change(message)
	}
	return message, proof(":")
}
