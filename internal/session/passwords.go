package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"ostler/internal/zk"
)

// SecretMin is the length that a secret must have at least, in bytes.
const SecretMin = 16

// Passwords derives session passwords from ids: the zero value as ZooKeeper does,
// which anyone can repeat who knows an id (client-protocol.md 2.6, H6), or from a
// secret that all members of an ensemble have.
type Passwords struct{ secret []byte }

// NewPasswords returns the passwords that come from a secret; without one they are
// ZooKeeper's.
func NewPasswords(secret []byte) Passwords { return Passwords{secret} }

// Of returns the password of a session.
func (p Passwords) Of(id zk.SessionID) [zk.PasswordLen]byte {
	if len(p.secret) == 0 {
		return zk.Password(id)
	}
	sum := p.mac("session", uint64(id))
	return [zk.PasswordLen]byte(sum)
}

// Valid reports whether password is that of a session. It takes the same time for
// every wrong one.
func (p Passwords) Valid(id zk.SessionID, password []byte) bool {
	want := p.Of(id)
	return id != 0 && hmac.Equal(password, want[:])
}

// Fingerprint names the secret without giving it away, so that members can tell
// whether they have the same one; 0 without a secret.
func (p Passwords) Fingerprint() uint64 {
	if len(p.secret) == 0 {
		return 0
	}
	return max(1, binary.BigEndian.Uint64(p.mac("fingerprint", 0)))
}

// mac is at least as long as a password.
func (p Passwords) mac(purpose string, n uint64) []byte {
	h := hmac.New(sha256.New, p.secret)
	h.Write(binary.BigEndian.AppendUint64([]byte(purpose), n))
	return h.Sum(nil)
}
