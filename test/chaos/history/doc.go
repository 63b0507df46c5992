// Package history judges what clients saw of an ensemble (invariants.md 17). It knows
// nothing of how they saw it: a History is plain data, and Check is a function of it.
//
//	clients ──► Op, Session ──┐
//	servers, at the end ──► Tree ──► model: lives and versions of each path ──► checks ──► Violation
//
// Every value that is written is unique, and every acknowledged write carries its zxid.
// So the order of the acknowledged writes is known; a write whose answer was lost is
// placed where its value is seen, and if it is not seen nowhere.
//
// A read may be served from any state between the last one that its session has seen and
// the zxid of its reply, as ZooKeeper promises no more.
package history
