// Package config turns what an operator wrote into one Config: zoo.cfg in the
// syntax of Java properties, system properties given as -Dname=value, and the
// older positional arguments (operations.md section 1).
//
// Every setting is one row of one table (table.go). The table drives parsing,
// the warnings about unknown names, and the reference in docs, so that these
// cannot disagree.
//
// Where settings come from, the later one wins:
//
//	defaults  <  -Dname=value  <  zoo.cfg  <  Loader.Override
//
// A wrong value of a key that ZooKeeper checks is an *Error with ZooKeeper's exit
// code. A wrong value that ZooKeeper silently replaces is replaced with a warning.
// A name that nobody knows is a warning with the nearest known name, because a
// misspelt key that does nothing is found only when it is too late.
package config
