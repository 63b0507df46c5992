// Package replica is the heart of a server: the replica loop, which owns the
// role, the epochs, the history and the sessions, and three loops that work for
// it.
//
//	clients ──requests──►┌──────────────┐◄──packets, votes── peers
//	                     │ replica loop │
//	        appends ┌────┤ (pure cores) ├────┐ commits
//	                ▼    └─▲─────────▲──┘    ▼
//	          ┌──────────┐ │durable  │ ┌────────────┐ events, replies
//	          │ log loop ├─┘  applied└─┤ apply loop ├──────────────► clients
//	          └──────────┘             └─────┬──────┘
//	                                         ▼ views
//	                                   ┌───────────────┐
//	                                   │ snapshot loop │
//	                                   └───────────────┘
//
// The cores (election, zab, prep, session) decide; this package carries out what
// they ask and tells them what became of it. It moves between phases:
//
//	starting ─► draining ─► looking ─► leading │ connecting ─► learning
//	               ▲                      │                        │
//	               └──────────────────────┴────────────────────────┘
//
// Draining ends a role for good before the next begins (quorum.md R11): the log
// loop finishes what it was given, and the tree catches up with the log, so that
// the vote tells the truth. A standalone server goes from starting to solo.
//
// Every answer of another loop carries the term (a count of roles) in which it
// was asked for, so that it cannot be taken for an answer to a later role.
package replica
