// Package jutetest holds what the tests of all decoders have in common.
package jutetest

import (
	"runtime"
	"testing"
)

// What decoding may allocate: factor bytes for each byte of input, for the
// values are larger than their encoding (an empty string takes 4 bytes there and 16
// here, and lists grow by doubling), and slack for the decoder and the measurement.
const (
	factor = 32
	slack  = 64 << 10
)

// Bounded runs decode, which reads n bytes, and fails the test if it allocates
// beyond a constant times n: a length or count in the input must not be believed
// before the bytes for it are there (INV-I5).
func Bounded(t testing.TB, n int, decode func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	decode()
	runtime.ReadMemStats(&after)
	if got, limit := after.TotalAlloc-before.TotalAlloc, uint64(factor*n+slack); got > limit {
		t.Errorf("decoding %d bytes allocated %d, the limit is %d", n, got, limit)
	}
}
