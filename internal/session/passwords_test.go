package session

import (
	"bytes"
	"testing"

	"ostler/internal/zk"
)

// Without a secret passwords are those that every ZooKeeper server derives; with
// one, nobody can tell them from the id (client-protocol.md 2.6, H6).
func TestPasswords(t *testing.T) {
	const id = zk.SessionID(0x01000036e0cb0000)
	public := NewPasswords(nil)
	if got, want := public.Of(id), zk.Password(id); got != want {
		t.Errorf("password without a secret is %x, want ZooKeeper's %x", got, want)
	}
	if f := public.Fingerprint(); f != 0 {
		t.Errorf("fingerprint without a secret is %x, want 0", f)
	}
	a, b := NewPasswords(bytes.Repeat([]byte{1}, SecretMin)), NewPasswords(bytes.Repeat([]byte{2}, SecretMin))
	for _, other := range []Passwords{public, b} {
		if a.Of(id) == other.Of(id) || a.Fingerprint() == other.Fingerprint() {
			t.Errorf("two secrets give the same password %x, or fingerprint %x", a.Of(id), a.Fingerprint())
		}
	}
	own := a.Of(id)
	for _, test := range []struct {
		id       zk.SessionID
		password []byte
		want     bool
	}{
		{id, own[:], true},
		{id + 1, own[:], false},
		{id, own[:8], false},
		{id, nil, false},
		{0, func() []byte { p := a.Of(0); return p[:] }(), false}, // id 0 never matches
	} {
		if got := a.Valid(test.id, test.password); got != test.want {
			t.Errorf("password %x of session %v valid: %v, want %v", test.password, test.id, got, test.want)
		}
	}
}
