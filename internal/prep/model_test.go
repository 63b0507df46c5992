package prep

import (
	"bytes"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/tree"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// TestPlannedIsApplied is INV-X3: random requests are planned in two worlds. In one
// each transaction is applied at once, in the other after a random lag. Both must
// give the same bytes, every transaction must do what it says, digest included,
// and what the overlay holds must be what the tree then holds.
func TestPlannedIsApplied(t *testing.T) {
	seen := map[zk.Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		withPaths := rapid.Bool().Draw(t, "closeSessionPaths")
		change := func(o *Options) { o.CloseSessionPaths = withPaths }
		prompt, lagging := newWorld(t, change), newWorld(t, change)
		g := generator{t: t}
		for range rapid.IntRange(60, 120).Draw(t, "requests") {
			r := g.request()
			from := zk.ServerID(rapid.SampledFrom([]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 2}).Draw(t, "from"))
			if r.Session == bob {
				from = 3 - from
			}
			want, got := prompt.request(&r, from), lagging.request(&r, from)
			prompt.apply(-1)
			if !bytes.Equal(want.Bytes, got.Bytes) {
				t.Fatalf("%v %+v with changes pending: %v %+v %v\nwithout: %v %+v %v",
					r.Op, r, got.Type, got.Body, got.Digest, want.Type, want.Body, want.Digest)
			}
			if want.Type == zk.OpMulti {
				for _, code := range codes(want) {
					seen[code]++
				}
			}
			seen[codeOf(want.Body)]++
			lagging.apply(rapid.SampledFrom([]int{0, 0, 0, 1, 2, 5}).Draw(t, "applied"))
		}
		promised := maps.Clone(lagging.prep.overlay.nodes)
		lagging.apply(-1)
		for path, n := range promised {
			info, ok := lagging.tree.Info(path)
			if diff := cmp.Diff(node{n.Info, n.exists}, node{info, ok}, cmp.AllowUnexported(node{})); diff != "" {
				t.Fatalf("%s (-promised +applied):\n%s", path, diff)
			}
		}
		if got, want := lagging.tree.Digest(), prompt.tree.Digest(); got != want {
			t.Fatalf("digest with lag %d, without %d", got, want)
		}
	})
	// A run that never met these has tested nothing.
	for _, code := range []zk.Code{
		zk.OK, zk.NoNode, zk.NodeExists, zk.NotEmpty, zk.BadVersion, zk.NoAuth, zk.NoChildrenForEphemerals,
		zk.BadArguments, zk.InvalidACL, zk.SessionExpired, zk.SessionMoved, zk.RuntimeInconsistency,
	} {
		if seen[code] == 0 {
			t.Errorf("no request ended in %v; seen %v", code, seen)
		}
	}
}

// A generator draws requests about a few paths, so that they get in each other's
// way.
type generator struct {
	t    *rapid.T
	cxid int32
}

func (g *generator) request() Request {
	g.cxid++
	r := Request{
		Session: rapid.SampledFrom([]zk.SessionID{alice, alice, bob, bob}).Draw(g.t, "session"), Cxid: g.cxid,
		Op:   rapid.SampledFrom(requestOps).Draw(g.t, "op"),
		Auth: rapid.SampledFrom([][]zk.ID{nil, nil, {aliceID}, {superID}}).Draw(g.t, "auth"),
	}
	switch {
	case r.Op == zk.OpMulti:
		r.Body = g.multi().Append(nil)
	case r.Op == zk.OpCloseSession:
		if !rapid.SampledFrom([]bool{false, false, false, false, false, true}).Draw(g.t, "really") {
			r.Op = zk.OpSetData
			r.Body = g.body(r.Op).Append(nil)
		}
	default:
		r.Body = g.body(r.Op).Append(nil)
	}
	if r.Op == zk.OpDeleteContainer {
		r.Session, r.Cxid = 0, 0
	}
	return r
}

var (
	multiOps = []zk.OpCode{
		zk.OpCreate, zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpCheck,
	}
	requestOps = append([]zk.OpCode{
		zk.OpMulti, zk.OpMulti, zk.OpSetACL, zk.OpDeleteContainer, zk.OpCloseSession, zk.OpCreate, zk.OpDelete,
	}, multiOps[:7]...)
	paths = []string{
		"/", "/a", "/a", "/a/b", "/a/b", "/a/b/c", "/e", "/e/x", "/s-", "/a/s-", "/a/", "/zookeeper/q", "/zookeeper/quota/a",
		"/zookeeper/config", "/zookeeper", "/missing/x", "bad", "/a/../b",
	}
)

