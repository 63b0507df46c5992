//go:build interop

package differ

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"ostler/internal/jute"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

func digestOf(userPassword string) string {
	sum := sha1.Sum([]byte(userPassword))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// request makes a request that leaves the connection open.
func (g *generator) request() request {
	op := pick(g, weighted...)
	r := g.new(op, g.body(op))
	switch {
	case op == zk.OpPing:
		r.xid = pick(g, wire.XidPing, r.xid)
	case op == zk.OpSetWatches || op == zk.OpSetWatches2:
		r.xid = pick(g, wire.XidSetWatches, r.xid)
	case g.one(50):
		r.xid = pick[int32](g, 0, 1, -3, -100, 1<<31-1, -1<<31)
	}
	if r.body != nil && g.one(25) {
		g.spoil(&r)
	}
	return r
}

// weighted are the operations by how often they come.
var weighted = slices.Concat(
	slices.Repeat([]zk.OpCode{zk.OpCreate, zk.OpDelete, zk.OpSetData, zk.OpMulti, zk.OpGetData, zk.OpExists}, 6),
	slices.Repeat([]zk.OpCode{zk.OpCreate2, zk.OpGetChildren, zk.OpGetChildren2, zk.OpAddWatch}, 4),
	slices.Repeat([]zk.OpCode{
		zk.OpCreateContainer, zk.OpCreateTTL, zk.OpSetACL, zk.OpGetACL, zk.OpMultiRead, zk.OpRemoveWatches,
		zk.OpSetWatches, zk.OpSetWatches2, zk.OpCheckWatches,
	}, 2),
	[]zk.OpCode{zk.OpGetAllChildrenNumber, zk.OpGetEphemerals, zk.OpSync, zk.OpPing, zk.OpWhoAmI, zk.OpReconfig},
)

// body makes the body of an operation.
func (g *generator) body(op zk.OpCode) wire.Record {
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		return g.create()
	case zk.OpCreateTTL:
		return g.createTTL()
	case zk.OpDelete:
		return wire.DeleteRequest{Path: g.anyPath(), NullPath: g.one(50), Version: g.version()}
	case zk.OpCheck:
		return wire.CheckRequest{Path: g.anyPath(), NullPath: g.one(100), Version: g.version()}
	case zk.OpSetData:
		return wire.SetDataRequest{Path: g.anyPath(), NullPath: g.one(50), Data: g.data(), Version: g.version()}
	case zk.OpSetACL:
		return g.setACL()
	case zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2:
		return g.readWatch(op)
	case zk.OpGetACL, zk.OpSync, zk.OpGetAllChildrenNumber:
		return wire.PathRequest{Path: pick(g, g.anyPath(), g.anyPath(), ""), NullPath: g.one(20)}
	case zk.OpGetEphemerals:
		prefix := pick(g, "", " ", "/", " / ", root, root+"/a", g.path(), "/none", "x")
		return wire.PathRequest{Path: prefix, NullPath: g.one(8)}
	case zk.OpMulti:
		return g.multi()
	case zk.OpMultiRead:
		return g.multiRead()
	case zk.OpReconfig:
		return wire.ReconfigRequest{NewMembers: "server.1=localhost:2888:3888;2181", NullJoining: true, NullLeaving: g.one(2), ConfigVersion: pick[int64](g, -1, 0)}
	case zk.OpSetWatches, zk.OpSetWatches2:
		return g.setWatches(op == zk.OpSetWatches2)
	case zk.OpAddWatch:
		return g.addWatch()
	case zk.OpCheckWatches, zk.OpRemoveWatches:
		return g.watches(op)
	}
	return nil
}

// createPath makes a path to create: sequential nodes, and others, below the
// root, which must not grow where scripts meet.
func (g *generator) createPath(mode zk.CreateMode) string {
	switch {
	case mode.Sequential() && !g.one(8):
		return g.path() + pick(g, "/q", "/q", "/q", "/", "/r")
	case !mode.Sequential() && g.one(20):
		return pick(g, builtin...)
	case g.one(12):
		p := g.anyPath()
		if !slices.Contains(builtin, p) {
			return p
		}
	}
	return g.path()
}

func (g *generator) create() wire.CreateRequest {
	mode := g.mode()
	path := g.createPath(mode)
	return wire.CreateRequest{Path: path, NullPath: g.one(60), Data: g.data(), ACL: g.acl(path), Flags: mode}
}

// createTTL makes a createTTL that no server takes harm from: see avoided.
func (g *generator) createTTL() wire.CreateTTLRequest {
	r := wire.CreateTTLRequest{CreateRequest: g.create(), TTL: pick(g, 3_600_000, 1_000_000_000, zk.TTLMax)}
	switch g.IntN(8) {
	default:
		r.Flags = pick(g, zk.ModeTTL, zk.ModeTTLSequential)
	case 0:
		r.TTL = pick(g, 0, -1, zk.TTLMax+1, -1<<63)
		r.Flags = zk.ModeTTL
	case 1:
		r.TTL = pick[int64](g, 0, 1, 3_600_000)
	}
	if r.Flags.Sequential() && slices.Contains(builtin, r.Path) {
		r.Path = root + r.Path
	}
	return r
}

func (g *generator) setACL() wire.SetACLRequest {
	path := g.anyPath()
	r := wire.SetACLRequest{Path: path, NullPath: g.one(50), ACL: g.acl(path), Version: g.version()}
	switch {
	case slices.Contains(builtin, path):
		r.Version = 77 // every script needs them as they are
	case g.one(30):
		r.Path, r.NullPath, r.ACL = root+"/none", false, []zk.ACL{acl(31, "ip", pick(g, "::1", "2001:db8::/32", "1:2:3:4:5:6:7:8"))}
	}
	return r
}

