package prep

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// stage makes the nodes that the refusals are about.
func stage(w *world) {
	w.plan(alice, zk.OpCreate, create("/a", zk.ModePersistent))
	w.plan(alice, zk.OpCreate, create("/a/child", zk.ModePersistent))
	w.plan(alice, zk.OpCreate, create("/eph", zk.ModeEphemeral))
	w.plan(alice, zk.OpCreate2, create("/empty", zk.ModePersistent))
	w.plan(alice, zk.OpSetData, setData("/empty", 0))
	for path, lacks := range map[string]zk.Perm{
		"/nocreate": zk.PermCreate, "/nodelete": zk.PermDelete, "/nowrite": zk.PermWrite,
		"/noadmin": zk.PermAdmin, "/noread": zk.PermRead,
	} {
		r := create(path, zk.ModePersistent)
		w.plan(alice, zk.OpCreate, r)
		w.plan(alice, zk.OpCreate, create(path+"/x", zk.ModePersistent))
		w.plan(alice, zk.OpSetACL, setACL(path, -1, lacking(lacks)...))
	}
	w.plan(alice, zk.OpCreateContainer, create("/box", zk.ModeContainer))
	w.plan(alice, zk.OpCreateTTL, createTTL("/ttl", zk.ModeTTL, 1_000_000))
}

