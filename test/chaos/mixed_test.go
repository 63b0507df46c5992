//go:build interop

package chaos

import "testing"

// TestMixedChaos has either kind lead the other for a while, under faults that need no
// root.
func TestMixedChaos(t *testing.T) {
	for _, name := range []string{"ostler-leads", "apache-leads"} {
		t.Run(name, func(t *testing.T) {
			l := layouts[name]
			run(t, options{layout: l.places, leader: l.leader, length: short / 2, clients: *clientsFlag})
		})
	}
}
