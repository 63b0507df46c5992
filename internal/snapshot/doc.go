// Package snapshot writes and reads snapshots of the tree (disk.md section 4), as
// files and as the stream a leader sends to a learner (quorum.md 4.7).
//
//	header, sessions, ACL table, nodes, "/", seal 1,
//	digest section, seal 2, last zxid, seal 3
//
// A seal is a checksum of everything before it. The package knows neither the tree it
// writes from, a Source, nor the one it reads into, a Sink. What it writes is the
// state at one zxid; what it reads may also be the fuzzy ones of other servers.
package snapshot
