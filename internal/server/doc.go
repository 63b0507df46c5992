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
// # Locks
//
// conn.mu, then Server.mu or stripes of the tree, then a watch mutex or the
// stream's. Two conn.mu are held together only when a connection
// takes over a session: the newer one first. Notify runs on the apply loop under
// stripe locks and therefore takes neither conn.mu nor Server.mu.
package server