// readWatch makes a read with or without a watch. See avoided for what gets none.
func (g *generator) readWatch(op zk.OpCode) wire.PathWatchRequest {
	r := wire.PathWatchRequest{Path: g.anyPath(), NullPath: g.one(50)}
	if g.one(20) {
		r.Path = ""
	}
	r.Watch = g.one(2) && styleOf(g.slot) == standard && r.Path != "" && !(op == zk.OpExists && restricted(r.Path))
	return r
}

func (g *generator) multi() wire.MultiRequest {
	var m wire.MultiRequest
	for n := pick(g, 0, 1, 1, 2, 2, 3, 3, 4, 6); n > 0; n-- {
		op := pick(g, zk.OpCreate, zk.OpCreate, zk.OpCreate2, zk.OpSetData, zk.OpSetData, zk.OpDelete, zk.OpCheck, zk.OpCreateContainer, zk.OpCreateTTL)
		m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: g.opBody(op)})
	}
	if g.one(25) {
		op := pick(g, zk.OpGetData, zk.OpSetACL, zk.OpGetChildren, zk.OpExists, zk.OpMulti, zk.OpError, 99)
		m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: wire.PathWatchRequest{Path: g.path()}})
	}
	return m
}

// opBody makes an operation of a multi, seldom one that makes the whole multi
// undecodable.
func (g *generator) opBody(op zk.OpCode) wire.Record {
	body := g.body(op)
	switch r := body.(type) {
	case wire.CreateRequest:
		r.NullPath = r.NullPath && g.one(2)
		if op == zk.OpCreateContainer && r.Flags.Ephemeral() {
			r.Flags = zk.ModeContainer // see avoided
		}
		if (!r.Flags.Valid() || r.Flags.TTL()) && !g.one(8) {
			r.Flags = 0
		}
		if r.ACL == nil && !g.one(8) {
			r.ACL = []zk.ACL{}
		}
		return r
	case wire.CreateTTLRequest:
		r.NullPath = r.NullPath && g.one(2)
		if r.ACL == nil && !g.one(8) {
			r.ACL = zk.OpenACL()
		}
		return r
	}
	return body
}

func (g *generator) multiRead() wire.MultiReadRequest {
	var m wire.MultiReadRequest
	for n := g.IntN(5); n > 0; n-- {
		op := pick(g, zk.OpGetData, zk.OpGetChildren)
		m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: wire.PathWatchRequest{Path: g.anyPath(), NullPath: g.one(60), Watch: g.one(2)}})
	}
	if g.one(12) {
		op := pick(g, zk.OpCreate, zk.OpSetData, zk.OpDelete, zk.OpCheck, zk.OpExists)
		body := g.body(op)
		if op != zk.OpExists {
			body = g.opBody(op)
		}
		m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: body})
	}
	return m
}

func (g *generator) paths() []string {
	list := []string{}
	for range g.IntN(4) {
		list = append(list, g.anyPath())
	}
	return list
}

// setWatches makes a request with watches of the client's style only.
func (g *generator) setWatches(two bool) setWatches {
	s := setWatches{two: two, back: pick[int64](g, 0, 0, 1, 2, 5, 20, 1000)}
	switch styleOf(g.slot) {
	case standard:
		s.Data, s.Exist, s.Child = g.paths(), g.paths(), g.paths()
	case persistent:
		s.Persistent = g.paths()
	case recursive:
		s.PersistentRecursive = g.paths()
	}
	if g.one(20) {
		s = setWatches{two: two, null: 1 + g.IntN(3)}
	}
	if g.one(30) {
		s.cut = 1 + g.IntN(20)
	}
	if g.one(30) {
		s.tail = []byte("more")
	}
	return s
}

// addWatch makes a watch of the client's style, or one with a mode that does not
// exist.
func (g *generator) addWatch() wire.AddWatchRequest {
	r := wire.AddWatchRequest{Path: g.anyPath(), Mode: pick[int32](g, -1, 2, 3)}
	switch styleOf(g.slot) {
	case standard:
		r.NullPath = g.one(10)
	case persistent:
		r.Mode = wire.AddWatchPersistent
	case recursive:
		r.Mode = wire.AddWatchPersistentRecursive
	}
	return r
}

// watches makes a checkWatches or removeWatches. See avoided for the types.
func (g *generator) watches(op zk.OpCode) wire.WatchesRequest {
	r := wire.WatchesRequest{Path: g.anyPath(), NullPath: g.one(50), Type: wire.WatcherType(1 + g.IntN(5))}
	if g.one(12) {
		r.Type = pick[wire.WatcherType](g, 0, 6, -1)
	}
	if styleOf(g.slot) != standard {
		r.NullPath = false
		if op == zk.OpRemoveWatches {
			r.Type = wire.WatcherAny
		}
	}
	return r
}

// spoil damages the body of a request.
func (g *generator) spoil(r *request) {
	switch r.body.(type) {
	case setWatches:
		return // it brings its own damage
	case wire.WatchesRequest, wire.AddWatchRequest:
		r.raw = r.body.Append(nil)[:g.IntN(8)]
		return
	}
	b := r.body.Append(nil)
	switch g.IntN(4) {
	case 0, 1:
		b = b[:g.IntN(len(b))]
	case 2:
		b = append(b, "left over"...)
	case 3:
		length := pick[int32](g, -1, -2, -1<<31, 1<<31-1, 1<<20, 0x01000000)
		if len(b) >= 4 && r.op != zk.OpMulti && r.op != zk.OpMultiRead {
			binary.BigEndian.PutUint32(b, uint32(length))
		} else {
			b = jute.AppendInt32(b[:min(len(b), 9)], length)
		}
	}
	r.raw = b
}
