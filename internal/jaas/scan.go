package jaas

import (
	"fmt"
	"strings"
)

// A kind of token; characters that stand for themselves are their own kind.
type kind byte

const (
	end  kind = 0
	word kind = 'w'
	text kind = '"' // in quotes
)

type token struct {
	kind kind
	text string
	line int
}

// String names the token in errors. It does not show what is in quotes, which may
// be a password.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end of the file"
	case text:
		return "a text in quotes"
	}
	return fmt.Sprintf("%q", t.text)
}

// A scanner cuts a file into tokens.
type scanner struct {
	file string
	rest string
	line int
}

func (s *scanner) errorAt(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", s.file, line, fmt.Sprintf(format, args...))
}

// skip drops n bytes.
func (s *scanner) skip(n int) {
	s.line += strings.Count(s.rest[:n], "\n")
	s.rest = s.rest[n:]
}

// scan returns the next token.
func (s *scanner) scan() (token, error) {
	if err := s.blanks(); err != nil {
		return token{}, err
	}
	if s.rest == "" {
		return token{line: s.line}, nil
	}
	switch c := s.rest[0]; {
	case strings.IndexByte("{};=", c) >= 0:
		s.rest = s.rest[1:]
		return token{kind(c), string(c), s.line}, nil
	case c == '"':
		return s.quoted()
	case !isWordByte(c):
		return token{}, s.errorAt(s.line, "unexpected %q", c)
	}
	n := 0
	for n < len(s.rest) && isWordByte(s.rest[n]) {
		n++
	}
	t := token{word, s.rest[:n], s.line}
	s.skip(n)
	return t, nil
}

// blanks skips space and comments.
func (s *scanner) blanks() error {
	for {
		s.skip(len(s.rest) - len(strings.TrimLeft(s.rest, " \t\r\n\f")))
		switch {
		case strings.HasPrefix(s.rest, "//"):
			n := strings.IndexByte(s.rest, '\n')
			if n < 0 {
				n = len(s.rest)
			}
			s.skip(n)
		case strings.HasPrefix(s.rest, "/*"):
			n := strings.Index(s.rest[2:], "*/")
			if n < 0 {
				return s.errorAt(s.line, "a comment is not closed")
			}
			s.skip(n + 4)
		default:
			return nil
		}
	}
}

// quoted reads a text in quotes, with the escapes of Java.
func (s *scanner) quoted() (token, error) {
	var b strings.Builder
	for i := 1; i < len(s.rest) && s.rest[i] != '\n'; i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return token{text, b.String(), s.line}, nil
		case '\\':
			n, c := unescape(s.rest[i+1:])
			b.WriteByte(c)
			i += n
		default:
			b.WriteByte(c)
		}
	}
	return token{}, s.errorAt(s.line, "a quote is not closed in its line")
}

// unescape returns the byte that the text behind a backslash begins with, and the
// length of what says so.
func unescape(s string) (n int, c byte) {
	if s == "" {
		return 0, '\\'
	}
	for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' && (n < 2 || s[0] <= '3') {
		c = c<<3 | (s[n] - '0')
		n++
	}
	if n > 0 {
		return n, c
	}
	if at := strings.IndexByte("abfnrtv", s[0]); at >= 0 {
		return 1, "\a\b\f\n\r\t\v"[at]
	}
	return 1, s[0]
}

// isWordByte reports whether c may stand in a name, class or value without quotes.
func isWordByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c >= 0xa0:
		return true
	}
	return strings.IndexByte("._-$*", c) >= 0
}