func (g *generator) multi() wire.MultiRequest {
	var m wire.MultiRequest
	for range rapid.IntRange(0, 4).Draw(g.t, "ops") {
		op := rapid.SampledFrom(multiOps).Draw(g.t, "sub-op")
		m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: g.body(op)})
	}
	return m
}

func (g *generator) body(op zk.OpCode) wire.Record {
	path := rapid.SampledFrom(paths).Draw(g.t, "path")
	version := rapid.SampledFrom([]int32{-1, -1, -1, 0, 1}).Draw(g.t, "version")
	data := rapid.SampledFrom([][]byte{nil, {}, {1}, []byte("some data")}).Draw(g.t, "data")
	acl := rapid.SampledFrom([][]zk.ACL{
		zk.OpenACL(), zk.OpenACL(), zk.OpenACL(), lacking(zk.PermCreate | zk.PermDelete), lacking(zk.PermWrite | zk.PermRead),
		{{Perms: zk.PermAll, ID: zk.ID{Scheme: "auth"}}},
		{{Perms: 1, ID: zk.ID{Scheme: "world", ID: "nobody"}}},
	}).Draw(g.t, "acl")
	mode := zk.CreateMode(rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2, 3, 4}).Draw(g.t, "mode"))
	ttl := rapid.SampledFrom([]int64{-1, 0, 5, 20}).Draw(g.t, "ttl")
	switch op {
	case zk.OpDelete:
		return wire.DeleteRequest{Path: path, Version: version}
	case zk.OpSetData:
		return wire.SetDataRequest{Path: path, Data: data, Version: version}
	case zk.OpSetACL:
		return wire.SetACLRequest{Path: path, ACL: acl, Version: version}
	case zk.OpCheck:
		return wire.CheckRequest{Path: path, Version: version}
	case zk.OpDeleteContainer:
		return wire.PathRequest{Path: path}
	}
	r := wire.CreateRequest{Path: path, Data: data, ACL: acl, Flags: mode}
	if op == zk.OpCreateTTL {
		if mode < 2 {
			r.Flags = zk.ModeTTL + mode
		}
		return wire.CreateTTLRequest{CreateRequest: r, TTL: ttl}
	}
	return r
}

// FuzzPlan plans anything: there is always a record with the given zxid, which
// does to the tree what it says.
func FuzzPlan(f *testing.F) {
	for _, op := range []zk.OpCode{
		zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL,
		zk.OpMulti, zk.OpReconfig, zk.OpDeleteContainer, zk.OpCreateSession, zk.OpCloseSession, zk.OpCheck, zk.OpGetData, 99,
	} {
		f.Add(int32(op), []byte(nil), int64(alice), int32(1))
		f.Add(int32(op), create("/x", 3).Append(nil), int64(alice), int32(0))
		f.Add(int32(op), createTTL("/x", 5, 7).Append(nil), int64(bob), int32(1))
		f.Add(int32(op), remove("/a", -1).Append(nil), int64(nobody), int32(1))
		f.Add(int32(op), setData("/a", 0).Append(nil), int64(0), int32(0))
		f.Add(int32(op), setACL("/a", 0, zk.OpenACL()...).Append(nil), int64(alice), int32(1))
		f.Add(int32(op), multi(zk.OpCreate, create("/m", 1), zk.OpDelete, remove("/m", -1)).Append(nil), int64(alice), int32(1))
	}
	f.Fuzz(func(t *testing.T, op int32, body []byte, s int64, cxid int32) {
		w := newWorld(t)
		stage(w)
		r := &Request{Session: zk.SessionID(s), Cxid: cxid, Op: zk.OpCode(op), Body: body}
		code := Validate(r.Op, body)
		rec := w.request(r, zk.ServerID(uint64(s)>>56))
		if code == zk.MarshallingError && codeOf(rec.Body) == zk.OK && r.Op != zk.OpCreateSession {
			t.Errorf("%v %x: a learner refuses with %v what a leader plans as %+v", r.Op, body, code, rec.Body)
		}
		w.apply(-1)
	})
}

var _ Source = (*tree.Tree)(nil)
