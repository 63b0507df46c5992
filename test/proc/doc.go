// Package proc runs whole server programs for tests: Ostler, built from this
// source, and Apache ZooKeeper as Debian packages it.
package proc