// TestOrderOfChecks walks down the lists of client-protocol.md section 5: each
// case breaks one rule and, where it can, every later one too, so that it also
// shows which comes first. All is tried with everything pending and everything
// applied.
func TestOrderOfChecks(t *testing.T) {
	badACL := func(r wire.CreateRequest) wire.CreateRequest { r.ACL = []zk.ACL{}; return r }
	cases := []struct {
		name    string
		session zk.SessionID
		op      zk.OpCode
		body    record
		want    zk.Code
	}{
		// 5.1
		{"create: flags before null path", alice, zk.OpCreate, wire.CreateRequest{NullPath: true, Flags: 9}, zk.BadArguments},
		{"create: null path before ACL", alice, zk.OpCreate, wire.CreateRequest{NullPath: true}, zk.MarshallingError},
		{"create: flags before session", nobody, zk.OpCreate, create("bad", 7), zk.BadArguments},
		{"create: negative flags", alice, zk.OpCreate2, create("/x", -1), zk.BadArguments},
		{"create: TTL flags need createTTL", nobody, zk.OpCreate, create("/x", zk.ModeTTL), zk.BadArguments},
		{"createContainer: TTL flags", nobody, zk.OpCreateContainer, create("/x", zk.ModeTTLSequential), zk.BadArguments},
		{"createTTL: 0", nobody, zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, 0), zk.BadArguments},
		{"createTTL: too long", nobody, zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, zk.TTLMax+1), zk.BadArguments},
		{"createTTL: other flags (H2)", nobody, zk.OpCreateTTL, createTTL("/x", zk.ModePersistent, -1), zk.BadArguments},
		{"createTTL: longest", alice, zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, zk.TTLMax), zk.OK},
		{"create: session before path", nobody, zk.OpCreate, create("bad", 0), zk.SessionExpired},
		{"create: no slash before ACL", alice, zk.OpCreate, badACL(create("bad", 0)), zk.BadArguments},
		{"create: empty path", alice, zk.OpCreate, badACL(create("", 0)), zk.BadArguments},
		{"create: U+0000 before ACL", alice, zk.OpCreate, badACL(create("/\x00", 0)), zk.BadArguments},
		{"create: ACL before parent", alice, zk.OpCreate, badACL(create("/missing/x/", 0)), zk.InvalidACL},
		{"create: null ACL", alice, zk.OpCreate, wire.CreateRequest{Path: "/x"}, zk.InvalidACL},
		{"create: parent before full validation", alice, zk.OpCreate, create("/missing/x/", 0), zk.NoNode},
		{"create: relative path has no parent", alice, zk.OpCreate, create("a/b", 0), zk.NoNode},
		{"create: permission before full validation", alice, zk.OpCreate, create("/nocreate/../", 0), zk.NoNode},
		{"create: permission", alice, zk.OpCreate, create("/nocreate/\x01", 0), zk.NoAuth},
		{"create: full validation", alice, zk.OpCreate, create("/a/", 0), zk.BadArguments},
		{"create: relative element", alice, zk.OpCreate, create("/a/..", 0), zk.BadArguments},
		{"create: surrogate", alice, zk.OpCreate, create("/😀", 0), zk.BadArguments},
		{"create: exists", alice, zk.OpCreate, create("/a/child", 0), zk.NodeExists},
		{"create: root exists", alice, zk.OpCreate, create("/", 0), zk.NodeExists},
		{"create: parent is ephemeral", alice, zk.OpCreate, create("/eph/x", 0), zk.NoChildrenForEphemerals},
		{"create: below a container", alice, zk.OpCreate, create("/box/x", 0), zk.OK},
		{"create: below a TTL node", alice, zk.OpCreate, create("/ttl/x", 0), zk.OK},
		{"create: sequential with slash", alice, zk.OpCreate, create("/a/", zk.ModePersistentSequential), zk.OK},
		// 5.2
		{"delete: null path", alice, zk.OpDelete, wire.DeleteRequest{NullPath: true}, zk.MarshallingError},
		{"delete: session before path", nobody, zk.OpDelete, remove("bad", 9), zk.SessionExpired},
		{"delete: no slash", alice, zk.OpDelete, remove("bad", 9), zk.BadArguments},
		{"delete: U+0000", alice, zk.OpDelete, remove("/\x00", 9), zk.BadArguments},
		{"delete: reserved /", alice, zk.OpDelete, remove("/", 9), zk.BadArguments},
		{"delete: reserved config", alice, zk.OpDelete, remove("/zookeeper/config", 9), zk.BadArguments},
		{"delete: parent missing", alice, zk.OpDelete, remove("/missing/x", 9), zk.NoNode},
		{"delete: permission before the node", alice, zk.OpDelete, remove("/nodelete/missing", 9), zk.NoAuth},
		{"delete: node missing", alice, zk.OpDelete, remove("/a/missing", 9), zk.NoNode},
		{"delete: no further validation", alice, zk.OpDelete, remove("/a/", -1), zk.NoNode},
		{"delete: version before children", alice, zk.OpDelete, remove("/a", 9), zk.BadVersion},
		{"delete: children", alice, zk.OpDelete, remove("/a", 0), zk.NotEmpty},
		{"delete: right version", alice, zk.OpDelete, remove("/empty", 1), zk.OK},
		{"delete: foreign ephemeral", bob, zk.OpDelete, remove("/eph", -1), zk.OK},
		// 5.3
		{"deleteContainer by a client (H4)", alice, zk.OpDeleteContainer, wire.PathRequest{Path: "/box"}, zk.Unimplemented},
		// 5.5
		{"setData: null path", alice, zk.OpSetData, wire.SetDataRequest{NullPath: true}, zk.BadArguments},
		{"setData: session before path", nobody, zk.OpSetData, setData("bad", 9), zk.SessionExpired},
		{"setData: path", alice, zk.OpSetData, setData("/missing/", 9), zk.BadArguments},
		{"setData: missing", alice, zk.OpSetData, setData("/missing", 9), zk.NoNode},
		{"setData: permission before version", alice, zk.OpSetData, setData("/nowrite", 9), zk.NoAuth},
		{"setData: version", alice, zk.OpSetData, setData("/a", 9), zk.BadVersion},
		{"setData: root", alice, zk.OpSetData, setData("/", 0), zk.OK},
		{"setData: config node", alice, zk.OpSetData, setData("/zookeeper/config", -1), zk.NoAuth},
		// 5.7
		{"setACL: null path", alice, zk.OpSetACL, wire.SetACLRequest{NullPath: true}, zk.BadArguments},
		{"setACL: session before path", nobody, zk.OpSetACL, setACL("bad", 9), zk.SessionExpired},
		{"setACL: path before ACL", alice, zk.OpSetACL, setACL("bad", 9), zk.BadArguments},
		{"setACL: ACL before node", alice, zk.OpSetACL, setACL("/missing", 9), zk.InvalidACL},
		{"setACL: missing", alice, zk.OpSetACL, setACL("/missing", 9, zk.OpenACL()...), zk.NoNode},
		{"setACL: permission before version", alice, zk.OpSetACL, setACL("/noadmin", 9, zk.OpenACL()...), zk.NoAuth},
		{"setACL: compared with aversion", alice, zk.OpSetACL, setACL("/empty", 1, zk.OpenACL()...), zk.BadVersion},
		{"setACL: root", alice, zk.OpSetACL, setACL("/", 0, zk.OpenACL()...), zk.OK},
		// 5.8, 5.14, 3.6
		{"check alone", alice, zk.OpCheck, check("/a", 0), zk.Unimplemented},
		{"reconfig", alice, zk.OpReconfig, wire.ReconfigRequest{NullJoining: true, NullLeaving: true, NullNewMembers: true, ConfigVersion: -1}, zk.ReconfigDisabled},
		{"a read", alice, zk.OpGetData, wire.PathWatchRequest{Path: "/a"}, zk.Unimplemented},
		// 6.2
		{"multi: read op", alice, zk.OpMulti, multi(zk.OpGetData, wire.PathWatchRequest{Path: "/a"}), zk.MarshallingError},
		{"multi: flags", alice, zk.OpMulti, multi(zk.OpCreate, create("/x", 7)), zk.MarshallingError},
		{"multi: TTL flags", alice, zk.OpMulti, multi(zk.OpCreate2, create("/x", zk.ModeTTL)), zk.MarshallingError},
		{"multi: null ACL", alice, zk.OpMulti, multi(zk.OpCreate, wire.CreateRequest{Path: "/x"}), zk.MarshallingError},
		{"multi: null path", alice, zk.OpMulti, multi(zk.OpDelete, wire.DeleteRequest{NullPath: true}), zk.MarshallingError},
		{"multi: empty", alice, zk.OpMulti, multi(), zk.OK},
		{"multi: empty, of no session", nobody, zk.OpMulti, multi(), zk.SessionExpired},
	}
	for _, c := range cases {
		for _, lag := range []string{"pending", "applied"} {
			t.Run(c.name+", "+lag, func(t *testing.T) {
				w := newWorld(t)
				stage(w)
				if lag == "applied" {
					w.apply(-1)
				}
				rec := w.plan(c.session, c.op, c.body)
				if got := codeOf(rec.Body); got != c.want {
					t.Errorf("%v %+v: %v, want %v", c.op, c.body, got, c.want)
				}
				w.apply(-1)
			})
		}
	}
}

