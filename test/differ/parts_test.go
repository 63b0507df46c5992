//go:build interop

package differ

import (
	"fmt"
	"slices"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

func TestASeedMakesOneScript(t *testing.T) {
	for seed := uint64(1); seed < 20; seed++ {
		first, again := generate(seed, 200).String(), generate(seed, 200).String()
		if first != again {
			t.Fatalf("seed %d makes\n%s\nand\n%s", seed, first, again)
		}
		if first == generate(seed+1, 200).String() {
			t.Errorf("seeds %d and %d make the same script", seed, seed+1)
		}
	}
}

// What scripts must not hold, because no server of 3.8.0 outlives it (see avoided).
func TestScriptsAreHarmless(t *testing.T) {
	for seed := range uint64(100) {
		for _, st := range generate(seed, 400).steps {
			for _, r := range st.reqs {
				for _, body := range bodies(r) {
					if c, ok := body.(wire.CreateTTLRequest); ok && !c.Flags.TTL() && c.TTL < 0 {
						t.Fatalf("seed %d: %v", seed, r)
					}
				}
				if len(st.reqs) > 1 && r.alone() {
					t.Fatalf("seed %d: in company: %v", seed, r)
				}
			}
		}
	}
}

// bodies returns the body of a request, and those of the operations in it.
func bodies(r request) []wire.Record {
	list := []wire.Record{r.body}
	if m, ok := r.body.(wire.MultiRequest); ok {
		for _, op := range m.Ops {
			list = append(list, op.Body)
		}
	}
	return list
}

func TestZxidMap(t *testing.T) {
	var m zxidMap
	m.begin(10, 20)
	m.apacheSpends(25)        // 26 is Ostler's 15
	m.ostlerSpends(17, 27, 0) // 28 is Ostler's 18
	m.ostlerSpends(19, 28, 1) // Ostler's 19 and 20 are nobody's; 31 is 21
	m.ostlerSpends(20, 28, 1)
	for _, c := range []struct{ apache, ostler, position zk.Zxid }{
		{20, 10, 10}, {24, 14, 14}, {26, 15, 15}, {27, 16, 17}, {28, 18, 20}, {31, 21, 21}, {32, 22, 22},
	} {
		if got := m.fromApache(c.apache); got != c.ostler {
			t.Errorf("fromApache(%d) = %d, want %d", c.apache, got, c.ostler)
		}
		if got := m.position(c.apache); got != c.position {
			t.Errorf("position(%d) = %d, want %d", c.apache, got, c.position)
		}
		if got := m.toApache(c.ostler); got != c.apache {
			t.Errorf("toApache(%d) = %d, want %d", c.ostler, got, c.apache)
		}
	}
	if got := m.position(25); got != 14 {
		t.Errorf("position(25) = %d, want 14", got)
	}
	for ostler, want := range map[zk.Zxid]zk.Zxid{14: 24, 17: 27, 19: 29, 20: 30} { // Apache has no 29 and 30
		if got := m.toApache(ostler); got != want {
			t.Errorf("toApache(%d) = %d, want %d", ostler, got, want)
		}
	}
}

// The shortest script with a delete of /x somewhere behind a create of /x.
func TestShrink(t *testing.T) {
	create := wire.CreateRequest{Path: "/x", Data: []byte("data"), ACL: []zk.ACL{acl(1, "world", "anyone")}}
	s := generate(7, 60)
	s.steps = slices.Insert(s.steps, 20, step{reqs: []request{{op: zk.OpSync}, {op: zk.OpMulti, body: wire.MultiRequest{Ops: []wire.MultiOp{
		{Op: zk.OpCheck, Body: wire.CheckRequest{}}, {Op: zk.OpCreate, Body: create},
	}}}}})
	s.steps = slices.Insert(s.steps, 50, step{reqs: []request{{op: zk.OpDelete, body: wire.DeleteRequest{Path: "/x"}}, {op: zk.OpPing}}})
	got := shrink(s, func(s script) bool {
		created := false
		for _, st := range s.steps {
			for _, r := range st.reqs {
				for _, body := range bodies(r) {
					switch b := body.(type) {
					case wire.CreateRequest:
						created = created || b.Path == "/x"
					case wire.DeleteRequest:
						if created && b.Path == "/x" {
							return true
						}
					}
				}
			}
		}
		return false
	})
	want := script{seed: 7, steps: []step{
		{reqs: []request{{op: zk.OpMulti, body: wire.MultiRequest{Ops: []wire.MultiOp{
			{Op: zk.OpCreate, Body: wire.CreateRequest{Path: "/x", Data: []byte{}, ACL: zk.OpenACL()}},
		}}}}},
		{reqs: []request{{op: zk.OpDelete, body: wire.DeleteRequest{Path: "/x"}}}},
	}}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("shrunk to\n%v\nwant\n%v", got, want)
	}
}
