// Package memfs is a disk in memory that can lose power, for tests and for the
// simulator. It keeps apart what a program sees and what the platter holds:
//
//	Write, Truncate, Preallocate ──► pending ──Sync──► durable content
//	Create, Rename, Remove, Mkdir ─► journal ──SyncDir─► durable entries
//
// Crash gives the disk as a machine finds it after a power failure: all that was
// synced, and a seeded choice of the rest, writes torn at sectors of 512 bytes. A
// file whose name was not synced may be gone with all its synced content. The
// same seed and the same calls give the same disk.
//
// Faults come from SetFault, which is asked before every operation, a full disk
// from SetCapacity, bit rot from Corrupt.
package memfs
