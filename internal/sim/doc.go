// Package sim runs whole ensembles, clients included, on one goroutine and from
// one 64-bit seed. It implements package env for any number of machines, so the
// code under test is the code that ships; time is virtual and faults are drawn.
//
//	                   ┌──────────────── World ────────────────┐
//	seed ──► dice ───► │ heap of events by virtual time        │ ──► trace, hash
//	                   └──┬─────────┬──────────┬───────────┬───┘
//	                      ▼         ▼          ▼           ▼
//	                 loops, timers  streams   file calls   faults (Plan)
//	                      │         │          │
//	             ┌────────┴─────────┴──────────┴────────┐
//	             │ Machine: a disk, a clock, a process  │ × servers, × clients
//	             └───────────────┬──────────────────────┘
//	                             ▼ what servers report, what clients see
//	                    Oracle, Zab, watches, porcupine
//
// # What is simulated
//
// A loop's step runs at one moment; the file calls it makes add up to the time
// for which the loop is then busy, at the end of which what the step returned
// runs. Telling another (sending, waking) after a file call of the same step is
// reported as a failure: an acknowledgement must not run ahead of the disk.
//
// A stream keeps order and loses nothing, as TCP does, but its bytes are cut
// anywhere, and a link may be slow, cut in one direction or both, or reset. A
// killed process closes its connections; a machine without power says nothing, so
// the other side is left half open until it sends or times out.
//
// A disk keeps what was synced, and after a loss of power any part of the rest.
//
// # How clients judge
//
// The oracle's history feeds a model, the tree as a list of versions for each path. So
// each answer can be compared with the state at the zxid that it carries:
//
//	a read    with the model at that zxid, for the identities of its frame
//	a write   with a draft: the rules of client-protocol.md 5 and 6 on top of the
//	          state before that zxid; code, transaction and result
//	events    with what the changes up to a zxid make of the watches that the
//	          connection has: those, in that order, before a reply that shows them
//
// Quotas alone are held against a state that is not known exactly: what the leader had
// applied when it planned. Any state that it may have had may explain an answer.
//
// A run counts what it comes across, and many runs together must have met everything
// (Coverage). Tests tell clients lies, and want each to be found.
//
// # Repeating a run
//
//	go test ./internal/sim -run Seeds -sim.seed=8812            repeat one run
//	go test ./internal/sim -run Seeds -sim.seed=8812 -sim.trace=/tmp/t
//	go test ./internal/sim -run Seeds -sim.seeds=200            many
//	go test ./internal/sim -run Seeds -sim.seeds=200 -sim.from=201
//	go test ./internal/sim -run Seeds -sim.for=10m              search
//
// Nothing in a run may depend on anything but its seed; a test runs a seed
// twice and compares the hashes of the traces.
package sim
