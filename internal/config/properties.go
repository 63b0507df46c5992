package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
)

// A Property is one key with its value and the line, from 1, where it begins.
type Property struct {
	Key, Value string
	Line       int
}

var errEscape = errors.New(`malformed \uxxxx encoding`)

// ParseProperties reads the text of a Java properties file: ISO-8859-1, escapes,
// continued lines, comments at the beginning of a line only (operations.md 1.1).
// Nothing is trimmed, expanded or merged; duplicates stay in order.
func ParseProperties(text []byte) ([]Property, error) {
	var list []Property
	lines := logicalLines{text: text, line: 1}
	for {
		chars, at, ok := lines.next()
		if !ok {
			return list, nil
		}
		keyEnd, valueStart := splitLine(chars)
		key, err := unescape(chars[:keyEnd])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		value, err := unescape(chars[valueStart:])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", at, err)
		}
		list = append(list, Property{Key: key, Value: value, Line: at})
	}
}

// logicalLines cuts a text into lines, continued ones joined, blank and comment
// lines left out. Escapes are kept.
type logicalLines struct {
	text []byte
	pos  int
	line int
}

// next returns the next logical line and the number of its first natural line.
func (l *logicalLines) next() (chars []byte, at int, ok bool) {
	for l.pos < len(l.text) {
		at = l.line
		natural, more := l.natural()
		natural = trimBlanks(natural)
		if len(natural) == 0 || natural[0] == '#' || natural[0] == '!' {
			continue
		}
		chars = append([]byte(nil), natural...)
		for isContinued(chars) {
			chars = chars[:len(chars)-1]
			if !more {
				break
			}
			natural, more = l.natural()
			chars = append(chars, trimBlanks(natural)...)
			if len(trimBlanks(natural)) == 0 {
				break // an empty line ends even a continued one
			}
		}
		if len(chars) == 0 {
			continue
		}
		return chars, at, true
	}
	return nil, 0, false
}

// natural returns one line without its end, and whether text follows it.
func (l *logicalLines) natural() (line []byte, more bool) {
	start := l.pos
	for l.pos < len(l.text) && l.text[l.pos] != '\n' && l.text[l.pos] != '\r' {
		l.pos++
	}
	line = l.text[start:l.pos]
	if l.pos < len(l.text) {
		if l.text[l.pos] == '\r' && l.pos+1 < len(l.text) && l.text[l.pos+1] == '\n' {
			l.pos++
		}
		l.pos++
		l.line++
	}
	return line, l.pos < len(l.text)
}

// isContinued reports whether a line ends in an odd number of backslashes.
func isContinued(line []byte) bool {
	n := 0
	for n < len(line) && line[len(line)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\f' }

func trimBlanks(line []byte) []byte {
	for len(line) > 0 && isBlank(line[0]) {
		line = line[1:]
	}
	return line
}

// splitLine finds the end of the key, the first unescaped '=', ':' or blank,
// and the start of the value behind at most one '=' or ':' and blanks.
func splitLine(line []byte) (keyEnd, valueStart int) {
	for keyEnd < len(line) {
		c := line[keyEnd]
		if c == '\\' {
			keyEnd = min(keyEnd+2, len(line))
			continue
		}
		if c == '=' || c == ':' || isBlank(c) {
			break
		}
		keyEnd++
	}
	valueStart = keyEnd
	separated := false
	for valueStart < len(line) {
		c := line[valueStart]
		if !isBlank(c) {
			if separated || c != '=' && c != ':' {
				break
			}
			separated = true
		}
		valueStart++
	}
	return keyEnd, valueStart
}

// unescape resolves escapes and turns ISO-8859-1 into a string. Escapes for the
// two halves of a character outside the basic plane become that character.
func unescape(b []byte) (string, error) {
	var units []uint16
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			units = append(units, uint16(b[i]))
			continue
		}
		i++
		if i == len(b) {
			break
		}
		if b[i] != 'u' {
			units = append(units, uint16(escaped(b[i])))
			continue
		}
		if i+4 >= len(b) {
			return "", errEscape
		}
		v, err := strconv.ParseUint(string(b[i+1:i+5]), 16, 16)
		if err != nil {
			return "", errEscape
		}
		units = append(units, uint16(v))
		i += 4
	}
	return string(utf16.Decode(units)), nil
}

func escaped(c byte) byte {
	switch c {
	case 't':
		return '\t'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 'f':
		return '\f'
	}
	return c
}

// trim removes what Java's String.trim removes: blanks and control characters.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}
