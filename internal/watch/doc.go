// Package watch remembers which connection waits for which change, and tells it
// (client-protocol.md section 8).
//
// A watch is a path, a list (data or child), a mode and a watcher. Watches are
// registered by readers, under the read lock of the path's stripe of the tree (of
// all stripes for a recursive one), and fired by the apply loop under its write
// lock; so a watch is neither missed nor fired for what its read already showed.
// The table knows nothing of that and only needs its own mutexes:
//
//	shard[64]   by hash of the path: entries for data and child lists
//	shard[64+1] entries of recursive watches, looked at only while there are any
//	registry    watcher <-> number, and the entries that each watcher is in
//
//	entry       path + a sorted set of uint32: number of the watcher, mode bits
//	ref         uint32: number of the shard, place of the entry in it
//
// An entry takes 32 bytes, the text of its path and about 8 in the index of its
// shard; a watcher 4 bytes in an entry, none if it is the only one, and about 8 in
// its own list of refs. So a path with many watchers, the common case in numbers, is
// cheap. Places and lists that were given back are used again, so a client that sets
// its one-shot watch anew after each event allocates nothing; a shard gives its
// chunks of entries up with its last one. The event for a path is encoded once and
// shared by all who get it.
//
// Lock order: shard (never two), registry, list of a watcher. No mutex is held
// while watchers are notified.
package watch
