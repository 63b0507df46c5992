package sasl

import (
	"fmt"
	"strings"
)

// directives are the parts of a DIGEST-MD5 message: name=value or name="value",
// separated by commas (RFC 2831 section 7.1). Names are in lower case.
type directives map[string]string

// single are the directives of a client's message that may be given once only; of
// others, which mean nothing here, the first counts.
var single = map[string]bool{
	"username": true, "realm": true, "nonce": true, "cnonce": true, "nc": true, "qop": true, "digest-uri": true,
	"response": true, "maxbuf": true, "charset": true, "cipher": true, "authzid": true,
}

// parseDirectives reads a message. Blanks around parts and empty parts are
// allowed.
func parseDirectives(s string) (directives, error) {
	d := make(directives)
	for {
		if s = strings.TrimLeft(s, blanks+","); s == "" {
			return d, nil
		}
		name, rest, ok := strings.Cut(s, "=")
		name = strings.ToLower(strings.Trim(name, blanks))
		if !ok || !isToken(name) {
			return nil, fmt.Errorf("%q is no directive", s)
		}
		value, rest, err := directiveValue(strings.TrimLeft(rest, blanks))
		if err != nil {
			return nil, fmt.Errorf("directive %s: %w", name, err)
		}
		if _, twice := d[name]; !twice {
			d[name] = value
		} else if single[name] {
			return nil, fmt.Errorf("directive %s is given twice", name)
		}
		s = rest
	}
}

const blanks = " \t\r\n"

// directiveValue reads a token or a quoted string, and the comma behind it.
func directiveValue(s string) (value, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		if value, rest, err = quoted(s[1:]); err != nil {
			return "", "", err
		}
	} else {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		value, rest = strings.TrimRight(s[:end], blanks), s[end:]
		if !isToken(value) {
			return "", "", fmt.Errorf("%q is neither a token nor quoted", value)
		}
	}
	if rest = strings.TrimLeft(rest, blanks); rest != "" && rest[0] != ',' {
		return "", "", fmt.Errorf("no comma before %q", rest)
	}
	return value, rest, nil
}

// quoted reads up to the closing quote; a backslash takes the next byte as it is.
func quoted(s string) (value, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) {
				return "", "", errNoQuote
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", errNoQuote
}

var errNoQuote = fmt.Errorf("no closing quote")

// isToken reports whether s is one or more characters that need no quotes.
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
