package zab

import (
	"testing"

	"ostler/internal/peerwire"
	"ostler/internal/txn"
)

// BenchmarkCommit is the leader's part in one write: propose it, hear of the own log,
// hear of a follower, commit.
func BenchmarkCommit(b *testing.B) {
	l, now := established(b, leaderOptions())
	rec := record(l.NextZxid(), 1)
	var out Output
	b.ReportAllocs()
	for b.Loop() {
		next := &txn.Record{Txn: txn.Txn{Header: rec.Header, Body: rec.Body}, Bytes: rec.Bytes}
		next.Zxid = l.NextZxid()
		l.Step(now, Propose{next}, &out)
		l.Step(now, Durable{next.Zxid}, &out)
		l.Step(now, Received{Link: 1, Packet: peerwire.Packet{Type: peerwire.Ack, Zxid: next.Zxid}}, &out)
		if l.Committed() != next.Zxid {
			b.Fatal("not committed")
		}
		l.history.Trim(500, 1<<20, next.Zxid)
		out.Reset()
	}
}
