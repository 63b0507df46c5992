//go:build interop

package interop

import (
	"fmt"
	"testing"

	"ostler/test/proc"
)

// triples are two servers of one kind and a third of the other.
var triples = [][]proc.Kind{{apache, apache, ostler}, {ostler, ostler, apache}}

// TestGroupsOfBothKinds: groups {1, 2} and {3} of quorum.md 1.4, of which each is needed,
// whoever is in it.
func TestGroupsOfBothKinds(t *testing.T) {
	for _, kinds := range triples {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			e := newEnsemble(t, kinds...)
			e.extra = "db.autocreate=true\ngroup.1=1:2\ngroup.2=3\nweight.1=1\nweight.2=1\nweight.3=1\n"
			e.configure()
			e.startAll()
			fill(t, e.members[2], "/groups", 10)
			for _, m := range e.members {
				wantFilled(t, m, "/groups", 10)
			}
			for _, gone := range []int{2, 0} {
				e.members[gone].kill()
				for i, m := range e.members {
					if i != gone {
						proc.Eventually(t, fmt.Sprintf("server %d stops", m.id), func() bool { return m.mode() == "" }, m.tail)
					}
				}
				e.members[gone].start()
				e.waitServing()
			}
			fill(t, e.members[0], "/after", 10)
			for _, m := range e.members {
				wantFilled(t, m, "/after", 10)
			}
		})
	}
}

// TestTwoNetworksOfBothKinds: every server has two addresses and tells both in the newer
// form of the initial message (quorum.md 1.9, 2.3).
func TestTwoNetworksOfBothKinds(t *testing.T) {
	for _, kinds := range triples {
		t.Run(fmt.Sprint(kinds), func(t *testing.T) {
			e := newEnsemble(t, kinds...)
			e.extra = "db.autocreate=true\nmultiAddress.reachabilityCheckEnabled=false\n"
			for _, m := range e.members {
				m.second = "127.0.0.2"
				m.flags = []string{"zookeeper.multiAddress.enabled=true"}
			}
			e.configure()
			e.startAll()
			fill(t, e.members[2], "/networks", 10)
			leader := e.leader()
			leader.kill()
			for _, m := range e.members {
				if m != leader {
					wantFilled(t, m, "/networks", 10)
				}
			}
			leader.start()
			leader.waitMode()
			fill(t, leader, "/after", 10)
			for _, m := range e.members {
				wantFilled(t, m, "/after", 10)
			}
		})
	}
}
