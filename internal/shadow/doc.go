// Package shadow is the witness of a trial before a migration: a server that follows an
// ensemble without being a member, checks what is decided there, and reports what Ostler
// would have done differently.
//
//	replica ──each transaction──► Recorder ──► Rules.Judge   against the tree before it
//	        ──digest, result────►    │    ──► Report         shadow-report.txt and .json
//	        ──leader, pings─────►    │
//
// A transaction shows the effect of a request, not the request. So only that is judged
// which no correct leader with the same history can do: a difference that is reported is
// one. What cannot be known is listed in NotJudged.
//
// Nothing is judged while the tree is not known to be what the leader's was (see
// replica.Judge).
package shadow
