// Package session keeps the sessions of an ensemble as its leader (or a
// standalone server) sees them: which live, through which server, and when each
// is given up unless it shows a sign of life (client-protocol.md 2.5, 2.9, 2.12).
//
// A [Table] is plain state owned by one loop. Time is passed in and is
// monotonic, so steps of the wall clock neither end sessions early nor keep them
// for ever (INV-S13). Deadlines are rounded up to whole ticks and collected in
// buckets: a sign of life costs nothing while it stays within its bucket, and
// the expiry of any number of sessions is one look at the earliest bucket.
//
//	sign of life        timeout          rounded up to a tick
//	     |---------------------------------->|.......|
//	     now                           now+timeout   deadline
package session