func TestTTLNeedsExtendedTypes(t *testing.T) { // 5.1 rule 2
	w := newWorld(t, func(o *Options) { o.ExtendedTypes = false })
	for _, c := range []struct {
		op   zk.OpCode
		body record
		want zk.Code
	}{
		{zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, -5), zk.Unimplemented},
		{zk.OpCreate, create("/x", zk.ModeTTL), zk.Unimplemented},
		{zk.OpCreateTTL, createTTL("/x", zk.ModeContainer, -1), zk.BadArguments},
	} {
		if got := codeOf(w.plan(nobody, c.op, c.body).Body); got != c.want {
			t.Errorf("%v %+v: %v, want %v", c.op, c.body, got, c.want)
		}
	}
	rec := w.plan(alice, zk.OpMulti, multi(zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, 5)))
	if got := codes(rec); !cmp.Equal(got, []zk.Code{zk.Unimplemented}) {
		t.Errorf("in a multi: %v, want [%v]", got, zk.Unimplemented)
	}
	w.apply(-1)
}

// A moved session costs the connection, in a multi too (2.12).
func TestMovedSession(t *testing.T) {
	w := newWorld(t)
	w.sessions.SetOwner(alice, 2)
	for _, c := range []struct {
		op   zk.OpCode
		body record
	}{
		{zk.OpCreate, create("/x", 0)},
		{zk.OpDelete, remove("/x", 0)},
		{zk.OpSetData, setData("/", -1)},
		{zk.OpSetACL, setACL("/", -1, zk.OpenACL()...)},
		{zk.OpMulti, multi(zk.OpCreate, create("/x", 0))},
		{zk.OpMulti, multi()},
		{zk.OpCloseSession, nil},
	} {
		rec := w.plan(alice, c.op, c.body)
		if rec.Type != zk.OpError || codeOf(rec.Body) != zk.SessionMoved {
			t.Errorf("%v: %v %+v, want an error transaction SessionMoved", c.op, rec.Type, rec.Body)
		}
	}
	w.apply(-1)
}

