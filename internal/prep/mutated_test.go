package prep

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// TestMutatedRequests plans requests whose bodies were damaged on the way, among
// sound ones and before these are applied: every one becomes a transaction with the
// zxid it was given, which does what it says (INV-X3, X11); what cannot be decoded is
// a refusal, alike at a leader and at a learner (H1).
func TestMutatedRequests(t *testing.T) {
	seen := map[zk.Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		g := generator{t: t}
		for range rapid.IntRange(20, 60).Draw(t, "requests") {
			r := g.request()
			if rapid.Bool().Draw(t, "damaged") {
				r.Body = damage(t, r.Body)
			}
			code := Validate(r.Op, r.Body)
			rec := w.request(&r, zk.ServerID(uint64(r.Session)>>56))
			if code == zk.MarshallingError && codeOf(rec.Body) != code && r.Session != 0 {
				t.Fatalf("%v %x: a learner refuses with %v what a leader plans as %+v", r.Op, r.Body, code, rec.Body)
			}
			seen[codeOf(rec.Body)]++
			w.apply(rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "applied"))
		}
		w.apply(-1)
	})
	for _, code := range []zk.Code{zk.OK, zk.MarshallingError, zk.BadArguments} {
		if seen[code] == 0 {
			t.Errorf("no request ended in %v; seen %v", code, seen)
		}
	}
}

// damage changes, cuts off or inserts a few bytes.
func damage(t *rapid.T, b []byte) []byte {
	b = slices.Clone(b)
	for range rapid.IntRange(1, 3).Draw(t, "times") {
		at := rapid.IntRange(0, len(b)).Draw(t, "at")
		switch rapid.IntRange(0, 3).Draw(t, "damage") {
		case 0:
			b = b[:at]
		case 1:
			b = slices.Insert(b, at, rapid.SliceOfN(rapid.Byte(), 1, 6).Draw(t, "bytes")...)
		default:
			if at < len(b) {
				b[at] = rapid.SampledFrom([]byte{0, 1, 2, 5, 0x7f, 0x80, 0xff, '/'}).Draw(t, "byte")
			}
		}
	}
	return b
}

// H10, 4.4: at the end of the numbers of a parent a sequential create is refused, by
// the leader, with what applying would find.
func TestSequenceEnds(t *testing.T) {
	w := newWorld(t)
	w.plan(alice, zk.OpCreate, create("/s", 0))
	w.apply(-1)
	// What a history of that many creates leaves behind.
	w.zxid++
	w.tree.Apply(&txn.Txn{
		Header: txn.Header{Zxid: w.zxid, Type: zk.OpCreate},
		Body:   &txn.Create{Path: "/s/x", ACL: zk.OpenACL(), ParentCreates: 1<<31 - 1},
	}, func(tree.Change) {})
	w.prep.overlay.digest = w.tree.Digest()
	for _, pending := range []bool{true, false} {
		for i, want := range []zk.Code{zk.OK, zk.NodeExists} {
			rec := w.plan(alice, zk.OpCreate, create("/s/n", zk.ModePersistentSequential))
			if got := codeOf(rec.Body); got != want {
				t.Errorf("create %d with the last number, pending %v: %v, want %v", i, pending, got, want)
			}
			if !pending {
				w.apply(-1)
			}
		}
		w.plan(alice, zk.OpDelete, remove("/s/n2147483647", -1))
		w.plan(alice, zk.OpCreate, create("/s/plain", 0))
		w.plan(alice, zk.OpDelete, remove("/s/plain", -1))
		w.apply(-1)
	}
	if got, _ := w.tree.Info("/s"); got.Stat.Creates != 1<<31-1 {
		t.Errorf("the parent counts %d creates", got.Stat.Creates)
	}
}
