package prep

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

var bobID = zk.ID{Scheme: "digest", ID: "bob:YmFy"}

// acls is a model of a tree in which only access lists count: paths with their
// lists, and what client-protocol.md 5 and 7 let happen to them.
type acls map[string][]zk.ACL

func (m acls) allows(path string, want zk.Perm, ids []zk.ID) bool {
	for _, entry := range m[path] {
		if entry.Perms&want != 0 && (entry.ID == zk.WorldAnyone || slices.Contains(ids, entry.ID)) {
			return true
		}
	}
	return slices.Contains(ids, superID)
}

// fixed is the list as it is to be stored (7.3), for the lists of drawList.
func fixed(list []zk.ACL, ids []zk.ID) []zk.ACL {
	var out []zk.ACL
	for i, entry := range list {
		switch {
		case slices.Contains(list[:i], entry):
		case entry.ID.Scheme == "auth":
			before := len(out)
			for _, id := range ids {
				if id.Scheme == "digest" {
					out = append(out, zk.ACL{Perms: entry.Perms, ID: id})
				}
			}
			if len(out) == before {
				return nil
			}
		default:
			out = append(out, entry)
		}
	}
	return out
}

// do changes the model as op does, or returns why not. All nodes are persistent,
// and all versions fit.
func (m acls) do(op zk.OpCode, path string, list []zk.ACL, ids []zk.ID) zk.Code {
	parent, _ := zk.Parent(path)
	_, hasParent := m[parent]
	_, exists := m[path]
	stored := fixed(list, ids)
	switch op {
	case zk.OpCreate:
		switch {
		case stored == nil:
			return zk.InvalidACL
		case !hasParent:
			return zk.NoNode
		case !m.allows(parent, zk.PermCreate, ids):
			return zk.NoAuth
		case exists:
			return zk.NodeExists
		}
		m[path] = stored
	case zk.OpDelete:
		switch {
		case !hasParent:
			return zk.NoNode
		case !m.allows(parent, zk.PermDelete, ids):
			return zk.NoAuth
		case !exists:
			return zk.NoNode
		case m.hasChildren(path):
			return zk.NotEmpty
		}
		delete(m, path)
	case zk.OpSetACL:
		switch {
		case stored == nil:
			return zk.InvalidACL
		case !exists:
			return zk.NoNode
		case !m.allows(path, zk.PermAdmin, ids):
			return zk.NoAuth
		}
		m[path] = stored
	default:
		want := map[zk.OpCode]zk.Perm{zk.OpSetData: zk.PermWrite, zk.OpCheck: zk.PermRead}[op]
		if !exists {
			return zk.NoNode
		}
		if !m.allows(path, want, ids) {
			return zk.NoAuth
		}
	}
	return zk.OK
}

func (m acls) hasChildren(path string) bool {
	for other := range m {
		if parent, _ := zk.Parent(other); parent == path {
			return true
		}
	}
	return false
}

var accessPaths = []string{"/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/z"}

func drawList(t *rapid.T) []zk.ACL {
	entry := rapid.Custom(func(t *rapid.T) zk.ACL {
		perms := rapid.SampledFrom([]zk.Perm{31, 31, 31, 1, 2, 4, 8, 16, 0}).Draw(t, "perms")
		about := rapid.SampledFrom([]zk.ID{zk.WorldAnyone, zk.WorldAnyone, aliceID, bobID, {Scheme: "auth"}}).Draw(t, "id")
		return zk.ACL{Perms: perms, ID: about}
	})
	return rapid.SliceOfN(entry, 0, 3).Draw(t, "acl")
}

func accessBody(op zk.OpCode, path string, list []zk.ACL) wire.Record {
	switch op {
	case zk.OpCreate:
		return wire.CreateRequest{Path: path, ACL: append([]zk.ACL{}, list...)}
	case zk.OpDelete:
		return remove(path, -1)
	case zk.OpSetACL:
		return setACL(path, -1, list...)
	case zk.OpSetData:
		return setData(path, -1)
	}
	return check(path, -1)
}

