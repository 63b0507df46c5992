package fuzzlive

import (
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"ostler/internal/wire"
)

// A frame is what a recorded client sent at once.
type frame []byte

// readVectors returns what the clients of the recorded exchanges sent, exchange by
// exchange.
func readVectors(t *testing.T) [][]frame {
	t.Helper()
	f, err := os.Open("../../internal/node/testdata/client-vectors.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var recorded []struct {
		Frames []struct{ Conn, Dir, Hex string }
	}
	if err := json.NewDecoder(z).Decode(&recorded); err != nil {
		t.Fatal(err)
	}
	var all [][]frame
	for _, v := range recorded {
		byConn := make(map[string][]frame)
		var conns []string
		for _, f := range v.Frames {
			if f.Dir != "send" {
				continue
			}
			b, err := hex.DecodeString(f.Hex)
			if err != nil {
				t.Fatal(err)
			}
			if byConn[f.Conn] == nil {
				conns = append(conns, f.Conn)
			}
			byConn[f.Conn] = append(byConn[f.Conn], b)
		}
		for _, c := range conns {
			all = append(all, byConn[c])
		}
	}
	if len(all) < 100 {
		t.Fatalf("%d recorded connections: the vectors are not what they were", len(all))
	}
	return all
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// randomBytes returns at most n bytes, often small ones: lengths and counts that
// nearly fit.
func randomBytes(rng *rand.Rand, n int) []byte {
	b := make([]byte, rng.IntN(n+1))
	for i := range b {
		if rng.IntN(2) == 0 {
			b[i] = byte(rng.Uint32())
		} else {
			b[i] = byte(rng.IntN(3))
		}
	}
	return b
}

// odd are values that lengths, counts, versions and flags like least.
var odd = []uint32{0, 1, 0xff, 0xffff, 0xfffff, 0x100000, 1 << 30, 1<<31 - 1, 1 << 31, 1<<32 - 2, 1<<32 - 1}

// mutations change the payload of a frame; other is another one.
var mutations = []func(rng *rand.Rand, b, other []byte) []byte{
	func(rng *rand.Rand, b, _ []byte) []byte { // a flipped bit
		if len(b) > 0 {
			b[rng.IntN(len(b))] ^= 1 << rng.IntN(8)
		}
		return b
	},
	func(rng *rand.Rand, b, _ []byte) []byte { // another int
		if len(b) >= 4 {
			binary.BigEndian.PutUint32(b[rng.IntN(len(b)-3):], pick(rng, odd))
		}
		return b
	},
	func(rng *rand.Rand, b, _ []byte) []byte { return b[:rng.IntN(len(b)+1)] }, // cut off
	func(rng *rand.Rand, b, _ []byte) []byte { // a piece again
		from := rng.IntN(len(b) + 1)
		to := from + rng.IntN(len(b)-from+1)
		return slices.Insert(b, from, slices.Clone(b[from:to])...)
	},
	func(rng *rand.Rand, b, _ []byte) []byte { return append(b, randomBytes(rng, 40)...) }, // more
	func(rng *rand.Rand, b, other []byte) []byte { // the end of another
		return append(b[:rng.IntN(len(b)+1)], other[rng.IntN(len(other)+1):]...)
	},
	func(rng *rand.Rand, b, _ []byte) []byte { // another operation
		if len(b) >= wire.RequestHeaderLen {
			binary.BigEndian.PutUint32(b[4:], uint32(rng.IntN(120))-12)
		}
		return b
	},
}

// mutate changes a frame. Mostly its length still fits; else all that follows is out
// of step.
func mutate(rng *rand.Rand, f, other frame) []byte {
	b := slices.Clone([]byte(f))
	length := b[:min(len(b), wire.FrameHeaderLen)]
	payload := b[len(length):]
	for range 1 + rng.IntN(3) {
		payload = pick(rng, mutations)(rng, payload, other)
	}
	if rng.IntN(8) == 0 {
		return append(slices.Clone(length), payload...)
	}
	return wire.AppendFrame(nil, payload)
}
