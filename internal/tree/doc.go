// Package tree holds the znodes and the replicated sessions: what the ensemble
// agrees on (client-protocol.md section 4, disk.md sections 5 to 7).
//
//	stripe 0 … 255: RWMutex + map path → record
//	                  record: data, ACL, stat, children, digest prefix
//	                and the records of containers and TTL nodes once more
//
// One goroutine, the apply loop, changes the tree; any number read it. Apply takes the
// write locks of all stripes that a transaction touches, changes the nodes, has
// the watch events queued, publishes the zxid, and unlocks. So who reads new state
// has its events queued before, and a multi is seen whole or not at all.
//
// A View is the tree at one zxid while the tree goes on: opening one begins a new
// generation, and a record of an older generation is kept aside before it is first
// changed. Without an open view that costs nothing.
//
// Applying is total and idempotent: what a fuzzy snapshot holds already does no
// harm, and a transaction that no correct leader would make is skipped with an alarm.
package tree
