package prep

import (
	_ "embed"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/auth"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// TestPlansWhatZooKeeperPlanned takes a log that ZooKeeper 3.9 wrote (fixture
// standalone-rich), turns each transaction back into the request that it may have
// come from, and plans that. The transactions must be the same, with the same
// digest of the tree, whether all of them wait or each is applied at once.
func TestPlansWhatZooKeeperPlanned(t *testing.T) {
	log := decodeLog(t, richLog)
	for _, lag := range []bool{false, true} {
		state := tree.New(tree.Options{Digest: true})
		sessions := session.New(time.Second)
		p := New(Options{
			Source: state, Sessions: sessions, TreeDigest: state.Digest(),
			Auth:   auth.New(auth.Options{DigestEnabled: true, SkipACL: true}),
			Digest: true, CloseSessionPaths: true, ExtendedTypes: true,
		})
		planned := 0
		for _, want := range log {
			if want.Type == zk.OpError {
				continue // nothing is left of the request
			}
			r := requestOf(t, &want)
			if r.Op == zk.OpCreateSession {
				sessions.Add(r.Session, time.Minute, 1, time.Unix(0, 0))
			}
			got := p.Plan(&r, 1, want.Zxid, want.Time).Txn
			if diff := cmp.Diff(sorted(want), sorted(got)); diff != "" {
				t.Errorf("%v %v, lag %v (-ZooKeeper +planned):\n%s", want.Zxid, want.Type, lag, diff)
			}
			planned++
			if !lag {
				state.Apply(&want, func(tree.Change) {})
				p.Applied(want.Zxid)
			}
		}
		if planned < 60 {
			t.Errorf("only %d transactions in the log", planned)
		}
	}
}

// sorted puts the paths of a closeSession, which have no order, in order.
func sorted(tx txn.Txn) txn.Txn {
	if c, ok := tx.Body.(*txn.CloseSession); ok {
		paths := slices.Sorted(slices.Values(c.Paths))
		tx.Body = &txn.CloseSession{Paths: paths, HasPaths: c.HasPaths}
	}
	return tx
}

// requestOf returns a request that becomes tx. The number of a sequential node is
// taken as part of its name.
func requestOf(t *testing.T, tx *txn.Txn) Request {
	r := Request{Session: tx.Session, Cxid: tx.Cxid, Op: tx.Type}
	switch b := tx.Body.(type) {
	case *txn.CreateSession:
		r.Timeout = b.Timeout
	case *txn.CloseSession:
	case *txn.SetACL:
		r.Body = wire.SetACLRequest{Path: b.Path, ACL: b.ACL, Version: b.Version - 1}.Append(nil)
	case *txn.Multi:
		var m wire.MultiRequest
		for _, op := range b.Ops {
			m.Ops = append(m.Ops, opOf(t, op.Type, op.Body))
		}
		r.Body = m.Append(nil)
	default:
		r.Body = opOf(t, tx.Type, b).Body.Append(nil)
	}
	return r
}

func opOf(t *testing.T, op zk.OpCode, body txn.Body) wire.MultiOp {
	t.Helper()
	switch b := body.(type) {
	case *txn.Create:
		r := wire.CreateRequest{Path: b.Path, Data: b.Data, ACL: b.ACL}
		if b.Ephemeral {
			r.Flags = zk.ModeEphemeral
		}
		return wire.MultiOp{Op: op, Body: r}
	case *txn.CreateContainer:
		return wire.MultiOp{Op: op, Body: wire.CreateRequest{Path: b.Path, Data: b.Data, ACL: b.ACL, Flags: zk.ModeContainer}}
	case *txn.CreateTTL:
		r := wire.CreateRequest{Path: b.Path, Data: b.Data, ACL: b.ACL, Flags: zk.ModeTTL}
		return wire.MultiOp{Op: op, Body: wire.CreateTTLRequest{CreateRequest: r, TTL: b.TTL}}
	case *txn.Delete:
		if op == zk.OpDeleteContainer {
			return wire.MultiOp{Op: op, Body: wire.PathRequest{Path: b.Path}}
		}
		return wire.MultiOp{Op: op, Body: wire.DeleteRequest{Path: b.Path, Version: -1}}
	case *txn.SetData:
		return wire.MultiOp{Op: op, Body: wire.SetDataRequest{Path: b.Path, Data: b.Data, Version: b.Version - 1}}
	case *txn.Check:
		return wire.MultiOp{Op: op, Body: wire.CheckRequest{Path: b.Path, Version: b.Version - 1}}
	case *txn.Error: // a refusal with the same code; after it, anything does
		refused := map[zk.Code]wire.CheckRequest{
			zk.NoNode: {Path: "/missing"}, zk.BadVersion: {Path: "/", Version: 99}, zk.RuntimeInconsistency: {Path: "/"},
		}
		if r, ok := refused[b.Code]; ok {
			return wire.MultiOp{Op: zk.OpCheck, Body: r}
		}
		t.Fatalf("no operation that ends in %v", b.Code)
	}
	t.Fatalf("%v with %T in the log", op, body)
	return wire.MultiOp{}
}

//go:embed testdata/standalone-rich.log
var richLog []byte

// decodeLog returns the transactions of an unpadded log (disk.md 3.1, 3.3).
func decodeLog(t *testing.T, b []byte) []txn.Txn {
	t.Helper()
	const header, checksumAndLength, mark = 16, 8 + 4, 1
	var log []txn.Txn
	for b = b[header:]; len(b) > 0; {
		end := checksumAndLength + int(binary.BigEndian.Uint32(b[8:]))
		tx, err := txn.Decode(b[checksumAndLength:end])
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, tx)
		b = b[end+mark:]
	}
	return log
}
