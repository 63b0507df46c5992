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
// # Repeating a run
//
//	go test ./internal/sim -run Seeds -sim.seed=8812            repeat one run
//	go test ./internal/sim -run Seeds -sim.seed=8812 -sim.trace=/tmp/t
//	go test ./internal/sim -run Seeds -sim.seeds=200            many
//	go test ./internal/sim -run Seeds -sim.for=10m              search
//
// Nothing in a run may depend on anything but its seed; a test runs a seed
// twice and compares the hashes of the traces.
package sim