// H1, INV-X11: whatever cannot be decoded spends the zxid it was given.
func TestUndecodable(t *testing.T) {
	w := newWorld(t)
	for _, op := range []zk.OpCode{
		zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData,
		zk.OpSetACL, zk.OpMulti, zk.OpReconfig,
	} {
		for _, body := range [][]byte{nil, {0, 0, 0, 9, '/'}, {0xff, 0xff, 0xff, 0xfe}} {
			w.cxid++
			rec := w.request(&Request{Session: alice, Cxid: w.cxid, Op: op, Body: body}, 1)
			if rec.Type != zk.OpError || codeOf(rec.Body) != zk.MarshallingError {
				t.Errorf("%v %x: %v %+v, want MarshallingError", op, body, rec.Type, rec.Body)
			}
			if got := Validate(op, body); got != zk.MarshallingError {
				t.Errorf("Validate(%v, %x) = %v, want MarshallingError", op, body, got)
			}
		}
	}
	w.apply(-1)
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		op   zk.OpCode
		body record
		want zk.Code
	}{
		{zk.OpCreate, create("bad", 99), zk.OK}, // the leader's to judge
		{zk.OpCreateTTL, createTTL("/x", zk.ModeTTL, 0), zk.OK},
		{zk.OpCreateTTL, createTTL("/x", zk.ModePersistent, -1), zk.BadArguments},
		{zk.OpMulti, multi(zk.OpCreate, create("/x", 0)), zk.OK},
		{zk.OpCheck, check("/x", 0), zk.Unimplemented},
		{zk.OpDeleteContainer, wire.PathRequest{Path: "/x"}, zk.Unimplemented},
		{zk.OpSync, wire.PathRequest{NullPath: true}, zk.OK},
		{zk.OpCloseSession, wire.PathRequest{}, zk.OK},
	} {
		if got := Validate(c.op, c.body.Append(nil)); got != c.want {
			t.Errorf("Validate(%v, %+v) = %v, want %v", c.op, c.body, got, c.want)
		}
	}
}

