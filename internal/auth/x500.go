package auth

import (
	"encoding/asn1"
	"encoding/hex"
	"strings"
)

// x500Keywords are the attribute types that have a name, in upper case; others
// are written as numbers.
var x500Keywords = map[string]bool{
	"CN": true, "C": true, "L": true, "S": true, "ST": true, "O": true, "OU": true, "T": true, "IP": true,
	"STREET": true, "DC": true, "DNQUALIFIER": true, "DNQ": true, "SURNAME": true, "GIVENNAME": true,
	"INITIALS": true, "GENERATION": true, "EMAIL": true, "EMAILADDRESS": true, "UID": true, "SERIALNUMBER": true,
}

// validX500 reports whether s is a distinguished name: type=value pairs joined
// by "," or ";", or by "+" within one level (RFC 2253, with the older forms of
// RFC 1779 section 2 that Java takes too). The empty name is one.
func validX500(s string) bool {
	if s == "" {
		return true
	}
	for more := true; more; {
		typ, rest, ok := strings.Cut(s, "=")
		if !ok || !validX500Type(strings.TrimSpace(typ)) {
			return false
		}
		n, ok := x500Value(rest)
		if !ok {
			return false
		}
		if more = n < len(rest); more {
			n++ // the separator
		}
		s = rest[n:]
	}
	return true
}

// validX500Type takes a keyword, or numbers joined by dots with or without "OID.".
func validX500Type(s string) bool {
	s = strings.ToUpper(s)
	if x500Keywords[s] {
		return true
	}
	var first, second int
	arcs := strings.Split(strings.TrimPrefix(s, "OID."), ".")
	for i, arc := range arcs {
		n, ok := parseNumber(arc, 1<<31-1)
		if !ok {
			return false
		}
		switch i {
		case 0:
			first = n
		case 1:
			second = n
		}
	}
	return len(arcs) > 1 && (first == 2 || first < 2 && second < 40)
}

// x500Value returns the length of the value that s begins with, up to a
// separator or the end.
func x500Value(s string) (int, bool) {
	blanks := len(s) - len(strings.TrimLeft(s, " \n"))
	switch {
	case strings.HasPrefix(s[blanks:], "#"):
		return x500Hex(s, blanks+1)
	case strings.HasPrefix(s[blanks:], `"`):
		return x500Quoted(s, blanks+1)
	}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ',', ';', '+':
			return i, true
		case '\\':
			n, ok := x500Escape(s[i+1:])
			if !ok {
				return 0, false
			}
			i += n
		case '"', '<', '>':
			return 0, false
		}
	}
	return len(s), true
}

// x500Hex checks a value given as DER in hexadecimal, from i on.
func x500Hex(s string, i int) (int, bool) {
	n := i
	for n < len(s) && strings.IndexByte(",;+", s[n]) < 0 {
		n++
	}
	b, err := hex.DecodeString(strings.TrimRight(s[i:n], " \n"))
	if err != nil {
		return 0, false
	}
	var value asn1.RawValue
	rest, err := asn1.Unmarshal(b, &value)
	return n, err == nil && len(rest) == 0
}

// x500Quoted checks a value in quotes, from behind the first on.
func x500Quoted(s string, i int) (int, bool) {
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			n, ok := x500Escape(s[i+1:])
			if !ok {
				return 0, false
			}
			i += n
		case '"':
			rest := strings.TrimLeft(s[i+1:], " \n")
			return len(s) - len(rest), rest == "" || strings.IndexByte(",;+", rest[0]) >= 0
		}
	}
	return 0, false
}

// x500Escape returns the length of what a backslash escapes: a special character
// or two hex digits.
func x500Escape(s string) (int, bool) {
	if s == "" {
		return 0, false
	}
	if strings.IndexByte(`,=+<>#;\" `, s[0]) >= 0 {
		return 1, true
	}
	if len(s) < 2 {
		return 0, false
	}
	_, err := hex.DecodeString(s[:2])
	return 2, err == nil
}
