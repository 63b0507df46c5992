//go:build interop

package differ

import (
	"fmt"
	"slices"
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An intended is a difference that has to be: Apache ZooKeeper 3.8.0 is not
// 3.9.5, and Ostler does not repeat some of what either does. excuse looks at what
// comes next from both, and takes off what it explains.
type intended struct {
	name   string
	why    string // with the section of client-protocol.md
	excuse func(m *match) bool
	within int // operations in which it comes up at least once, if more than coverageOps
}

// never is within for what need not come up at all.
const never = 1 << 62

// table is every difference that is not a bug. The server is Debian's build, which
// has the filter of events by READ that came with 3.8.4 (client-protocol.md 14).
var table = []intended{
	{
		name: "event zxid",
		why:  "14, 8.1: before 3.9.0 the zxid of a notification is -1",
		excuse: func(m *match) bool {
			o, a := m.head(ostler), m.head(apache)
			ok := o.kind == event && a.kind == event && string(o.body) == string(a.body) &&
				a.head.Zxid == -1 && o.head.Zxid > m.p.before && o.head.Zxid <= m.p.last[ostler]
			return ok && m.take(1, 1)
		},
	},
	{
		name: "exists without READ",
		why:  "14, 5.4: before 3.8.4 exists does not check READ",
		excuse: func(m *match) bool {
			o, a := m.head(ostler), m.head(apache)
			r, ok := o.req.body.(wire.PathWatchRequest)
			return ok && m.replies(zk.OpExists, zk.NoAuth, zk.OK) && len(a.body) == statLen && !r.Watch && restricted(r.Path) && m.take(1, 1)
		},
	},
	{
		name: "create2 in multi",
		why:  "14, 6.2: before 3.9.0 create2, and createContainer without its flag, are creates in a multi, and answered as such",
		excuse: func(m *match) bool {
			var o, a wire.MultiResponse
			if !m.replies(zk.OpMulti, zk.OK, zk.OK) || o.Decode(m.head(ostler).body) != nil || a.Decode(m.head(apache).body) != nil {
				return false
			}
			ops, ok := m.head(ostler).req.body.(wire.MultiRequest)
			if !ok || len(o.Results) != len(a.Results) {
				return false
			}
			for i := range o.Results {
				op := ops.Ops[i].Op
				if a.Results[i].Op == zk.OpCreate && o.Results[i].Op == zk.OpCreate2 && (op == zk.OpCreate2 || op == zk.OpCreateContainer) {
					o.Results[i] = wire.MultiResult{Op: zk.OpCreate, Path: o.Results[i].Path}
				}
			}
			return m.sameBodies(o.Append(nil), a.Append(nil)) && m.take(1, 1)
		},
	},
	{
		name: "multi refused as a whole",
		why:  "6.2: before 3.9.0 flags and access lists of a multi are looked at one after the other, and not at all behind one that fails",
		excuse: func(m *match) bool {
			var a wire.MultiResponse
			ops, ok := m.head(ostler).req.body.(wire.MultiRequest)
			if !ok || !m.replies(zk.OpMulti, zk.MarshallingError, zk.OK) || a.Decode(m.head(apache).body) != nil || len(a.Results) != len(ops.Ops) {
				return false
			}
			failed := slices.IndexFunc(a.Results, func(r wire.MultiResult) bool { return r.Code != zk.OK })
			return failed >= 0 && slices.ContainsFunc(ops.Ops[failed:], undecodable) && m.take(1, 1)
		},
	},
	{
		name:   "undecodable reconfig",
		why:    "3.7: every write spends a zxid; 3.8.0 spends none on a reconfig that it cannot decode",
		excuse: func(m *match) bool { return m.ostlerAlone(zk.OpReconfig, "", 0) && m.take(1, 1) },
	},
	{
		name: "null path in multi",
		why:  "3.4, 3.7: 3.8.0 leaves a zxid out without a transaction, and has an empty result behind the code",
		excuse: func(m *match) bool {
			return m.ostlerAlone(zk.OpMulti, string(wire.MultiResponse{}.Append(nil)), 1) && m.take(1, 1)
		},
	},
	{
		name: "null path in multiRead",
		why:  "3.4, 3.7: an error has no body; 3.8.0 has the results so far behind the code",
		excuse: func(m *match) bool {
			var a wire.MultiResponse
			ops, ok := m.head(ostler).req.body.(wire.MultiReadRequest)
			if !ok || !m.replies(zk.OpMultiRead, zk.MarshallingError, zk.MarshallingError) || len(m.head(ostler).body) > 0 {
				return false
			}
			at := slices.IndexFunc(ops.Ops, func(op wire.MultiOp) bool {
				r, ok := op.Body.(wire.PathWatchRequest)
				return ok && r.NullPath
			})
			return a.Decode(m.head(apache).body) == nil && len(a.Results) == at && m.take(1, 1)
		},
	},
	{
		name: "flags in multiRead",
		why:  "14, 6.3: before 3.9.0 creates in a multiRead are refused as creates, whatever their flags, with an empty result",
		excuse: func(m *match) bool {
			ops, ok := m.head(ostler).req.body.(wire.MultiReadRequest)
			ok = ok && m.replies(zk.OpMultiRead, zk.MarshallingError, zk.MarshallingError) && len(m.head(ostler).body) == 0
			return ok && string(m.head(apache).body) == string(wire.MultiResponse{}.Append(nil)) &&
				slices.ContainsFunc(ops.Ops, undecodable) && m.take(1, 1)
		},
		within: 2_000_000,
	},
	{
		name: "order of identities",
		why:  "7.3, 7.5: auth in an ACL stands for the identities of a connection, which are a set",
		excuse: func(m *match) bool {
			var o, a wire.GetACLResponse
			if !m.replies(zk.OpGetACL, zk.OK, zk.OK) || o.Decode(m.head(ostler).body) != nil || a.Decode(m.head(apache).body) != nil {
				return false
			}
			o.ACL, a.ACL = sortIdentities(o.ACL), sortIdentities(a.ACL)
			return m.sameBodies(o.Append(nil), a.Append(nil)) && m.take(1, 1)
		},
		within: 200_000,
	},
	{
		name: "check alone",
		why:  "14, 5.8: before 3.8.5 a check outside of a multi is a transaction, and answered if it fails",
		excuse: func(m *match) bool {
			a := m.head(apache)
			ok := a.kind == silent || a.kind == replied && a.head.Err != zk.OK
			return m.refusedByOstler(zk.OpCheck) && ok && m.apacheAlone(1)
		},
	},
	{
		name: "createSession",
		why:  "15, H5: createSession is no request of clients",
		excuse: func(m *match) bool {
			return m.refusedByOstler(zk.OpCreateSession) && m.head(apache).kind == greeted && m.apacheAlone(1)
		},
	},
	{
		name: "deleteContainer",
		why:  "15, H4: deleteContainer is no request of clients",
		excuse: func(m *match) bool {
			a := m.head(apache)
			return m.refusedByOstler(zk.OpDeleteContainer) && a.kind == replied && a.head.Err != zk.OK && m.apacheAlone(1)
		},
	},
	{
		name: "wrong password",
		why:  "15, H7: a wrong password does not cost the real client its connection",
		excuse: func(m *match) bool {
			c := m.p.holder(m.duo)
			if m.p.step.act != wrong || c == nil || c.session != m.p.clients[m.p.step.from].session ||
				m.head(apache).kind != closed || !m.head(ostler).req.mark {
				return false
			}
			m.duo[ostler].close()
			return m.take(1, 1)
		},
	},
	{
		name: "connection left open",
		why:  "2.8: once in some 100,000 operations 3.8.0 does not end the connection that a session was taken from",
		excuse: func(m *match) bool {
			c := m.p.holder(m.duo)
			if m.p.step.act != resume || m.p.acting == m.duo || c != nil && c.session != m.p.taken ||
				m.head(ostler).kind != closed || !m.head(apache).req.mark {
				return false
			}
			m.duo[apache].close()
			return m.take(1, 1)
		},
		within: never,
	},
	{
		name: "watch types 4 and 5",
		why:  "14, 8.6: types 4 and 5 exist since 3.9.0",
		excuse: func(m *match) bool {
			r, ok := m.head(ostler).req.body.(wire.WatchesRequest)
			ok = ok && (r.Type == wire.WatcherPersistent || r.Type == wire.WatcherPersistentRecursive)
			return ok && m.answers(zk.MarshallingError, zk.OK, zk.NoWatcher) && m.take(1, 1)
		},
	},
	{
		name: "watches of others",
		why:  "14, 8.6: before 3.9.0 checkWatches finds the watches of other connections, and persistent ones, with types 1 to 3",
		excuse: func(m *match) bool {
			r, ok := m.head(ostler).req.body.(wire.WatchesRequest)
			ok = ok && m.head(ostler).req.op == zk.OpCheckWatches && r.Type >= wire.WatcherChildren && r.Type <= wire.WatcherAny
			return ok && m.answers(zk.OK, zk.NoWatcher) && m.take(1, 1)
		},
	},
	{
		name: "watches of no path",
		why:  "8.6: any path may be asked for; before 3.9.0 checkWatches wants it to begin with a slash",
		excuse: func(m *match) bool {
			r, ok := m.head(ostler).req.body.(wire.WatchesRequest)
			ok = ok && m.head(ostler).req.op == zk.OpCheckWatches && !strings.HasPrefix(r.Path, "/")
			return ok && m.answers(zk.MarshallingError, zk.NoWatcher) && m.take(1, 1)
		},
		within: 200_000,
	},
	{
		name: "IPv6 in ACLs",
		why:  "14, 7.6: ip ids may be IPv6 since 3.9.4",
		excuse: func(m *match) bool {
			r, ok := m.head(ostler).req.body.(wire.SetACLRequest)
			return ok && len(r.ACL) == 1 && strings.Contains(r.ACL[0].ID.ID, ":") && m.answers(zk.InvalidACL, zk.NoNode) && m.take(1, 1)
		},
	},
}

// avoided is what scripts must not do, because Apache ZooKeeper 3.8.0 is not to be
// followed, or not to be compared, from there on.
var avoided = []struct{ what, why string }{
	{"createTTL with flags 0 to 4 and ttl < 0", "15, H2: 3.8.0 ends and does not start again"},
	{"nodes called zookeeper_limits and zookeeper_stats", "15, H3: the same, in wrong places; quotas have tests of their own"},
	{"deleteContainer of a node that exists", "15, H4: it would be gone on one side"},
	{"IPv6 ids in an ACL that would be stored", "14: refused by 3.8.0"},
	{"exists with a watch where READ may be missing", "14, 5.4: 3.8.0 registers the watch"},
	{"different watch modes of one client", "14, 8.2: before 3.9.0 one replaces the other"},
	{"removeWatches of types 1, 2, 4 and 5 by clients with persistent watches", "14, 8.6: they remove other watches in 3.8.0"},
	{"watches through the empty path", "4.5: in 3.8.0 they never fire; with Ostler they are the root's"},
	{"a null list behind others in setWatches", "8.7: 3.8.0 carries out those before it"},
	{"createContainer with the flag of an ephemeral in a multi", "14, 6.2: in 3.8.0 it makes an ephemeral"},
	{"createContainer with the flag of an ephemeral in a burst", "5.1: until it is applied, ZooKeeper takes the node for an ephemeral, which has no children"},
	{"requests right behind a multi with TTL flags in a create", "6.2: until it is applied, 3.8.0 goes by what such a multi would have changed"},
	{"requests right behind a setACL", "7.2: until it is applied, ZooKeeper's leader judges writes by the old list"},
	{"addWatch without a path", "3.7: 3.8.0 takes it, and does not close the connection at its end"},
	{"auth and sasl packets behind other requests", "7.5: their replies may overtake"},
	{"sessions that end by their timeout, containers and TTL nodes that are reaped", "2.9, 4.8: their time is not that of both servers"},
}

const statLen = 68

// undecodable reports whether no multi may have this operation.
func undecodable(op wire.MultiOp) bool {
	var m wire.MultiRequest
	return m.Decode(wire.MultiRequest{Ops: []wire.MultiOp{op}}.Append(nil)) != nil
}

// sortIdentities sorts each run of digest entries with the same permissions.
func sortIdentities(list []zk.ACL) []zk.ACL {
	list = slices.Clone(list)
	for i := 0; i < len(list); {
		n := i + 1
		for n < len(list) && list[n].ID.Scheme == "digest" && list[i].ID.Scheme == "digest" && list[n].Perms == list[i].Perms {
			n++
		}
		slices.SortFunc(list[i:n], func(a, b zk.ACL) int { return strings.Compare(a.ID.ID, b.ID.ID) })
		i = n
	}
	return list
}

// A match compares what came on one connection.
type match struct {
	p     *player
	duo   *duo
	lists [2][]got // what is left
}

// head returns what comes next from a server; an empty one if nothing does.
func (m *match) head(s side) got {
	if len(m.lists[s]) == 0 {
		return got{kind: -1}
	}
	return m.lists[s][0]
}

// take takes off the first o of Ostler's and a of Apache's.
func (m *match) take(o, a int) bool {
	m.lists[ostler], m.lists[apache] = m.lists[ostler][o:], m.lists[apache][a:]
	return true
}

// run compares until nothing is left, or a difference that has no excuse.
func (m *match) run() *difference {
	all := m.lists
	for len(m.lists[ostler]) > 0 || len(m.lists[apache]) > 0 {
		if !m.equal() && !m.excused() {
			what := fmt.Sprintf("%s / %s", m.brief(ostler), m.brief(apache))
			return &difference{what: what, text: m.where() + m.p.describe(ostler, all[ostler]) + m.p.describe(apache, all[apache]) +
				"first that differs:\n" + m.p.describe(ostler, m.lists[ostler][:min(1, len(m.lists[ostler]))]) +
				m.p.describe(apache, m.lists[apache][:min(1, len(m.lists[apache]))])}
		}
		for _, c := range m.p.canons {
			if len(c.wrong) > 0 {
				text := strings.Join(c.wrong, "\n")
				c.wrong = nil
				return &difference{what: "wrong by itself", text: text + "\n" + m.p.describe(ostler, all[ostler]) + m.p.describe(apache, all[apache])}
			}
		}
	}
	return nil
}

// where says whose connection it is.
func (m *match) where() string {
	for i := range m.p.clients {
		if m.p.clients[i].duo == m.duo {
			return fmt.Sprintf("%v\non the connection of client %d:\n", m.p.step, i)
		}
	}
	return fmt.Sprintf("%v\non another connection:\n", m.p.step)
}

// brief says what came next, so that two differences can be told apart.
func (m *match) brief(s side) string {
	g := m.head(s)
	return fmt.Sprintf("%d %v %d", g.kind, g.req.op, g.head.Err)
}

// equal takes off the next of both if they are the same.
func (m *match) equal() bool {
	if len(m.lists[ostler]) == 0 || len(m.lists[apache]) == 0 {
		return false
	}
	g := m.head(ostler)
	if m.p.canons[ostler].answer(g) != m.p.canons[apache].answer(m.head(apache)) {
		return false
	}
	m.p.cover.answer(g)
	return m.take(1, 1)
}

// excused takes off what the table explains.
func (m *match) excused() bool {
	for _, e := range table {
		g := m.head(ostler)
		if e.excuse(m) {
			m.p.cover.excuses[e.name]++
			m.p.cover.answer(g)
			return true
		}
	}
	return false
}

// replies reports whether both answer op next, with these codes.
func (m *match) replies(op zk.OpCode, o, a zk.Code) bool {
	g, h := m.head(ostler), m.head(apache)
	return g.kind == replied && h.kind == replied && g.req.op == op && g.head.Err == o && h.head.Err == a && m.sameHeads()
}

// answers reports whether Apache answers the next request with code, and Ostler
// with one of the others.
func (m *match) answers(a zk.Code, o ...zk.Code) bool {
	g, h := m.head(ostler), m.head(apache)
	for _, code := range o {
		if g.kind == replied && h.kind == replied && g.head.Err == code && h.head.Err == a && len(g.body)+len(h.body) == 0 {
			return m.sameHeads()
		}
	}
	return false
}

// sameHeads compares all of the headers but the code.
func (m *match) sameHeads() bool {
	o, a := m.p.canons[ostler].answer(m.head(ostler)).head, m.p.canons[apache].answer(m.head(apache)).head
	return o.Xid == a.Xid && o.Zxid == a.Zxid
}

// sameBodies compares what comes next with other bodies.
func (m *match) sameBodies(o, a []byte) bool {
	g, h := m.head(ostler), m.head(apache)
	g.body, h.body = o, a
	return m.p.canons[ostler].answer(g) == m.p.canons[apache].answer(h)
}

// refusedByOstler reports whether Ostler refuses op and closes, as it does with
// what it does not know.
func (m *match) refusedByOstler(op zk.OpCode) bool {
	l := m.lists[ostler]
	return len(l) == 2 && l[0].req.op == op && l[0].head.Err == zk.Unimplemented && l[0].head.Zxid == -1 && l[1].kind == closed
}

// ostlerAlone reports whether both answer a write with MarshallingError, and only
// Ostler with a transaction. Apache has a body behind the code, and leaves out some
// zxids.
func (m *match) ostlerAlone(op zk.OpCode, body string, leftOut int) bool {
	o, a := m.head(ostler), m.head(apache)
	ok := o.kind == replied && a.kind == replied && o.req.op == op && o.head.Err == zk.MarshallingError &&
		a.head.Err == zk.MarshallingError && string(a.body) == body && len(o.body) == 0 &&
		m.p.zxids.position(a.head.Zxid) == o.head.Zxid-1
	if ok {
		m.p.zxids.ostlerSpends(o.head.Zxid, a.head.Zxid, leftOut)
	}
	return ok
}

// apacheAlone ends a connection on Apache that Ostler has ended, where n
// transactions were made that Ostler did not make.
func (m *match) apacheAlone(n int) bool {
	l := m.lists[apache]
	if len(l) != 2 || !l[1].req.mark {
		return false
	}
	for i := range n {
		m.p.zxids.apacheSpends(m.p.last[apache] - zk.Zxid(n-1-i))
	}
	m.duo[apache].close()
	return m.take(2, 2)
}
