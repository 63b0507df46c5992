package auth

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strings"
	"unicode/utf8"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// hashes are the algorithms by the names Java gives them, in upper case.
var hashes = map[string]func() hash.Hash{
	"MD5":      md5.New,
	"SHA":      sha1.New,
	"SHA1":     sha1.New,
	"SHA-1":    sha1.New,
	"SHA-224":  sha256.New224,
	"SHA-256":  sha256.New,
	"SHA-384":  sha512.New384,
	"SHA-512":  sha512.New,
	"SHA3-224": func() hash.Hash { return sha3.New224() },
	"SHA3-256": func() hash.Hash { return sha3.New256() },
	"SHA3-384": func() hash.Hash { return sha3.New384() },
	"SHA3-512": func() hash.Hash { return sha3.New512() },
}

func hashName(alg string) string {
	if alg == "" {
		return "SHA1"
	}
	return strings.ToUpper(alg)
}

// ValidAlg reports whether alg names a hash that scheme digest can use; ""
// stands for SHA-1.
func ValidAlg(alg string) bool { return hashes[hashName(alg)] != nil }

// A digestScheme knows people by user name and password
// (client-protocol.md 7.6).
type digestScheme struct {
	newHash func() hash.Hash
	super   string // the id that is super; "" for none
}

func (d *digestScheme) login(r loginRequest) ([]zk.ID, error) {
	if r.data == nil {
		return nil, zk.AuthFailed
	}
	id := d.id(utf8Text(r.data))
	if d.super != "" && id == d.super {
		return []zk.ID{Super, {Scheme: schemeDigest, ID: id}}, nil
	}
	return []zk.ID{{Scheme: schemeDigest, ID: id}}, nil
}

// id returns user:hash for the credentials user:password. The hash is over both;
// the user is written as in access lists, which it is compared with.
func (d *digestScheme) id(credentials string) string {
	user, _, _ := strings.Cut(credentials, ":")
	h := d.newHash()
	h.Write([]byte(credentials))
	return jute.Text(user) + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// utf8Text reads b as Java reads UTF-8: what is none becomes U+FFFD, since an
// identity may end up in a stored list, and strings there must be text.
func utf8Text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return jute.Text(string(b))
}

// validID wants exactly two parts around colons, where empty parts at the end
// do not count.
func (d *digestScheme) validID(expr string) bool {
	return strings.Count(strings.TrimRight(expr, ":"), ":") == 1
}

func (d *digestScheme) matches(id, expr string) bool { return id == expr }
func (d *digestScheme) authenticated() bool          { return true }

func (d *digestScheme) user(id string) string {
	user, _, _ := strings.Cut(id, ":")
	return user
}
