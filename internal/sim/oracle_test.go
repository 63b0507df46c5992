package sim

import (
	"strings"
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A report is something that a server tells the oracle.
type report func(o *Oracle)

func record(z zk.Zxid, path string) *txn.Record {
	return txn.NewRecord(txn.Txn{
		Header: txn.Header{Session: 1, Cxid: int32(z) ^ int32(z>>24), Zxid: z, Type: zk.OpCreate},
		Body:   &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: -1},
	})
}

func boot(id zk.ServerID, at zk.Zxid) report { return func(o *Oracle) { o.Booted(id, at) } }

func leads(id zk.ServerID, e zk.Epoch, last zk.Zxid) report {
	return func(o *Oracle) { o.Established(id, true, e, last) }
}

func follows(id zk.ServerID, e zk.Epoch) report {
	return func(o *Oracle) { o.Established(id, false, e, 0) }
}

func leaves(id zk.ServerID) report { return func(o *Oracle) { o.Left(id) } }

func restores(id zk.ServerID, z zk.Zxid) report {
	return func(o *Oracle) { o.Restored(id, z, uint64(z)) }
}

// delivers creates a path; its digest is the zxid.
func delivers(id zk.ServerID, z zk.Zxid, path string) report {
	return func(o *Oracle) { o.Delivered(id, record(z, path), uint64(z)) }
}

func divergent(id zk.ServerID, z zk.Zxid, path string) report {
	return func(o *Oracle) { o.Delivered(id, record(z, path), 7) }
}

const e1, e2, e3 = 1 << 32, 2 << 32, 3 << 32

func TestTheOracleKnowsTheInvariantsOfZab(t *testing.T) {
	begin := []report{boot(1, 0), boot(2, 0), boot(3, 0), leads(1, 1, 0), follows(2, 1), delivers(1, e1+1, "/a"), delivers(2, e1+1, "/a")}
	for _, c := range []struct {
		name    string
		reports []report
		want    string // "": nothing is wrong
	}{
		{"two servers that agree", []report{delivers(2, e1+2, "/b"), delivers(1, e1+2, "/b")}, ""},
		{"an epoch that ends, its log taken over", []report{leaves(2), delivers(2, e1+2, "/b"), leads(2, 2, e1+2), delivers(2, e2+1, "/c")}, ""},
		{"an uncommitted end that is cut off", []report{leaves(1), delivers(1, e1+2, "/x"), restores(1, e1+1), leads(2, 2, e1+1), delivers(2, e2+1, "/c"), follows(1, 2), delivers(1, e2+1, "/c")}, ""},
		{"a server that starts from its disk", []report{boot(1, e1+1), follows(1, 1), delivers(1, e1+2, "/b")}, ""},
		{"another transaction at the same zxid", []report{delivers(1, e1+2, "/b"), delivers(2, e1+2, "/c")}, "Integrity"},
		{"a hole", []report{delivers(1, e1+3, "/b")}, "LocalPrimaryOrder"},
		{"backwards", []report{delivers(1, e1+2, "/b"), delivers(1, e1+1, "/a")}, "TotalOrder"},
		{"two leaders of an epoch", []report{leads(2, 1, e1+1)}, "Leadership1"},
		{"a leader without what was committed", []report{leads(3, 2, 0)}, "PrimaryIntegrity"},
		{"a learner that keeps what was cut off", []report{leaves(1), delivers(1, e1+2, "/x"), leads(2, 2, e1+1), delivers(2, e2+1, "/c"), follows(1, 2)}, "Agreement"},
		{"a learner that skips the end of an epoch", []report{delivers(1, e1+2, "/b"), leaves(1), leads(1, 2, e1+2), delivers(1, e2+1, "/c"), delivers(2, e2+1, "/c")}, "PrefixConsistency"},
		{"an epoch that goes back", []report{leads(1, 2, e1+1), leads(1, 1, e1+1)}, "established in epoch 1 after 2"},
		{"a disk with a foreign history", []report{delivers(1, e1+2, "/b"), delivers(1, e1+3, "/c"), leads(1, 3, e1+3), delivers(1, e3+1, "/d"), boot(2, e2+1), follows(2, 3)}, "PrefixConsistency"},
		{"another digest", []report{delivers(1, e1+2, "/b"), divergent(2, e1+2, "/b")}, "digest"},
		{"a node made twice", []report{delivers(1, e1+2, "/a")}, "though it exists"},
	} {
		w := New(Options{Seed: 1})
		o := NewOracle(w)
		for _, r := range append(append([]report(nil), begin...), c.reports...) {
			r(o)
		}
		got := ""
		if f := w.Failure(); f != nil {
			got = f.What
		}
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
