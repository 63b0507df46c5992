package prep

import (
	"time"

	"ostler/internal/auth"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A world is a tree and what feeds it: transactions are planned at once and
// applied when the test says so.
type world struct {
	t        reporter
	tree     *tree.Tree
	sessions *session.Table
	prep     *Preparer
	zxid     zk.Zxid
	wall     int64
	cxid     int32
	pending  []*txn.Record
}

// A reporter is a testing.TB or a rapid.T.
type reporter interface {
	Helper()
	Fatalf(format string, args ...any)
}

const (
	alice  zk.SessionID = 0x01_0000000001_0000
	bob    zk.SessionID = 0x02_0000000001_0000
	nobody zk.SessionID = 0x03_0000000001_0000 // a session that does not exist
)

var (
	aliceID = zk.ID{Scheme: "digest", ID: "alice:Zm9v"}
	superID = zk.ID{Scheme: "super"}
)

// newWorld has two sessions: alice through server 1, bob through server 2.
func newWorld(t reporter, change ...func(*Options)) *world {
	w := &world{t: t, tree: tree.New(tree.Options{Digest: true}), sessions: session.New(time.Second), wall: 1000}
	o := Options{
		Source: w.tree, Sessions: w.sessions, Auth: auth.New(auth.Options{DigestEnabled: true}),
		Digest: true, CloseSessionPaths: true, ExtendedTypes: true, TreeDigest: w.tree.Digest(),
	}
	for _, f := range change {
		f(&o)
	}
	w.prep = New(o)
	for i, s := range []zk.SessionID{alice, bob} {
		w.sessions.Add(s, time.Minute, zk.ServerID(i+1), time.Unix(0, 0))
		w.plan(s, zk.OpCreateSession, nil)
	}
	w.apply(-1)
	return w
}

type record interface{ Append([]byte) []byte }

// plan plans a request of a session through the server it belongs to.
func (w *world) plan(s zk.SessionID, op zk.OpCode, body record, ids ...zk.ID) *txn.Record {
	w.cxid++
	r := &Request{Session: s, Cxid: w.cxid, Op: op, Auth: ids, Timeout: 60_000}
	if body != nil {
		r.Body = body.Append(nil)
	}
	return w.request(r, zk.ServerID(uint64(s)>>56))
}

func (w *world) request(r *Request, from zk.ServerID) *txn.Record {
	w.t.Helper()
	w.zxid++
	w.wall += 10
	rec := w.prep.Plan(r, from, w.zxid, w.wall)
	want := txn.Header{Session: r.Session, Cxid: r.Cxid, Zxid: w.zxid, Time: w.wall, Type: rec.Type}
	if rec.Header != want {
		w.t.Fatalf("header %+v, want %+v", rec.Header, want)
	}
	if rec.Type == zk.OpCloseSession {
		w.sessions.MarkClosing(r.Session)
	}
	w.pending = append(w.pending, rec)
	return rec
}

// apply applies the next n transactions, all if n < 0, and checks that each does
// what was predicted (INV-X3).
func (w *world) apply(n int) {
	w.t.Helper()
	for ; n != 0 && len(w.pending) > 0; n-- {
		rec := w.pending[0]
		w.pending = w.pending[1:]
		before := w.tree.Digest()
		res := w.tree.Apply(&rec.Txn, func(tree.Change) {})
		w.checkApplied(rec, before, res.DigestMismatch)
		if m, ok := rec.Body.(*txn.Multi); ok {
			for i, got := range res.Multi {
				if want := codeOf(m.Ops[i].Body); got.Code != want {
					w.t.Fatalf("%v op %d of %d: applied with %v, planned %v", rec.Zxid, i, len(m.Ops), got.Code, want)
				}
			}
		} else if want := codeOf(rec.Body); res.Code != want {
			w.t.Fatalf("%v %v %+v: applied with %v, planned %v", rec.Zxid, rec.Type, rec.Body, res.Code, want)
		}
		w.checkStat(rec.Body, res.Stat)
		if rec.Type == zk.OpCloseSession {
			w.sessions.Remove(rec.Session)
		}
	}
	if len(w.pending) == 0 {
		w.prep.Applied(w.zxid)
		if w.prep.Pending() != 0 || len(w.prep.overlay.nodes)+len(w.prep.overlay.owned)+len(w.prep.overlay.closing) != 0 {
			w.t.Fatalf("all is applied, but the overlay holds %+v", w.prep.overlay)
		}
		return
	}
	w.prep.Applied(w.pending[0].Zxid - 1)
}

func (w *world) checkApplied(rec *txn.Record, before uint64, mismatch bool) {
	w.t.Helper()
	got := w.tree.Digest()
	switch {
	case rec.Type == zk.OpError && (rec.Digest != nil || got != before):
		w.t.Fatalf("%v: a refusal has digest %v and moved the tree's from %d to %d", rec.Zxid, rec.Digest, before, got)
	case rec.Type == zk.OpError:
	case rec.Digest == nil:
		w.t.Fatalf("%v %v: no digest", rec.Zxid, rec.Type)
	case rec.Digest.Tree != got || mismatch:
		w.t.Fatalf("%v %v %+v: predicted digest %d, applied %d (mismatch flag %v)",
			rec.Zxid, rec.Type, rec.Body, rec.Digest.Tree, got, mismatch)
	}
}

// checkStat compares the versions that a change promised with those of the node.
func (w *world) checkStat(body txn.Body, got zk.Stat) {
	w.t.Helper()
	switch b := body.(type) {
	case *txn.SetData:
		if got.Version != b.Version {
			w.t.Fatalf("version of %s is %d, planned %d", b.Path, got.Version, b.Version)
		}
	case *txn.SetACL:
		if got.Aversion != b.Version {
			w.t.Fatalf("aversion of %s is %d, planned %d", b.Path, got.Aversion, b.Version)
		}
	}
}

// codeOf is the result that a transaction or operation promises.
func codeOf(b txn.Body) zk.Code {
	if e, ok := b.(*txn.Error); ok {
		return e.Code
	}
	return zk.OK
}

// create, setData and the rest make request bodies.
func create(path string, mode zk.CreateMode) wire.CreateRequest {
	return wire.CreateRequest{Path: path, Data: []byte("data of " + path), ACL: zk.OpenACL(), Flags: mode}
}

func createTTL(path string, mode zk.CreateMode, ttl int64) wire.CreateTTLRequest {
	return wire.CreateTTLRequest{CreateRequest: create(path, mode), TTL: ttl}
}

func remove(path string, version int32) wire.DeleteRequest {
	return wire.DeleteRequest{Path: path, Version: version}
}

func setData(path string, version int32) wire.SetDataRequest {
	return wire.SetDataRequest{Path: path, Data: []byte("new"), Version: version}
}

func setACL(path string, version int32, acl ...zk.ACL) wire.SetACLRequest {
	return wire.SetACLRequest{Path: path, ACL: acl, Version: version}
}

func check(path string, version int32) wire.CheckRequest {
	return wire.CheckRequest{Path: path, Version: version}
}

// multi takes pairs of opcode and body.
func multi(pairs ...any) wire.MultiRequest {
	var m wire.MultiRequest
	for i := 0; i < len(pairs); i += 2 {
		m.Ops = append(m.Ops, wire.MultiOp{Op: pairs[i].(zk.OpCode), Body: pairs[i+1].(wire.Record)})
	}
	return m
}

// lacking returns a list that gives everybody all permissions but one.
func lacking(p zk.Perm) []zk.ACL { return []zk.ACL{{Perms: zk.PermAll &^ p, ID: zk.WorldAnyone}} }
