// Package throttle decides what an overloaded server turns away or lets wait
// (operations.md 8.2 to 8.4): a token bucket for new connections, an account of
// the bytes of large requests, and a gate in front of the requests.
//
// Nothing here waits, reads a clock or locks: time and random numbers are passed
// in, and the owner of a value calls its methods one at a time.
package throttle
