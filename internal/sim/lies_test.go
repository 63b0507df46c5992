package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A lie is something wrong that clients are told, though the servers said something else.
type lie struct {
	name string
	tell func(dice *rand.Rand, op zk.OpCode, frame []byte) [][]byte
}

// Of whatever an operation answers, no byte may be another.
var withBody = []zk.OpCode{
	zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpSetData, zk.OpSetACL, zk.OpMulti, zk.OpSync,
	zk.OpExists, zk.OpGetData, zk.OpGetACL, zk.OpGetChildren, zk.OpGetChildren2, zk.OpGetAllChildrenNumber, zk.OpGetEphemerals,
	zk.OpMultiRead, zk.OpWhoAmI, zk.OpAddWatch,
}

// Nor may a refusal be another, or none.
var withCode = []zk.OpCode{
	zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL,
	zk.OpExists, zk.OpGetData, zk.OpGetACL, zk.OpGetChildren, zk.OpGetChildren2, zk.OpGetAllChildrenNumber,
	zk.OpCheckWatches, zk.OpRemoveWatches, zk.OpReconfig, zk.OpAuth,
}

func changedByte(op zk.OpCode) lie {
	return lie{fmt.Sprintf("a byte of the answer to %v is another", op), func(dice *rand.Rand, o zk.OpCode, frame []byte) [][]byte {
		if n := len(frame) - wire.ReplyHeaderLen; o == op && n > 0 {
			frame = slices.Clone(frame)
			frame[wire.ReplyHeaderLen+dice.IntN(n)] ^= 1 << dice.IntN(7)
		}
		return [][]byte{frame}
	}}
}

func changedCode(op zk.OpCode) lie {
	return lie{fmt.Sprintf("%v ends another way", op), func(_ *rand.Rand, o zk.OpCode, frame []byte) [][]byte {
		var h wire.ReplyHeader
		if h.Decode(frame) != nil || o != op {
			return [][]byte{frame}
		}
		body := frame[wire.ReplyHeaderLen:]
		if h.Err == zk.OK {
			h.Err = zk.NoAuth
		} else {
			h.Err = zk.BadVersion
		}
		return [][]byte{append(h.Append(nil), body...)}
	}}
}

// onEvents alters every third event, the catch-up ones if caught.
func onEvents(name string, caught bool, change func(frame []byte) [][]byte) lie {
	return lie{name, func(dice *rand.Rand, op zk.OpCode, frame []byte) [][]byte {
		var h wire.ReplyHeader
		if op != zk.OpNotification || h.Decode(frame) != nil || (h.Zxid == -1) != caught || dice.IntN(3) > 0 {
			return [][]byte{frame}
		}
		return change(frame)
	}}
}

var eventLies = []lie{
	onEvents("an event is lost", false, func([]byte) [][]byte { return nil }),
	onEvents("an event comes twice", false, func(f []byte) [][]byte { return [][]byte{f, f} }),
	onEvents("an event has another type", false, func(f []byte) [][]byte {
		f = slices.Clone(f)
		f[wire.ReplyHeaderLen+3] = f[wire.ReplyHeaderLen+3]%4 + 1
		return [][]byte{f}
	}),
	onEvents("an event has another path", false, func(f []byte) [][]byte {
		f = slices.Clone(f)
		f[len(f)-1] ^= 1
		return [][]byte{f}
	}),
	onEvents("an event has a later zxid", false, func(f []byte) [][]byte {
		f = slices.Clone(f)
		f[11]++
		return [][]byte{f}
	}),
	onEvents("a catch-up event is lost", true, func([]byte) [][]byte { return nil }),
	onEvents("a catch-up event comes twice", true, func(f []byte) [][]byte { return [][]byte{f, f} }),
}

// The checkers of clients find every lie, on top of servers that do nothing wrong.
func TestTheCheckersFindLies(t *testing.T) {
	lies := slices.Clone(eventLies)
	for _, op := range withBody {
		lies = append(lies, changedByte(op))
	}
	for _, op := range withCode {
		lies = append(lies, changedCode(op))
	}
	for _, l := range lies {
		found := ""
		seed := uint64(1)
		for ; seed <= 40 && found == ""; seed++ {
			w := New(Options{Seed: seed})
			e := newEnsemble(w, realNode, 1)
			for i, c := range e.Clients {
				dice := w.dice(1000 + uint64(i))
				c.meddle = func(op zk.OpCode, frame []byte) [][]byte { return l.tell(dice, op, frame) }
			}
			e.Run()
			if f := w.Failure(); f != nil {
				found = f.Error()
			}
		}
		if found == "" {
			t.Errorf("%s: not found in %d seeds", l.name, seed-1)
			continue
		}
		t.Logf("%s: seed %d, %.200s", l.name, seed-1, found)
	}
}
