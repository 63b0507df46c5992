package history

import "ostler/internal/zk"

// lies are histories that a correct ensemble does not show, and the invariant that each
// is against.
var lies = []struct {
	name string
	want string
	tell func(*History)
}{
	{"an acknowledged create is in no tree", "INV-O7", func(h *History) {
		h.everywhere(func(n map[string]Node) { delete(n, "/q/n-0000000001") })
	}},
	{"one server lacks a node", "INV-Z17", func(h *History) { delete(h.Trees[2].Nodes, "/q/n-0000000001") }},
	{"one server has a node more", "INV-Z17", func(h *History) {
		h.Trees[2].Nodes["/own"] = Node{"o", stat(at(7), at(7), 0)}
	}},
	{"one server has another pzxid", "INV-Z17", func(h *History) {
		n := h.Trees[1].Nodes["/r"]
		n.Stat.Pzxid = at(9)
		h.Trees[1].Nodes["/r"] = n
	}},
	{"an acknowledged set is undone at the end", "INV-O7", func(h *History) {
		h.everywhere(func(n map[string]Node) { n["/r"] = Node{"r1", stat(at(1), at(3), 1)} })
	}},
	{"an acknowledged set is overwritten in its place", "INV-O1", func(h *History) {
		h.later(bert, zk.OpSetData, Acked, at(18), set("/r", "other", -1, stat(at(1), at(18), 3)))
	}},
	{"an acknowledged delete is undone", "INV-O7", func(h *History) {
		h.everywhere(func(n map[string]Node) { n["/own"] = Node{"o", stat(at(7), at(7), 0)} })
	}},
	{"a refused write is read", "INV-O7", func(h *History) {
		h.later(bert, zk.OpGetData, Acked, at(18), get("/r", "never", stat(at(1), at(18), 4)))
	}},
	{"a value that nobody wrote is read", "INV-O9", func(h *History) {
		h.later(bert, zk.OpGetData, Acked, at(18), get("/r", "whence", stat(at(1), at(18), 4)))
	}},
	{"a value of another node is read", "INV-O9", func(h *History) {
		h.later(bert, zk.OpGetData, Acked, at(18), get("/b/0", "r2", stat(at(2), at(18), 3)))
	}},
	{"a read shows the future", "INV-O9", func(h *History) { h.Ops[getR1].Zxid = at(2) }},
	{"a lost write takes effect twice", "INV-X9", func(h *History) {
		h.later(bert, zk.OpGetData, Acked, at(19), get("/r", "r2", stat(at(1), at(4), 2)))
		h.later(bert, zk.OpGetData, Acked, at(19), get("/r", "r2", stat(at(1), at(18), 4)))
	}},
	{"more versions than writes", "INV-X9", func(h *History) {
		h.everywhere(func(n map[string]Node) { n["/b/0"] = Node{"9 a2", stat(at(2), at(17), 3)} })
	}},
	{"a delete succeeds twice", "INV-X9", func(h *History) {
		h.later(bert, zk.OpDelete, Acked, at(18), Part{Kind: zk.OpDelete, Path: "/own", Version: -1})
	}},
	{"a write is answered with another's mzxid", "INV-O5", func(h *History) { h.Ops[setR3].Parts[0].Stat.Mzxid = at(5) }},
	{"two writes have one zxid", "INV-X7", func(h *History) { h.Ops[refusedR].Zxid = at(6) }},
	{"a write is ordered before one that was answered first", "INV-O1", func(h *History) {
		h.later(bert, zk.OpCreate2, Acked, zk.MakeZxid(0, 9), create("/late", "late", zk.MakeZxid(0, 9)))
	}},
	{"a lost write takes effect before its call", "INV-O1", func(h *History) {
		h.Ops[setR2Lost].Call = ms(5000)
		h.later(bert, zk.OpGetData, Acked, at(18), get("/r", "r2", stat(at(1), at(4), 2)))
	}},
	{"versions run against zxids", "INV-T5", func(h *History) {
		h.later(bert, zk.OpGetData, Acked, at(18), get("/r", "r2", stat(at(1), at(7), 2)))
	}},
	{"a sync misses an answered write", "INV-O6", func(h *History) { h.Ops[syncDora].Zxid = at(5) }},
	{"a sync at a follower of ZooKeeper's leader misses an answered write", "INV-O6", func(h *History) {
		h.Ops[syncDora].Zxid = at(5)
		h.Lax[1] = 2
	}},
	{"zxids of a session's replies go back", "INV-O5", func(h *History) {
		h.later(anna, zk.OpSync, Acked, at(3), sync())
	}},
	{"a session reads an older version", "INV-O2", func(h *History) {
		h.later(anna, zk.OpGetData, Acked, at(18), get("/r", "r1", stat(at(1), at(3), 1)))
	}},
	{"a session does not see its own node", "INV-O2", func(h *History) {
		h.later(anna, zk.OpGetData, Refused, at(18), absent("/q/n-0000000000"))
	}},
	{"a session still sees what it deleted", "INV-O2", func(h *History) {
		h.later(anna, zk.OpGetData, Acked, at(18), get("/own", "o", stat(at(7), at(7), 0)))
	}},
	{"a set fails for a version that is right", "INV-X8", func(h *History) {
		h.Ops[refusedR].Parts[0].Version = 2
		h.Ops[refusedR].Zxid = at(5)
		h.later(bert, zk.OpGetData, Acked, at(18), get("/r", "r2", stat(at(1), at(4), 2)))
	}},
	{"a set finds no node where one is", "INV-X8", func(h *History) {
		h.later(anna, zk.OpSetData, Refused, at(18), Part{Kind: zk.OpSetData, Path: "/r", Data: "x", Version: -1, Code: zk.NoNode})
	}},
	{"a create finds a node where none is", "INV-X8", func(h *History) {
		h.later(anna, zk.OpCreate2, Refused, at(18), Part{Kind: zk.OpCreate2, Path: "/own", Data: "x", Code: zk.NodeExists})
	}},
	{"half a multi is in the trees", "INV-X4", func(h *History) {
		h.everywhere(func(n map[string]Node) { n["/b/1"] = Node{"13 b1", stat(at(2), at(15), 1)} })
	}},
	{"half a multi is read", "INV-X4", func(h *History) {
		h.later(bert, zk.OpMultiRead, Acked, at(18), get("/b/0", "9 a2", stat(at(2), at(17), 2)), get("/b/1", "13 b1", stat(at(2), at(15), 1)))
	}},
	{"the accounts lose money", "INV-X4", func(h *History) { h.Total = 21 }},
	{"a number is given twice, against the order", "INV-T10", func(h *History) {
		h.later(anna, zk.OpCreate2, Acked, at(18), numbered("/q/m-0000000001", "m1", at(18)))
		h.everywhere(func(n map[string]Node) { n["/q/m-0000000001"] = Node{"m1", stat(at(18), at(18), 0)} })
	}},
	{"a sequential node has no number", "INV-T10", func(h *History) {
		h.later(anna, zk.OpCreate2, Acked, at(18), numbered("/q/n-", "m1", at(18)))
		h.everywhere(func(n map[string]Node) { n["/q/n-"] = Node{"m1", stat(at(18), at(18), 0)} })
	}},
	{"an ephemeral outlives a closed session", "INV-S1", func(h *History) {
		h.everywhere(func(n map[string]Node) {
			s := stat(at(12), at(12), 0)
			s.EphemeralOwner = carl
			n["/live/c"] = Node{"lc", s}
		})
	}},
	{"an ephemeral outlives an expired session", "INV-S1", func(h *History) {
		h.everywhere(func(n map[string]Node) {
			s := stat(at(14), at(14), 0)
			s.EphemeralOwner = dora
			n["/live/d"] = Node{"ld", s}
		})
	}},
	{"an ephemeral is seen after its session was closed", "INV-O2", func(h *History) {
		s := stat(at(12), at(12), 0)
		s.EphemeralOwner = carl
		h.later(anna, zk.OpGetData, Acked, at(18), get("/live/c", "lc", s))
	}},
	{"an ephemeral of a live session is not seen", "INV-S2", func(h *History) {
		h.later(anna, zk.OpGetData, Refused, at(18), absent("/live/a"))
	}},
	{"an ephemeral vanishes while its session writes on", "INV-S2", func(h *History) {
		h.Ops[goneDora].Zxid = at(15)
		h.later(dora, zk.OpCreate2, Acked, at(18), ephemeral("/live/d2", "ld2", at(18), dora))
		h.Sessions[dora-1].Ended = ms(9000)
	}},
	{"an ephemeral of a live session is in no tree", "INV-O7", func(h *History) {
		h.everywhere(func(n map[string]Node) { delete(n, "/live/a") })
	}},
	{"a closed session is served", "INV-X10", func(h *History) {
		h.later(carl, zk.OpGetData, Acked, at(18), get("/r", "r3", stat(at(1), at(6), 3)))
	}},
	{"a session is expired too early", "INV-S4", func(h *History) { h.Sessions[dora-1].Ended = ms(1100) }},
	{"a session is expired right after it began", "INV-S4", func(h *History) {
		h.Sessions[emil-1].End, h.Sessions[emil-1].Opened, h.Sessions[emil-1].Ended = Expired, ms(5000), ms(5500)
	}},
}