// TestAccess is INV-A1, INV-A2, INV-A3 and INV-A8: random requests by random
// people, alone and in multis, with changes under way, end as a naive evaluator of
// client-protocol.md 7.2 to 7.4 says, and leave the lists that it has.
func TestAccess(t *testing.T) {
	seen := map[zk.Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		model := acls{zk.PathRoot: zk.OpenACL()}
		for range rapid.IntRange(20, 60).Draw(t, "requests") {
			ids := rapid.SampledFrom([][]zk.ID{nil, {aliceID}, {bobID}, {aliceID, bobID}, {superID}}).Draw(t, "ids")
			if rapid.IntRange(0, 3).Draw(t, "multi") == 0 {
				planMulti(t, w, model, ids, seen)
			} else {
				op := rapid.SampledFrom([]zk.OpCode{zk.OpCreate, zk.OpCreate, zk.OpDelete, zk.OpSetACL, zk.OpSetData}).Draw(t, "op")
				path, list := rapid.SampledFrom(accessPaths).Draw(t, "path"), drawList(t)
				want := model.do(op, path, list, ids)
				if got := codeOf(w.plan(alice, op, accessBody(op, path, list), ids...).Body); got != want {
					t.Fatalf("%v %s %v by %v: %v, want %v; lists %v", op, path, list, ids, got, want, model)
				}
				seen[want]++
			}
			w.apply(rapid.SampledFrom([]int{0, 0, 1, -1}).Draw(t, "applied"))
		}
		w.apply(-1)
		for _, path := range accessPaths {
			info, exists := w.tree.Info(path)
			if list, want := model[path]; exists != want || !cmp.Equal(list, info.ACL) {
				t.Fatalf("%s is there: %v, with %v; want %v with %v", path, exists, info.ACL, want, list)
			}
		}
	})
	for _, code := range []zk.Code{zk.OK, zk.NoAuth, zk.NoNode, zk.InvalidACL, zk.NodeExists, zk.NotEmpty, zk.RuntimeInconsistency} {
		if seen[code] == 0 {
			t.Errorf("no request ended in %v; seen %v", code, seen)
		}
	}
}

// planMulti plans a few operations as one, in the model on a copy that only
// counts if all succeed.
func planMulti(t *rapid.T, w *world, model acls, ids []zk.ID, seen map[zk.Code]int) {
	after := maps.Clone(model)
	var request wire.MultiRequest
	var want []zk.Code
	failed := false
	for range rapid.IntRange(1, 4).Draw(t, "ops") {
		op := rapid.SampledFrom([]zk.OpCode{zk.OpCreate, zk.OpCreate, zk.OpDelete, zk.OpSetData, zk.OpCheck}).Draw(t, "sub-op")
		path, list := rapid.SampledFrom(accessPaths).Draw(t, "path"), drawList(t)
		request.Ops = append(request.Ops, wire.MultiOp{Op: op, Body: accessBody(op, path, list)})
		code := zk.RuntimeInconsistency
		if !failed {
			code = after.do(op, path, list, ids)
			failed = code != zk.OK
		}
		want = append(want, code)
		seen[code]++
	}
	if !failed {
		clear(model)
		maps.Copy(model, after)
	}
	if got := codes(w.plan(alice, zk.OpMulti, request, ids...)); !slices.Equal(got, want) {
		t.Fatalf("multi %+v by %v: %v, want %v; lists %v", request.Ops, ids, got, want, model)
	}
}

// The lists of the built-in nodes (client-protocol.md 4.6) decide like any others:
// only super changes the configuration (INV-A7).
func TestBuiltInNodes(t *testing.T) {
	const config = zk.PathConfig
	below := func(path string) wire.CreateRequest { return create(path+"/x", 0) }
	for _, c := range []struct {
		name string
		op   zk.OpCode
		body record
		ids  []zk.ID
		want zk.Code
	}{
		{"write the configuration", zk.OpSetData, setData(config, -1), []zk.ID{aliceID}, zk.NoAuth},
		{"write the configuration as super", zk.OpSetData, setData(config, -1), []zk.ID{superID}, zk.OK},
		{"open the configuration", zk.OpSetACL, setACL(config, -1, zk.OpenACL()...), []zk.ID{aliceID}, zk.NoAuth},
		{"open the configuration as super", zk.OpSetACL, setACL(config, -1, zk.OpenACL()...), []zk.ID{superID}, zk.OK},
		{"create below the configuration", zk.OpCreate, below(config), []zk.ID{aliceID}, zk.NoAuth},
		{"create below the configuration as super", zk.OpCreate, below(config), []zk.ID{superID}, zk.OK},
		{"delete below the configuration", zk.OpDelete, remove(config+"/x", -1), nil, zk.NoAuth},
		{"delete the configuration as super", zk.OpDelete, remove(config, -1), []zk.ID{superID}, zk.BadArguments},
		{"create below /zookeeper", zk.OpCreate, below(zk.PathZK), nil, zk.OK},
		{"create below the quotas", zk.OpCreate, below(zk.PathQuota), nil, zk.OK},
		{"restrict /zookeeper", zk.OpSetACL, setACL(zk.PathZK, 0, zk.ACL{Perms: 1, ID: zk.WorldAnyone}), nil, zk.OK},
		{"restrict the root", zk.OpSetACL, setACL(zk.PathRoot, 0, zk.ACL{Perms: 1, ID: zk.WorldAnyone}), nil, zk.OK},
	} {
		w := newWorld(t)
		if got := codeOf(w.plan(alice, c.op, c.body, c.ids...).Body); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		w.apply(-1)
	}
	w := newWorld(t)
	for path, want := range map[string][]zk.ACL{
		zk.PathRoot: zk.OpenACL(), zk.PathZK: zk.OpenACL(), zk.PathQuota: zk.OpenACL(),
		config: {{Perms: zk.PermRead, ID: zk.WorldAnyone}},
	} {
		info, ok := w.tree.Info(path)
		if diff := cmp.Diff(want, info.ACL); !ok || diff != "" {
			t.Errorf("ACL of %s (-want +got):\n%s", path, diff)
		}
	}
}
