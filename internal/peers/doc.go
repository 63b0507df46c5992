// Package peers keeps the connections between servers: the mesh of the election
// port, one link for each pair of servers (quorum.md section 2), and the links of
// the quorum port between a leader and its learners (section 4).
//
//	         3888: notifications                2888: quorum packets
//	┌────────────┐  one link a pair   ┌────────┐  learner dials leader ┌────────┐
//	│ Mesh       ├───────────────────►│ Mesh   │  Link ──────────────► │ Link   │
//	└────────────┘  dialled by the    └────────┘                       └────────┘
//	                larger id
//
// It knows bytes and sockets, and decides nothing about votes or epochs. What
// arrives is handed to the owner by callbacks, which may come on any goroutine
// and must not block: they put events into an inbox.
package peers
