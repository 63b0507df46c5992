// Package ensemble knows who the members of an ensemble are: server lines, the
// text of a configuration, and which sets of servers are a quorum (quorum.md
// section 1).
package ensemble