// The kind of a node goes by opcode and flags as 5.1 says, alone and in a multi (6.2).
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		op        zk.OpCode
		body      record
		path      string
		owner     zk.Owner
		multiType zk.OpCode // 0: not allowed in a multi
		inMulti   zk.Owner
	}{
		{zk.OpCreate, create("/n", 0), "/n", 0, zk.OpCreate, 0},
		{zk.OpCreate2, create("/n", 1), "/n", zk.Owner(alice), zk.OpCreate2, zk.Owner(alice)},
		{zk.OpCreate, create("/n", 2), "/n0000000001", 0, zk.OpCreate, 0},
		{zk.OpCreate, create("/n", 3), "/n0000000001", zk.Owner(alice), zk.OpCreate, zk.Owner(alice)},
		{zk.OpCreate, create("/n", 4), "/n", 0, zk.OpCreateContainer, zk.OwnerContainer},
		{zk.OpCreateContainer, create("/n", 0), "/n", zk.OwnerContainer, zk.OpCreateContainer, zk.OwnerContainer},
		{zk.OpCreateContainer, create("/n", 1), "/n", zk.OwnerContainer, zk.OpCreateContainer, zk.OwnerContainer},
		{zk.OpCreateContainer, create("/n", 3), "/n0000000001", zk.OwnerContainer, zk.OpCreateContainer, zk.OwnerContainer},
		{zk.OpCreateTTL, createTTL("/n", 5, 7), "/n", zk.OwnerTTL(7), zk.OpCreateTTL, zk.OwnerTTL(7)},
		{zk.OpCreateTTL, createTTL("/", 6, 7), "/0000000001", zk.OwnerTTL(7), zk.OpCreateTTL, zk.OwnerTTL(7)},
	} {
		for _, together := range []bool{false, true} {
			w := newWorld(t)
			w.plan(alice, zk.OpCreate, create("/first", 0))
			want := c.owner
			if together {
				rec := w.plan(alice, zk.OpMulti, multi(c.op, c.body))
				want = c.inMulti
				if got := rec.Body.(*txn.Multi).Ops[0].Type; got != c.multiType {
					t.Errorf("%v %+v in a multi has type %v, want %v", c.op, c.body, got, c.multiType)
				}
			} else {
				w.plan(alice, c.op, c.body)
			}
			w.apply(-1)
			if info, ok := w.tree.Info(c.path); !ok || info.Stat.Owner != want {
				t.Errorf("%v %+v (multi: %v): %s exists=%v with owner %x, want %x",
					c.op, c.body, together, c.path, ok, info.Stat.Owner, want)
			}
		}
	}
	// createTTL with other flags is a create in a multi, with any TTL.
	w := newWorld(t)
	rec := w.plan(alice, zk.OpMulti, multi(zk.OpCreateTTL, createTTL("/e", zk.ModeEphemeral, -1), zk.OpCreateTTL, createTTL("/c", zk.ModeContainer, 5)))
	w.apply(-1)
	e, _ := w.tree.Info("/e")
	c, _ := w.tree.Info("/c")
	if e.Stat.Owner != zk.Owner(alice) || c.Stat.Owner != zk.OwnerContainer {
		t.Errorf("%+v made owners %x and %x", rec.Body, e.Stat.Owner, c.Stat.Owner)
	}
}

