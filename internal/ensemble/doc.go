// Package ensemble knows who the members of an ensemble are: server lines, the
// text of a configuration, and which sets of servers are a quorum (quorum.md
// section 1).
//
// A Config is a value that everybody may share. Two kinds of quorum exist: a
// majority of the voters, and, once a configuration has groups, a majority of
// the groups in each of which a majority of the weight agrees.
package ensemble
