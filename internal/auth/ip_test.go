package auth

import (
	"net/netip"
	"strings"
	"testing"
)

// TestIPID checks the text of addresses (client-protocol.md 7.5).
func TestIPID(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1":               "127.0.0.1",
		"::ffff:10.1.2.3":         "10.1.2.3",
		"::1":                     "0:0:0:0:0:0:0:1",
		"::":                      "0:0:0:0:0:0:0:0",
		"2001:db8::0A:b":          "2001:db8:0:0:0:0:a:b",
		"fe80::1%eth0":            "fe80:0:0:0:0:0:0:1%eth0",
		"ffff:ffff:ffff:ffff::10": "ffff:ffff:ffff:ffff:0:0:0:10",
	} {
		id := IPID(netip.MustParseAddr(addr))
		if id.Scheme != "ip" || id.ID != want {
			t.Errorf("IPID(%s) = %v, want %s", addr, id, want)
		}
	}
}

// TestIPIDs is the syntax of ids in access lists (client-protocol.md 7.6).
func TestIPIDs(t *testing.T) {
	for id, want := range map[string]bool{
		"1.2.3.4": true, "0.0.0.0": true, "255.255.255.255": true, "01.002.3.4": true,
		"1.2.3.4/0": true, "1.2.3.4/32": true, "1.2.3.4/8": true,
		"1.2.3": false, "1.2.3.4.5": false, "1.2.3.": false, "1.2..4": false, ".1.2.3": false,
		"256.1.1.1": false, "1.2.3.4/33": false, "1.2.3.4/-1": false, "1.2.3.4/": false, "1.2.3.4/8/8": false,
		"1.2.3.a": false, "1.2.3.4 ": false, "+1.2.3.4": false, "99999999999999999999.1.1.1": false,

		"::": true, "::1": true, "1::": true, "1:2:3:4:5:6:7:8": true, "1:2:3:4:5:6:7::": true, "::2:3:4:5:6:7:8": true,
		"2001:DB8::/32": true, "::/0": true, "::1/128": true, "0001::": true,
		"::/129": false, "1:2:3:4:5:6:7": false, "1:2:3:4:5:6:7:8:9": false, "1:2:3:4:5:6:7:8::": false,
		"1::2::3": false, ":::": false, ":": false, "1:": false, ":1": false, "12345::": false, "g::": false,
		"::1.2.3.4": false, "fe80::1%eth0": false, "1:2:3:4::5:6:7:8": false,

		"": false, "/": false, "localhost": false, "10": false, "/8": false,
	} {
		if got := (ipScheme{}).validID(id); got != want {
			t.Errorf("validID(%q) = %v, want %v", id, got, want)
		}
	}
}

func TestIPRanges(t *testing.T) {
	for _, test := range []struct {
		expr, id string
		want     bool
	}{
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.4", false},
		{"10.1.2.3/32", "10.1.2.4", false},
		{"10.1.2.3/31", "10.1.2.2", true},
		{"10.1.2.3/24", "10.1.2.255", true},
		{"10.1.2.3/24", "10.1.3.0", false},
		{"10.1.2.3/23", "10.1.3.0", true},
		{"10.128.0.0/9", "10.255.1.1", true},
		{"10.128.0.0/9", "10.127.1.1", false},
		{"10.1.2.3/0", "200.1.1.1", true},
		{"2001:db8::/32", "2001:db8:0:0:0:0:0:1", true},
		{"2001:db8::/32", "2001:db9:0:0:0:0:0:1", false},
		{"2001:db8::/31", "2001:db9:0:0:0:0:0:1", true},
		{"::1", "0:0:0:0:0:0:0:1", true},
		{"::1", "0:0:0:0:0:0:0:2", false},
		{"::/0", "ffff:0:0:0:0:0:0:2", true},
		{"::/0", "10.1.2.3", false},
		{"0.0.0.0/0", "0:0:0:0:0:0:0:1", false},
		{"nonsense", "10.1.2.3", false},
		{"0.0.0.0/0", "nonsense", false},
		{"fe80::/10", "fe80:0:0:0:0:0:0:1%eth0", false},
	} {
		if got := (ipScheme{}).matches(test.id, test.expr); got != test.want {
			t.Errorf("%s matches %s: %v, want %v", test.expr, test.id, got, test.want)
		}
	}
}

// FuzzRanges compares with net/netip where both read a text, and wants no panic.
func FuzzRanges(f *testing.F) {
	for _, s := range []string{"10.1.2.3/9", "::1", "2001:db8::/33", "1:2:3:4:5:6:7::/128", "1.2.3", "::%x", "fe80::1"} {
		f.Add(s, "10.1.2.4")
		f.Add(s, "2001:db8::1")
	}
	f.Fuzz(func(t *testing.T, expr, id string) {
		got := (ipScheme{}).matches(id, expr)
		if !strings.Contains(expr, "/") {
			expr += "/32"
			if strings.Contains(expr, ":") {
				expr = expr[:len(expr)-3] + "/128"
			}
		}
		prefix, err := netip.ParsePrefix(expr)
		if err != nil || prefix.Addr().Is4In6() {
			return
		}
		addr, err := netip.ParseAddr(id)
		if err != nil || addr.Zone() != "" || strings.Contains(id, ".") != addr.Is4() || strings.Contains(expr, ".") != prefix.Addr().Is4() {
			return
		}
		if want := prefix.Contains(addr); got != want {
			t.Errorf("%q matches %q: %v, want %v", expr, id, got, want)
		}
	})
}
