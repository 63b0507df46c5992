package auth

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDigestIDs is the rule of two parts in client-protocol.md 7.6: empty parts at
// the end do not count.
func TestDigestIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"a:b": true, ":b": true, "a:b:": true, "a:b::": true,
		"": false, "a": false, ":": false, "::": false, "a:": false, "a::": false,
		"a:b:c": false, "a::b": false, "::b": false, ":a:b": false,
	} {
		if got := (&digestScheme{}).validID(id); got != want {
			t.Errorf("validID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	for _, alg := range []string{"", "SHA1", "sha1", "SHA", "SHA-1", "SHA-256", "sha-512", "SHA3-256", "MD5"} {
		if !ValidAlg(alg) {
			t.Errorf("%q is refused", alg)
		}
	}
	for _, alg := range []string{"SHA256", "crc", " SHA-1"} {
		if ValidAlg(alg) {
			t.Errorf("%q is taken", alg)
		}
	}
	byDefault, _ := New(Options{DigestEnabled: true}).Authenticate("digest", []byte("u:p"), local)
	bySHA1, _ := New(Options{DigestEnabled: true, Alg: "SHA-1"}).Authenticate("digest", []byte("u:p"), local)
	if d := cmp.Diff(bySHA1, byDefault); d != "" {
		t.Errorf("the default is not SHA-1 (-want +got):\n%s", d)
	}
}
