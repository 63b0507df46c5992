// Package prep turns a request into a transaction, or a refusal, before anything
// is logged: the leader's half of a write (client-protocol.md sections 5 and 6).
//
// A request is judged against the state that it will be applied to, which is the
// applied tree and on top of it the changes of every transaction planned but not
// applied yet:
//
//	          ┌─────────────────────────────┐
//	Plan ───► │ draft    this request       │  dropped when it is refused
//	          ├─────────────────────────────┤
//	          │ overlay  planned, under way │  Applied(zxid) drops what is in
//	          ├─────────────────────────────┤  the tree by now
//	          │ Source   the applied tree   │
//	          └─────────────────────────────┘
//
// So pipelined requests, and the operations of a multi, see the ones before them,
// committed or not. Whatever is answered here is what applying will find: result,
// path, stat and the digest of the whole tree (INV-X3). Each planned change is
// the change that package tree makes for the transaction, no more and no less;
// where ZooKeeper's preparation and its tree disagree, the tree is followed.
//
// Quotas are the exception: what they use is counted by the tree, so a change is
// compared with the statistics that are applied (client-protocol.md 4.9).
//
// Nothing here blocks, reads a clock or fails: a request that cannot be carried
// out, or not even be decoded, becomes an error transaction with the zxid it was
// given (H1).
package prep
