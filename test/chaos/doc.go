// Package chaos runs server processes, of Ostler and of Apache ZooKeeper, under faults
// and load, and judges what the clients saw (invariants.md 9, 16, 17).
//
//	clients ──► servers ◄── nemesis: kill -9, stop, pause, wipe, cut, blackout
//	   │           ▲
//	   │        monitor: who leads, who serves, for how long in which company
//	   ▼
//	history ──► history.Check
//
// A run is repeated in kind, not exactly, by its seed: the faults and requests are drawn
// from it, their timing is the machine's.
//
//	go test ./test/chaos -chaos.for=10m -chaos.layout=five
//	go test ./test/chaos -chaos.for=10m -chaos.layout=ostler,apache,ostler,apache:observer -chaos.leader=ostler
//
// Cuts between machines need root and `ip netns`; elsewhere a run does without.
package chaos
