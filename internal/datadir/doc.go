// Package datadir is a server's data directory: its names, its lock, the epochs,
// recovery, and everything that replaces one history by another (disk.md).
//
//	DATADIR/version-2/     snapshots, acceptedEpoch, currentEpoch, ostler.lock
//	DATALOGDIR/version-2/  logs, ostler.lock
//	*/quarantine-<time>/   what was set aside, never read again
//
// Recovery takes the newest intact snapshot and replays the log behind it. It
// refuses what it cannot prove to be whole, with an error that names the file and
// the place: an acknowledged transaction is never dropped in silence.
//
// Truncate and Install are switches of the history. Truncate removes from the end
// backwards, so that a crash leaves a longer history of the same kind. Install makes the
// new snapshot durable under a temporary name, then writes the file "install", which is
// the moment of the switch: a start that finds it finishes what was begun.
package datadir
