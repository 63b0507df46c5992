package chaos

import (
	"flag"
	"testing"
	"time"

	"ostler/test/proc"
)

var (
	forFlag     = flag.Duration("chaos.for", 0, "how long faults are injected; with a leader asked for, while it leads")
	layoutFlag  = flag.String("chaos.layout", "three", "the servers: three, five, observed, ostler-leads, apache-leads, or a list of ostler or apache, with :observer behind it or not")
	leaderFlag  = flag.String("chaos.leader", "", "the kind that is to lead")
	seedFlag    = flag.Uint64("chaos.seed", 0, "what faults and requests are drawn from; 0 draws one")
	clientsFlag = flag.Int("chaos.clients", 24, "how many clients there are")
	cutsFlag    = flag.Bool("chaos.cuts", true, "cut networks, where the machine lets a test make them, in runs of some length")
)

// short is how long a run lasts that nobody asked for.
const short = 15 * time.Second

// TestChaos kills, stops, pauses and wipes servers under load.
func TestChaos(t *testing.T) {
	o := options{layout: *layoutFlag, leader: proc.Kind(*leaderFlag), length: *forFlag, seed: *seedFlag, clients: *clientsFlag}
	if l, ok := layouts[o.layout]; ok {
		o.layout = l.places
		if o.leader == "" {
			o.leader = l.leader
		}
	}
	if o.length == 0 {
		o.length = short
	} else {
		o.cuts = *cutsFlag && canCut()
	}
	run(t, o)
}