// 4.4: every create counts, those under way and those of the same multi too.
func TestSequentialNames(t *testing.T) {
	w := newWorld(t)
	w.plan(alice, zk.OpCreate, create("/q", 0))
	var got []string
	seq := func(path string) {
		rec := w.plan(alice, zk.OpCreate, create(path, zk.ModePersistentSequential))
		got = append(got, rec.Body.(*txn.Create).Path)
	}
	seq("/q/n-")
	seq("/q/n-")
	w.plan(alice, zk.OpCreate, create("/q/plain", 0))
	w.apply(2)
	seq("/q/")
	w.plan(alice, zk.OpDelete, remove("/q/plain", -1)) // deletes give no number back
	rec := w.plan(alice, zk.OpMulti, multi(
		zk.OpCreate, create("/q/m-", zk.ModePersistentSequential), zk.OpCreate, create("/q/m-", zk.ModePersistentSequential)))
	for _, op := range rec.Body.(*txn.Multi).Ops {
		got = append(got, op.Body.(*txn.Create).Path)
	}
	// A multi that fails takes no number (INV-X5).
	w.plan(alice, zk.OpMulti, multi(zk.OpCreate, create("/q/f-", zk.ModePersistentSequential), zk.OpCheck, check("/q", 99)))
	seq("/q/n-")
	want := []string{"/q/n-0000000000", "/q/n-0000000001", "/q/0000000003", "/q/m-0000000004", "/q/m-0000000005", "/q/n-0000000006"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	w.apply(-1)
}

// 4.4: at the end of the numbers, the count stays where it is, planned or applied.
func TestSequentialOverflow(t *testing.T) {
	for _, lag := range []bool{false, true} {
		w := newWorld(t)
		w.plan(alice, zk.OpCreate, create("/q", 0))
		w.apply(-1)
		tx := &txn.Txn{
			Header: txn.Header{Session: alice, Zxid: w.zxid + 1, Time: w.wall, Type: zk.OpCreate},
			Body:   &txn.Create{Path: "/q/last", ACL: zk.OpenACL(), ParentCreates: math.MaxInt32},
		}
		w.tree.Apply(tx, func(tree.Change) {})
		w.zxid++
		w.prep = New(Options{Source: w.tree, Sessions: w.sessions, Auth: w.prep.o.Auth, Digest: true, TreeDigest: w.tree.Digest()})
		first := w.plan(alice, zk.OpCreate, create("/q/n", zk.ModePersistentSequential))
		if !lag {
			w.apply(-1)
		}
		second := w.plan(alice, zk.OpCreate, create("/q/n", zk.ModePersistentSequential))
		other := w.plan(alice, zk.OpCreate, create("/q/other", 0))
		if got := first.Body.(*txn.Create).Path; got != "/q/n2147483647" {
			t.Errorf("first: %s", got)
		}
		if codeOf(second.Body) != zk.NodeExists || codeOf(other.Body) != zk.OK {
			t.Errorf("then: %v and %v, want NodeExists and ok", codeOf(second.Body), codeOf(other.Body))
		}
		w.apply(-1)
	}
}

// codes are the results of a multi.
func codes(rec *txn.Record) []zk.Code {
	var c []zk.Code
	for _, op := range rec.Body.(*txn.Multi).Ops {
		c = append(c, codeOf(op.Body))
	}
	return c
}

func TestMultiFails(t *testing.T) { // 6.2, disk.md 3.6, INV-X5, INV-X8
	w := newWorld(t)
	w.plan(alice, zk.OpCreate, create("/a", 0))
	before, pending := w.prep.overlay.digest, w.prep.Pending()
	rec := w.plan(alice, zk.OpMulti, multi(
		zk.OpCreate, create("/a/eph", zk.ModeEphemeral), zk.OpSetData, setData("/a", 0),
		zk.OpCheck, check("/a", 0), zk.OpDelete, remove("/a/eph", -1)))
	want := []zk.Code{zk.OK, zk.OK, zk.BadVersion, zk.RuntimeInconsistency}
	if diff := cmp.Diff(want, codes(rec)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	types := []zk.OpCode{zk.OpCreate, zk.OpSetData, zk.OpError, zk.OpError}
	for i, op := range rec.Body.(*txn.Multi).Ops {
		if op.Type != types[i] {
			t.Errorf("op %d has type %v, want %v", i, op.Type, types[i])
		}
	}
	if rec.Digest == nil || rec.Digest.Tree != before || w.prep.Pending() != pending || len(w.prep.overlay.owned) != 0 {
		t.Errorf("a failed multi left a trace: digest %v, want %d; pending %d, want %d; owned %v",
			rec.Digest, before, w.prep.Pending(), pending, w.prep.overlay.owned)
	}
	w.apply(-1)
}

func TestMultiSeesItself(t *testing.T) { // 6.2, INV-A8
	w := newWorld(t)
	rec := w.plan(alice, zk.OpMulti, multi(
		zk.OpCreate, create("/m", 0), zk.OpCreate2, create("/m/a", 0), zk.OpSetData, setData("/m/a", 0),
		zk.OpCheck, check("/m/a", 1), zk.OpDelete, remove("/m/a", 1), zk.OpDelete, remove("/m", 0),
		zk.OpCreate, create("/m", zk.ModeEphemeral)))
	if got := codes(rec); !cmp.Equal(got, make([]zk.Code, 7)) {
		t.Errorf("results %v, want all ok", got)
	}
	w.apply(-1)
	if info, ok := w.tree.Info("/m"); !ok || info.Stat.Owner != zk.Owner(alice) {
		t.Errorf("/m is %+v (exists %v), want an ephemeral of alice", info, ok)
	}
}

// INV-A1: the access list that counts is the one at the request's place in the order.
func TestPendingACLCounts(t *testing.T) {
	w := newWorld(t)
	w.plan(alice, zk.OpCreate, create("/a", 0))
	w.plan(alice, zk.OpSetACL, setACL("/a", 0, zk.ACL{Perms: zk.PermAll, ID: zk.ID{Scheme: "auth"}}), aliceID)
	for _, c := range []struct {
		name string
		ids  []zk.ID
		want zk.Code
	}{
		{"nobody in particular", nil, zk.NoAuth}, {"alice", []zk.ID{aliceID}, zk.OK}, {"super", []zk.ID{superID}, zk.OK},
	} {
		if got := codeOf(w.plan(bob, zk.OpSetData, setData("/a", -1), c.ids...).Body); got != c.want {
			t.Errorf("setData by %s: %v, want %v", c.name, got, c.want)
		}
	}
	w.apply(-1)
	info, _ := w.tree.Info("/a") // INV-A3
	if diff := cmp.Diff([]zk.ACL{{Perms: zk.PermAll, ID: aliceID}}, info.ACL); diff != "" {
		t.Errorf("stored ACL (-want +got):\n%s", diff)
	}
}

func TestNextVersion(t *testing.T) { // 4.7
	for _, c := range []struct {
		current, expected, want int32
		code                    zk.Code
	}{
		{0, 0, 1, zk.OK},
		{0, -1, 1, zk.OK},
		{3, 2, 0, zk.BadVersion},
		{-1, -1, 0, zk.OK},
		{math.MaxInt32, -1, math.MinInt32, zk.OK},
		{-2, -2, 0, zk.OK},
		{5, math.MinInt32, 0, zk.BadVersion},
	} {
		if got, code := nextVersion(c.current, c.expected); got != c.want || code != c.code {
			t.Errorf("nextVersion(%d, %d) = %d, %v, want %d, %v", c.current, c.expected, got, code, c.want, c.code)
		}
	}
}

// A path that is deleted and made again, or the other way round, while all of it
// is under way.
func TestOnePathInThePipeline(t *testing.T) {
	for lag := range 6 {
		t.Run(fmt.Sprintf("%d applied at each step", lag), func(t *testing.T) {
			w := newWorld(t)
			var got strings.Builder
			step := func(s zk.SessionID, op zk.OpCode, body record) {
				fmt.Fprintf(&got, "%v %v\n", op, codeOf(w.plan(s, op, body).Body))
				w.apply(lag)
			}
			step(alice, zk.OpDelete, remove("/p", -1))
			step(alice, zk.OpCreate, create("/p", zk.ModeEphemeral))
			step(alice, zk.OpCreate, create("/p", 0))
			step(alice, zk.OpDelete, remove("/p", 0))
			step(bob, zk.OpCreate, create("/p", zk.ModeEphemeral))
			step(bob, zk.OpSetData, setData("/p", 0))
			step(alice, zk.OpCloseSession, nil)
			step(bob, zk.OpSetData, setData("/p", 1))
			step(bob, zk.OpCloseSession, nil)
			want := "delete no node\ncreate ok\ncreate node exists\ndelete ok\ncreate ok\nsetData ok\n" +
				"closeSession ok\nsetData ok\ncloseSession ok\n"
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			w.apply(-1)
			if _, ok := w.tree.Info("/p"); ok {
				t.Errorf("/p outlived its session")
			}
		})
	}
}
