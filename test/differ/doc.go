// Package differ plays one random script of client operations to Ostler and to
// Apache ZooKeeper 3.8.0, both standalone, and compares what they answer byte
// for byte: replies, events and closed connections. The test has the build tag
// interop.
//
//	script  steps made from a seed: a frame, a burst of frames, connects, disconnects
//	player  does a step on both servers and waits until both are quiet
//	canon   makes what differs by nature alike: zxids, times, ids, order of children
//	audit   looks at every node that a script has left behind
//	table   the differences that are intended, each with its reason
//	shrink  the shortest script that still shows a difference
//
// A step is over when every open connection has had the answer to a ping that
// was sent behind it: pings are answered in order, and the events of a change
// are queued before its reply (client-protocol.md 9).
package differ
