package auth

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// A naive evaluator does what client-protocol.md 7.2 and 7.3 say, sentence by
// sentence.
type naive struct {
	Options
	providers map[string]bool
}

// exprs are what entries of access lists may be about, and whether the id is of
// the scheme's syntax.
var exprs = map[zk.ID]bool{
	zk.WorldAnyone: true, {Scheme: "world", ID: "x"}: false, {Scheme: "auth"}: false, {Scheme: "auth", ID: "x"}: false, {}: false,
	{Scheme: "super"}: false, {Scheme: "nobody", ID: "x"}: false, {Scheme: "ensemble", ID: "blue"}: false,
	ipID("10.0.0.0/8"): true, ipID("10.1.2.3"): true, ipID("::1"): true, ipID("::/0"): true, ipID("10.0.0.0/33"): false, ipID("home"): false,
	digestID("bob:1"): true, digestID("ann:2"): true, digestID("bob"): false,
	saslID("bob"): true, saslID("x"): true, saslID("zk/h@R"): true, saslID("a@b@c"): false,
	{Scheme: "x509", ID: "CN=a"}: true, {Scheme: "x509", ID: "CN=root"}: true, {Scheme: "x509", ID: "bob"}: false,
}

// somebody are identities that a connection may have.
var somebody = []zk.ID{
	ipID("10.1.2.3"), ipID("192.168.0.1"), ipID("0:0:0:0:0:0:0:1"), digestID("bob:1"), digestID("ann:2"),
	saslID("bob"), saslID("super"), saslID("ann"),
	{Scheme: "x509", ID: "CN=a"},
	{Scheme: "x509", ID: "CN=root"},
	Super,
	{Scheme: "super", ID: "CN=root"},
}

func (n *naive) check(list []zk.ACL, wanted zk.Perm, ids []zk.ID) bool {
	if n.SkipACL {
		return true
	}
	if len(list) == 0 {
		return true
	}
	for _, id := range ids {
		if id.Scheme == "super" {
			return true
		}
	}
	for _, entry := range list {
		if entry.Perms&wanted == 0 {
			continue
		}
		if entry.ID.Scheme == "world" && entry.ID.ID == "anyone" {
			return true
		}
		if !n.providers[entry.ID.Scheme] {
			continue
		}
		for _, id := range ids {
			if id.Scheme == entry.ID.Scheme && n.matches(id, entry.ID.ID) {
				return true
			}
		}
	}
	return false
}

func (n *naive) matches(id zk.ID, expr string) bool {
	switch id.Scheme {
	case "digest":
		return id.ID == expr
	case "sasl":
		return id.ID == expr || id.ID == "super" || expr == n.SASL.AnyUser
	case "x509":
		return id.ID == expr || id.ID == n.X509Super
	case "ip":
		if !strings.Contains(expr, "/") {
			a, err := netip.ParseAddr(expr)
			return err == nil && a == netip.MustParseAddr(id.ID)
		}
		p, err := netip.ParsePrefix(expr)
		return err == nil && p.Contains(netip.MustParseAddr(id.ID))
	}
	return false
}

func (n *naive) fix(list []zk.ACL, ids []zk.ID) (fixed []zk.ACL, ok bool) {
	seen := map[zk.ACL]bool{}
	for _, entry := range list {
		if seen[entry] {
			continue
		}
		seen[entry] = true
		switch {
		case entry.ID.Scheme == "":
			return nil, false
		case entry.ID == zk.WorldAnyone:
			fixed = append(fixed, entry)
		case entry.ID.Scheme == "auth":
			found := false
			for _, id := range ids {
				proof := id.Scheme == "digest" || id.Scheme == "x509" || id.Scheme == "sasl"
				if proof && n.providers[id.Scheme] {
					found = true
					fixed = append(fixed, zk.ACL{Perms: entry.Perms, ID: id})
				}
			}
			if !found {
				return nil, false
			}
		case !n.providers[entry.ID.Scheme] || !exprs[entry.ID]:
			return nil, false
		default:
			fixed = append(fixed, entry)
		}
	}
	return fixed, len(fixed) > 0
}

func drawNaive(t *rapid.T) *naive {
	n := &naive{providers: map[string]bool{"ip": true}}
	n.SkipACL = rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, "skipACL")
	n.DigestEnabled = rapid.Bool().Draw(t, "digest")
	n.Providers = rapid.SliceOfDistinct(rapid.SampledFrom([]string{"digest", "x509", "sasl", "ensemble"}), rapid.ID[string]).Draw(t, "providers")
	for _, p := range n.Providers {
		n.providers[p] = true
	}
	if n.DigestEnabled {
		n.providers["digest"] = true
	}
	n.X509Super = rapid.SampledFrom([]string{"none", "CN=root"}).Draw(t, "x509 super")
	n.SASL.AnyUser = rapid.SampledFrom([]string{"none", "x"}).Draw(t, "any SASL user")
	return n
}

func drawACL(t *rapid.T) []zk.ACL {
	about := slices.SortedFunc(maps.Keys(exprs), func(a, b zk.ID) int {
		return cmp.Or(strings.Compare(a.Scheme, b.Scheme), strings.Compare(a.ID, b.ID))
	})
	entry := rapid.Custom(func(t *rapid.T) zk.ACL {
		perms := rapid.SampledFrom([]zk.Perm{0, 1, 2, 4, 8, 16, 3, 31, -1, 32}).Draw(t, "perms")
		return acl(perms, rapid.SampledFrom(about).Draw(t, "expr"))
	})
	return rapid.SliceOfN(entry, 0, 4).Draw(t, "acl")
}

func drawIDs(t *rapid.T) []zk.ID {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(somebody), 0, 3, rapid.ID[zk.ID]).Draw(t, "ids")
}

// TestCheckIsNaive is INV-A1 for one list: Check is the check of
// client-protocol.md 7.2.
func TestCheckIsNaive(t *testing.T) {
	passed := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		n := drawNaive(t)
		list, ids := drawACL(t), drawIDs(t)
		wanted := rapid.SampledFrom([]zk.Perm{1, 2, 4, 8, 16, 17}).Draw(t, "wanted")
		want := n.check(list, wanted, ids)
		if got := New(n.Options).Check(list, wanted, ids); got != want {
			t.Fatalf("Check(%v, %d, %v) = %v, want %v under %+v", list, wanted, ids, got, want, n.Options)
		}
		passed[want]++
	})
	if passed[true] == 0 || passed[false] == 0 {
		t.Errorf("%v: both outcomes must be seen", passed)
	}
}

// TestFixIsNaive is INV-A3: what is stored is the result of the fix-up of
// client-protocol.md 7.3, and never empty.
func TestFixIsNaive(t *testing.T) {
	passed := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		n := drawNaive(t)
		list, ids := drawACL(t), drawIDs(t)
		want, ok := n.fix(list, ids)
		got, err := New(n.Options).FixACL(list, ids)
		if ok != (err == nil) {
			t.Fatalf("FixACL(%v, %v) = %v, %v, want %v under %+v", list, ids, got, err, want, n.Options)
		}
		if d := gocmp.Diff(want, got); ok && d != "" {
			t.Fatalf("FixACL(%v, %v) under %+v (-want +got):\n%s", list, ids, n.Options, d)
		}
		passed[ok]++
	})
	if passed[true] == 0 || passed[false] == 0 {
		t.Errorf("%v: both outcomes must be seen", passed)
	}
}
