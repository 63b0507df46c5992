package zab

import (
	"ostler/internal/invariant"
	"ostler/internal/zk"
)

// The checks of the hot path look before they call Check, whose arguments would
// be allocated each time.

// checkDurable: nothing is durable that was not appended.
func checkDurable(z zk.Zxid, h *History) {
	if z > h.Last() {
		invariant.Check(false, "durable %v was appended (last %v)", z, h.Last())
	}
}

// checkFollows: a history has no gap and no repetition (quorum.md R8).
func checkFollows(z, last zk.Zxid) {
	if !z.Follows(last) {
		invariant.Check(false, "record %v follows %v", z, last)
	}
}

// checkNext: the shell prepared a transaction for the zxid that is next.
func checkNext(z, next zk.Zxid) {
	if z != next {
		invariant.Check(false, "proposal %v is the next one, %v", z, next)
	}
}

// checkHeld: only what is in the history is committed.
func checkHeld(z zk.Zxid, h *History) {
	if !h.Contains(z) {
		invariant.Check(false, "%v, which is committed, is in the history after %v", z, h.Floor())
	}
}
