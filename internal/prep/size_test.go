package prep

import (
	"fmt"
	"strings"
	"testing"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// What is logged and proposed can be read back by every server under its limits
// (INV-D11, disk.md R-9): what would be larger is refused, or takes another form.

const smallTxn = 4096

func newSmallWorld(t *testing.T) *world {
	return newWorld(t, func(o *Options) { o.TxnMax = smallTxn })
}

// wantRefused checks a refusal that left nothing behind.
func wantRefused(t *testing.T, w *world, rec *txn.Record, code zk.Code) {
	t.Helper()
	if rec.Type != zk.OpError || codeOf(rec.Body) != code {
		t.Errorf("planned %v of %d bytes, want a refusal with %v", rec.Type, len(rec.Bytes), code)
	}
	w.apply(-1)
}

func TestTooLargeForALogIsRefused(t *testing.T) {
	w := newSmallWorld(t)
	large := setData("/", -1)
	large.Data = make([]byte, smallTxn)
	wantRefused(t, w, w.plan(alice, zk.OpSetData, large), zk.MarshallingError)
	large.Data = large.Data[:smallTxn-100]
	if rec := w.plan(alice, zk.OpSetData, large); rec.Type != zk.OpSetData || len(rec.Bytes) > smallTxn {
		t.Errorf("planned %v of %d bytes, want setData within %d", rec.Type, len(rec.Bytes), smallTxn)
	}
	w.apply(-1)
}

// Scheme auth stands for every identity of a connection, in each entry and in each
// operation of a multi.
func TestExpandedListsAreBounded(t *testing.T) {
	w := newSmallWorld(t)
	var ids []zk.ID
	for i := range 20 {
		ids = append(ids, zk.ID{Scheme: "digest", ID: fmt.Sprintf("user%d:%027d=", i, i)})
	}
	entries := func(n int) (acl []zk.ACL) {
		for i := range n {
			acl = append(acl, zk.ACL{Perms: zk.Perm(i), ID: zk.ID{Scheme: "auth"}})
		}
		return acl
	}
	body := create("/a", 0)
	body.ACL = entries(10)
	wantRefused(t, w, w.plan(alice, zk.OpCreate, body, ids...), zk.InvalidACL)
	wantRefused(t, w, w.plan(alice, zk.OpSetACL, setACL("/", -1, entries(10)...), ids...), zk.InvalidACL)

	var m wire.MultiRequest
	for i := range 10 {
		body := create(fmt.Sprintf("/m%d", i), 0)
		body.ACL = entries(1)
		m.Ops = append(m.Ops, wire.MultiOp{Op: zk.OpCreate, Body: body})
	}
	rec := w.plan(alice, zk.OpMulti, m, ids...)
	if got := codes(rec); got[len(got)-1] != zk.RuntimeInconsistency {
		t.Errorf("a multi whose lists are too long was planned with %v", got)
	}
	w.apply(-1)
	if _, ok := w.tree.Info("/m0"); ok {
		t.Error("a part of the refused multi is there")
	}
	m.Ops = m.Ops[:2]
	if rec := w.plan(alice, zk.OpMulti, m, ids...); codes(rec)[1] != zk.OK {
		t.Errorf("a multi with short lists was refused: %v", codes(rec))
	}
	w.apply(-1)
}

// The end of a session never fails for what it owns: a list of paths that would be
// too long is left out, and every server removes what it has.
func TestSessionWithTooManyEphemeralsCloses(t *testing.T) {
	w := newSmallWorld(t)
	for i := range 50 {
		w.plan(alice, zk.OpCreate, create(fmt.Sprintf("/%s%d", strings.Repeat("x", 100), i), zk.ModeEphemeral))
	}
	w.apply(-1)
	rec := w.plan(alice, zk.OpCloseSession, nil)
	body, ok := rec.Body.(*txn.CloseSession)
	if !ok || body.HasPaths || rec.Digest != nil || len(rec.Bytes) > smallTxn {
		t.Fatalf("planned %v %+v of %d bytes, digest %v, want a closeSession that is no more than a header",
			rec.Type, rec.Body, len(rec.Bytes), rec.Digest)
	}
	if got, err := txn.Decode(rec.Bytes); err != nil || got.Body.(*txn.CloseSession).HasPaths || got.Digest != nil {
		t.Errorf("reads back as %+v, %v", got, err)
	}
	if res := w.tree.Apply(&rec.Txn, func(tree.Change) {}); res.Code != zk.OK {
		t.Errorf("applied with %v", res.Code)
	}
	if n := w.tree.EphemeralCount(); n != 0 {
		t.Errorf("%d ephemerals are left", n)
	}
	if got, want := w.tree.Digest(), w.prep.overlay.digest; got != want {
		t.Errorf("the tree has digest %d, %d was predicted (INV-X3)", got, want)
	}
}
