// Package admin answers the four-letter words: the one-line questions that
// probes, exporters and people send to the client port (operations.md section 2).
//
// It knows formats and nothing else. What a server is doing comes as values from
// a State; each word asks for no more than it prints, so that a probe costs a
// probe's worth of work. Where ZooKeeper prints in the order of a hash table, the
// order here is fixed: connections by session, sessions by number, paths by
// bytes, metrics by kind and then as the reference lists them.
package admin
