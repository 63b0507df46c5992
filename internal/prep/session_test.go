package prep

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// 2.10: the paths include creates and deletes still in the pipeline.
func TestCloseSessionPaths(t *testing.T) {
	for lag := range 9 {
		w := newWorld(t)
		for _, r := range []struct {
			s    zk.SessionID
			op   zk.OpCode
			body record
		}{
			{alice, zk.OpCreate, create("/e1", zk.ModeEphemeral)},
			{alice, zk.OpCreate, create("/e2", zk.ModeEphemeral)},
			{bob, zk.OpCreate, create("/b1", zk.ModeEphemeral)},
			{alice, zk.OpCreate, create("/seq", zk.ModeEphemeralSequential)},
			{bob, zk.OpDelete, remove("/e1", -1)},
			{bob, zk.OpCreate, create("/e1", zk.ModeEphemeral)},
			{alice, zk.OpSetData, setData("/e2", 0)},
			{alice, zk.OpMulti, multi(zk.OpCreate, create("/never", zk.ModeEphemeral), zk.OpCheck, check("/", 99))},
		} {
			w.plan(r.s, r.op, r.body)
		}
		w.apply(lag)
		rec := w.plan(alice, zk.OpCloseSession, nil)
		want := &txn.CloseSession{Paths: []string{"/e2", "/seq0000000003"}, HasPaths: true}
		if diff := cmp.Diff(txn.Body(want), rec.Body); diff != "" {
			t.Errorf("lag %d (-want +got):\n%s", lag, diff)
		}
		w.apply(-1)
		if got := w.tree.Ephemerals(bob); !cmp.Equal(got, []string{"/b1", "/e1"}) {
			t.Errorf("bob is left with %v, want /b1 and /e1", got)
		}
	}
}

// closeSessionTxn.enabled=false: the same change and digest, no paths.
func TestCloseSessionWithoutPaths(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.CloseSessionPaths = false })
	w.plan(alice, zk.OpCreate, create("/e1", zk.ModeEphemeral))
	rec := w.plan(alice, zk.OpCloseSession, nil)
	if diff := cmp.Diff(txn.Body(&txn.CloseSession{}), rec.Body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	w.apply(-1)
}

// 2.10, INV-X10, INV-S3: from its closeSession on, a session does nothing more,
// whoever looks first: the overlay, then the session table.
func TestNothingAfterCloseSession(t *testing.T) {
	w := newWorld(t)
	closing := &Request{Session: alice, Op: zk.OpCloseSession} // the server's own
	w.sessions.MarkClosing(alice)
	if got := codeOf(w.request(closing, 3).Body); got != zk.OK {
		t.Fatalf("closeSession after expiry: %v, want ok", got)
	}
	for _, lag := range []int{0, -1} {
		w.apply(lag)
		for _, c := range []struct {
			op   zk.OpCode
			body record
		}{
			{zk.OpCreate, create("/e", zk.ModeEphemeral)},
			{zk.OpDelete, remove("/e", -1)},
			{zk.OpSetData, setData("/", -1)},
			{zk.OpSetACL, setACL("/", -1, zk.OpenACL()...)},
			{zk.OpMulti, multi()},
			{zk.OpCloseSession, nil},
		} {
			if got := codeOf(w.plan(alice, c.op, c.body).Body); got != zk.SessionExpired {
				t.Errorf("%v after closeSession (applied: %v): %v, want SessionExpired", c.op, lag, got)
			}
		}
		rec := w.plan(alice, zk.OpMulti, multi(zk.OpCreate, create("/e", 0), zk.OpDelete, remove("/e", 0)))
		if got := codes(rec); !cmp.Equal(got, []zk.Code{zk.SessionExpired, zk.RuntimeInconsistency}) {
			t.Errorf("multi after closeSession: %v", got)
		}
	}
	w.apply(-1)
}

// Ephemerals of a session that nobody knows are removed by the server.
func TestCloseOrphans(t *testing.T) {
	w := newWorld(t)
	w.plan(alice, zk.OpCreate, create("/e", zk.ModeEphemeral))
	w.apply(-1)
	w.sessions.Remove(alice)
	for _, want := range []zk.Code{zk.OK, zk.SessionExpired} {
		if got := codeOf(w.request(&Request{Session: alice, Op: zk.OpCloseSession}, 1).Body); got != want {
			t.Errorf("closeSession of an unknown session: %v, want %v", got, want)
		}
	}
	w.apply(-1)
	if _, ok := w.tree.Info("/e"); ok {
		t.Errorf("/e is still there")
	}
}

// 4.8, 5.3, INV-T17: reaping looks again at what it removes.
func TestDeleteContainer(t *testing.T) {
	w := newWorld(t)
	w.plan(alice, zk.OpCreateContainer, create("/box", 0))
	w.plan(alice, zk.OpCreate, create("/box/x", 0))
	w.plan(alice, zk.OpDelete, remove("/box/x", 0))
	w.plan(alice, zk.OpCreateContainer, create("/new", 0))
	w.plan(alice, zk.OpCreateContainer, create("/full", 0))
	w.plan(alice, zk.OpCreate, create("/full/x", 0))
	w.plan(alice, zk.OpCreate, create("/plain", 0))
	w.plan(alice, zk.OpCreate, create("/eph", zk.ModeEphemeral))
	w.plan(alice, zk.OpCreateTTL, createTTL("/due", zk.ModeTTL, 1))
	w.plan(alice, zk.OpCreateTTL, createTTL("/early", zk.ModeTTL, 1_000_000))
	for _, lag := range []int{0, -1} {
		w.apply(lag)
		for _, c := range []struct {
			path string
			want zk.Code
		}{
			{"/full", zk.NotEmpty},
			{"/new", zk.BadVersion},
			{"/plain", zk.BadVersion},
			{"/eph", zk.BadVersion},
			{"/early", zk.BadVersion},
			{"/missing", zk.NoNode},
			{"/missing/x", zk.NoNode},
			{"/zookeeper", zk.BadArguments},
			{"bad", zk.BadArguments},
		} {
			r := &Request{Op: zk.OpDeleteContainer, Body: wire.PathRequest{Path: c.path}.Append(nil)}
			if got := codeOf(w.request(r, 1).Body); got != c.want {
				t.Errorf("%s: %v, want %v", c.path, got, c.want)
			}
		}
	}
	for _, path := range []string{"/box", "/due"} {
		r := &Request{Op: zk.OpDeleteContainer, Body: wire.PathRequest{Path: path}.Append(nil)}
		rec := w.request(r, 1)
		if diff := cmp.Diff(txn.Body(&txn.Delete{Path: path}), rec.Body); diff != "" || rec.Type != zk.OpDeleteContainer {
			t.Errorf("%s: type %v (-want +got):\n%s", path, rec.Type, diff)
		}
	}
	w.apply(-1)
}
