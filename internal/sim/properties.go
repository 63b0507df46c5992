package sim

import (
	"fmt"
	"strings"
)

// Properties are the names of what the oracle checks (quorum.md 8.3).
var Properties = []string{
	"Leadership1", "Leadership2", "PrefixConsistency", "Integrity", "Agreement", "TotalOrder",
	"LocalPrimaryOrder", "GlobalPrimaryOrder", "PrimaryIntegrity", "ShouldNotBeTriggered",
}

// triggered explains a panic. A broken invariant is the model's flag that must not be
// raised: stateInconsistent, proposalInconsistent, commitInconsistent, ackInconsistent.
func triggered(v any) string {
	if text := fmt.Sprint(v); strings.HasPrefix(text, "invariant broken") {
		return "ShouldNotBeTriggered: " + text
	}
	return fmt.Sprintf("panic: %v", v)
}

// illegal are parts of the reasons for which a server leaves another one whose packet no
// server may send in that state: the model's flag messageIllegal.
var illegal = []string{
	"the leader proposed", "the leader committed", "holds transaction", "came too early", "cannot be read",
	"instead of DIFF", "instead of LEADERINFO", "INFORM to a follower", "UPTODATE before", "from the leader of epoch",
	"is below that of the history", "which was not proposed", "before it was sent NEWLEADER", "before it has synced",
	"that was never proposed", "is committed: it may be", "but the last transaction before is", "but it ends with",
}

// overheard is told what a server logs.
func (w *World) overheard(m *Machine, message, attrs string) {
	if message != "looking for a leader" && message != "link closed" {
		return
	}
	for _, part := range illegal {
		if strings.Contains(attrs, part) {
			w.Failf("ShouldNotBeTriggered: %s: %s:%s", m.name, message, attrs)
			return
		}
	}
}
