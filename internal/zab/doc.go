// Package zab is the agreement on one sequence of transactions (quorum.md sections
// 4, 6 and 7): the leading and the following half of ZooKeeper's atomic broadcast, as
// pure state machines. They take inputs and the time, change their fields, and list
// what should be done; they touch no clock, file or socket. The wire is that of
// ZooKeeper, so either half may talk to a server of ZooKeeper.
//
// A leadership has an epoch and goes through these phases:
//
//	leader                                             learner
//	discovering      ◄─ FOLLOWERINFO(accepted) ──      greeting
//	promising           acceptedEpoch to disk
//	electing         ── LEADERINFO(epoch) ──────►      accepting: acceptedEpoch to disk
//	                 ◄─ ACKEPOCH(current, last) ─      choosing
//	adopting            currentEpoch to disk
//	synchronising    ── DIFF | TRUNC | SNAP ────►      truncating, restoring, catchingUp
//	                 ── PROPOSAL, COMMIT … ─────►
//	                 ── NEWLEADER ──────────────►      settling: history, then
//	                                                   currentEpoch to disk
//	                 ◄─ ACK ────────────────────       confirmed
//	broadcasting     ── UPTODATE ───────────────►      following
//	                 ── PROPOSAL ───────────────►      log to disk
//	                 ◄─ ACK ────────────────────
//	                 ── COMMIT ─────────────────►
//
// # What is safe, and why
//
// Three quorums are gathered in a leadership, and any two of an ensemble share a
// server. A quorum promises the epoch: none of them will follow an earlier one
// any more, and none has a newer history than the leader, so the leader has all that
// was ever committed. A quorum takes over the leader's history, durably, together
// with the epoch: only then does it count as committed. And a quorum has each
// transaction on disk before that is committed.
//
// The cores know about disks. A promise, an ACK, LEADERINFO and NEWLEADER are not in
// Output.Send before Persisted or Durable said that what they stand for is on
// stable storage (quorum.md 7.3), so a shell has no order of writing and sending
// to get wrong: it may write the epochs and the log in any order.
//
// # Bringing a learner up to date
//
// The leader answers from its History, a gapless run of records in memory. If the
// learner's last transaction is among them, what follows is sent (DIFF). If the
// learner has a tail of the epoch in which the leader's history ends, that is cut
// (TRUNC). In all other cases it gets a snapshot. That is sound since a record
// names its whole past: whoever holds the record z of an epoch holds what the leader
// of that epoch had up to z (quorum.md 7.1, I4). Deciding and subscribing the
// learner to what comes next is one step, so nothing is missed or sent twice.
//
// A learner logs what it is sent at once, but delivers nothing before UPTODATE.
// It leaves a leader that skips, repeats or reorders anything.
//
// # Time
//
// Deadlines free a server from partners that are silent. They never decide what is
// committed. Time passes with Tick only, so that what arrived during a long pause of
// the process is heard before anybody is declared dead.
package zab
