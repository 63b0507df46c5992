// Package server is the client side of a server: connections, the handshake,
// the order of requests and replies, reads, and the watches of each connection
// (client-protocol.md 1 to 3, 8 and 9).
//
//	stream reader ── read, nothing in front of it ──► tree ──► reply
//	     │ write, sync                  ▲
//	     ▼                              │ reads behind a write
//	  Proposer ─ … ─► apply loop ── Applied ──► drain loop
//
// # Order
//
// A connection's requests that are not answered yet are in conn.pending, oldest
// first. Writes and syncs wait there until the apply loop, or whoever refuses
// them, says how they ended; everything else waits only for what is in front of
// it. Conn.mu is held while a request of the connection is executed, so they
// take effect one at a time and in order. Reads behind a write that was
// answered are run before the next write of their connection can be applied:
// by the apply loop if there is one already, by the reader if one arrives, else
// by the drain loop.
//
// The reply to a read is queued on the stream inside tree.Read, under the lock
// under which events for that path are queued too. So a watch's event follows the
// reply to the read that set it, and precedes every reply that shows the change.
// A recursive watch is set and removed with all paths locked, by tree.Still.
//
// # Limits
//
// What an overloaded server does is in client-protocol.md 2.15 and 2.16 and
// operations.md 8: a port counts its connections (listen.go), the rate limits new
// sessions, holdBack stops reading from connections with unanswered requests, the
// gate makes requests wait in line. What a request takes up is its charge, given
// back when it is answered or its connection ends (admit.go).
//
// # Logins
//
// Auth and sasl are dealt with as soon as they are read, ahead of the queue. A
// connection's identities are a list that is replaced, never changed, so each
// request takes along the list of the moment it was read. Where a login is
// required, no other request gets any further before it (client-protocol.md 7.8).
//
// # Locks
//
// conn.mu, then Server.mu or stripes of the tree, then a watch mutex, the gate's, or
// the stream's; the gate's before the stream's. Two conn.mu are held together only when a connection
// takes over a session: the newer one first. Notify runs on the apply loop under
// stripe locks and therefore takes neither conn.mu nor Server.mu.
package server
