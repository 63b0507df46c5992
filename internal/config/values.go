package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Strict parsers: ZooKeeper refuses to start on a wrong value.

// strictInt is a decimal 32-bit number without blanks or suffix.
func strictInt(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("For input string: %q", s) //nolint:staticcheck // ZooKeeper's text, in run books.
	}
	return int(n), nil
}

func strictBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", s)
}

func strictPort(s string) (int, error) {
	n, err := strictInt(s)
	if err != nil {
		return 0, err
	}
	if n < 0 || n > math.MaxUint16 {
		return 0, fmt.Errorf("port out of range:%d", n)
	}
	return n, nil
}

// Lenient parsers: ZooKeeper falls back to the default without a word; the
// caller warns (operations.md 1.14 rule 4).

// lenientInt accepts decimal and, as ZooKeeper does, 0x and # for hexadecimal.
// A leading zero is decimal: nobody who writes 0100 means 64.
func lenientInt(s string) (int64, bool) {
	digits, base, sign := s, 10, ""
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		sign, digits = digits[:1], digits[1:]
	}
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		digits, base = digits[2:], 16
	case strings.HasPrefix(digits, "#"):
		digits, base = digits[1:], 16
	}
	if strings.ContainsAny(digits, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits, base, 64)
	return n, err == nil
}

// millis turns a number of milliseconds into a duration, clamped to what a
// duration can hold.
func millis(n int64) time.Duration {
	const limit = int64(math.MaxInt64 / time.Millisecond)
	return time.Duration(max(-limit, min(limit, n))) * time.Millisecond
}

// kib turns a number of KiB into bytes, clamped.
func kib(n int64) int64 {
	return max(math.MinInt64>>10, min(math.MaxInt64>>10, n)) << 10
}

// words splits a comma-separated list and drops empty words.
func words(s string) []string {
	var list []string
	for _, w := range strings.Split(s, ",") {
		if w = trim(w); w != "" {
			list = append(list, w)
		}
	}
	return list
}
