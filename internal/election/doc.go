// Package election is fast leader election (quorum.md section 3) as a pure state
// machine: notifications and time go in, notifications and the winner come out.
//
// Voters tell each other whom they want: the server with the newest history,
// epoch first, then zxid, then id. Whoever hears of a better one changes its vote.
// Once a quorum wants the same, and no better vote came for a moment, the election
// is settled. A server that comes late hears from those who have settled.
//
//	           Start                     quorum agrees             Finalize passed
//	drained ───────────► looking ───────────────────► finalizing ───────────────► settled
//	   ▲                  │    ▲                           │                        │
//	   │ SetRole(Looking) │    └───────────────────────────┘                        │
//	   │                  │        a better vote, or the quorum is gone             │
//	   └──────────────────┼─────────────────────────────────────────────────────────┘
//	                      └─ a quorum of settled servers names a leader ─► settled
//
// An election is a guess that is usually right. It is not what keeps data safe:
// the discovery of package zab checks again who has the newest history, on links
// where an answer cannot be stale.
//
// # Servers without history
//
// A voter whose directory is empty may be new, or may have lost its disk. If it
// counted, it could make up a quorum that misses committed transactions
// (quorum.md R15). So, unless its caller says that it may be trusted, it
// campaigns with zxid -1. Every ZooKeeper server and this core ignore such a
// vote, so it neither counts nor is a candidate. It still listens:
//
//   - Settled servers name a leader: it joins them, and is brought up to date.
//   - All other voters have been heard in this election, and each votes for a
//     zxid not above 0. Then the ensemble is new: from now on it votes with
//     zxid 0.
//
// A vote for zxid 0 proves that its voter holds nothing that is committed. A vote
// is never below the voter's own epoch and zxid. So either the voter is empty, or
// it votes for a server whose current epoch is later and whose history is empty:
// the leader of that epoch was found, by a quorum, to have all that was committed
// before it, and whoever has acknowledged something in that epoch is in it, and
// so would not vote for an empty history. What was heard does not have to be true
// at the same moment: a server that was empty when heard can only have got
// history since from a quorum of servers that count, and this one did not count.
//
// A peer that is empty too looks the same whether it votes with -1 or, being an
// Apache server or trusted, with 0. The first establishment of an ensemble may be
// cut short; a server that then has a current epoch and no transaction looks
// empty as well, so that the others can go on with it.
//
// Once a server counts, it counts for as long as its disk is not lost: its caller
// may record that when it takes a role (the snapshot of zxid 0 that a data directory
// begins with is such a record), and say so to Start after a restart.
//
// A server that has a current epoch above 0 has synced before, though it may not
// hold a transaction; it counts.
package election
