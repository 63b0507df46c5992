package jute

import (
	"strings"
	"unicode/utf8"
)

// Text returns s as it comes out of a ZooKeeper server that has read and
// written it (client-protocol.md 1.2): every malformed byte is replaced by
// U+FFFD, a surrogate half as a whole by one U+FFFD, and a character above
// U+FFFF becomes two halves of three bytes each. Strings are otherwise kept as
// bytes; Text is for those from a client that are stored or sent back.
func Text(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			n = malformed(s[i:])
			b.WriteRune(utf8.RuneError)
		case r > 0xffff:
			r -= 0x10000
			writeHalf(&b, 0xd800+r>>10)
			writeHalf(&b, 0xdc00+r&0x3ff)
		default:
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// plain reports whether s is UTF-8 without characters above U+FFFF, whose
// first byte is 0xf0 or more.
func plain(s string) bool {
	ascii := byte(0)
	for i := range len(s) {
		if s[i] >= 0xf0 {
			return false
		}
		ascii |= s[i]
	}
	return ascii < utf8.RuneSelf || utf8.ValidString(s)
}

// malformed returns how many of the first bytes of s one U+FFFD stands for: as
// many as could begin a character, and all three of an encoded surrogate.
func malformed(s string) int {
	if len(s) >= 3 && s[0] == 0xed && s[1] >= 0xa0 && s[1] <= 0xbf && continues(s[2]) {
		return 3
	}
	low, high, want := byte(0x80), byte(0xbf), 0
	switch c := s[0]; {
	case c >= 0xc2 && c <= 0xdf:
		want = 2
	case c == 0xe0:
		low, want = 0xa0, 3
	case c >= 0xe1 && c <= 0xef:
		want = 3
	case c == 0xf0:
		low, want = 0x90, 4
	case c >= 0xf1 && c <= 0xf3:
		want = 4
	case c == 0xf4:
		high, want = 0x8f, 4
	}
	n := 1
	for n < want && n < len(s) && s[n] >= low && s[n] <= high {
		low, high = 0x80, 0xbf
		n++
	}
	return n
}

func continues(c byte) bool { return c&0xc0 == 0x80 }

// writeHalf writes one half of a surrogate pair in three bytes, which no rune
// of Go stands for.
func writeHalf(b *strings.Builder, half rune) {
	b.WriteByte(0xe0 | byte(half>>12))
	b.WriteByte(0x80 | byte(half>>6)&0x3f)
	b.WriteByte(0x80 | byte(half)&0x3f)
}
