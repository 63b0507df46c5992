package shadow

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ostler/internal/auth"
	"ostler/internal/prep"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

const (
	alice zk.SessionID = 0x01_0000000001_0000
	bob   zk.SessionID = 0x02_0000000001_0000
	gone  zk.SessionID = 0x03_0000000001_0000
)

// A world is a tree with transactions applied one after another.
type world struct {
	t    testing.TB
	tree *tree.Tree
	zxid zk.Zxid
}

// newWorld has two sessions, nodes, and a configuration.
func newWorld(t testing.TB) *world {
	w := &world{t: t, tree: tree.New(tree.Options{Digest: true}), zxid: 0x100000000}
	w.tree.SetLastZxid(w.zxid)
	w.do(alice, zk.OpCreateSession, &txn.CreateSession{Timeout: 1000})
	w.do(bob, zk.OpCreateSession, &txn.CreateSession{Timeout: 1000})
	w.do(alice, zk.OpCreate, create("/a", 1))
	w.do(alice, zk.OpCreate, create("/a/b", 1))
	w.do(alice, zk.OpCreate, ephemeral("/a/mine", 2))
	w.do(bob, zk.OpCreate, ephemeral("/a/his", 3))
	w.do(alice, zk.OpCreateContainer, &txn.CreateContainer{Path: "/c", ACL: zk.OpenACL(), ParentCreates: 2})
	return w
}

func create(path string, creates int32) *txn.Create {
	return &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: creates}
}

func ephemeral(path string, creates int32) *txn.Create {
	c := create(path, creates)
	c.Ephemeral = true
	return c
}

func multi(ops ...any) *txn.Multi {
	m := new(txn.Multi)
	for _, op := range ops {
		switch b := op.(type) {
		case *txn.Create:
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpCreate, Body: b})
		case *txn.Delete:
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpDelete, Body: b})
		case *txn.SetData:
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpSetData, Body: b})
		case *txn.Check:
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpCheck, Body: b})
		case *txn.Error:
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpError, Body: b})
		}
	}
	return m
}

// record is the next transaction.
func (w *world) record(s zk.SessionID, op zk.OpCode, body txn.Body) *txn.Record {
	return txn.NewRecord(txn.Txn{Header: txn.Header{Session: s, Zxid: w.zxid + 1, Time: 1, Type: op}, Body: body})
}

// do judges a transaction that must be right, and applies it.
func (w *world) do(s zk.SessionID, op zk.OpCode, body txn.Body) {
	w.t.Helper()
	rec := w.record(s, op, body)
	if found := everything.Judge(w.tree, rec); len(found) > 0 {
		w.t.Errorf("%v: %v", rec.Txn, found)
	}
	w.tree.Apply(&rec.Txn, func(tree.Change) {})
	w.zxid++
}

// everything allows all that a setting may forbid.
var everything = &Rules{ExtendedTypes: true, Reconfig: true, TxnMax: 100_000}

func configText(version zk.Zxid) []byte {
	return fmt.Appendf(nil, "server.1=h1:2888:3888:participant\nserver.2=h2:2888:3888:participant\nversion=%x", int64(version))
}

// What no correct leader does is found, once, under its rule.
func TestWrongTransactionsAreFound(t *testing.T) {
	noACL := create("/n", 3)
	noACL.ACL = nil
	authACL := create("/n", 3)
	authACL.ACL = []zk.ACL{{Perms: zk.PermAll, ID: zk.ID{Scheme: "auth"}}}
	reconfig := func(text []byte, version int32) *txn.SetData {
		return &txn.SetData{Path: zk.PathConfig, Data: text, Version: version}
	}
	next := newWorld(t).zxid + 1
	for _, c := range []struct {
		name  string
		rule  string // "": nothing is wrong
		rules Rules
		s     zk.SessionID
		op    zk.OpCode
		body  txn.Body
	}{
		{"a right create", "", *everything, alice, zk.OpCreate, create("/n", 3)},
		{"a create without a number", "", *everything, alice, zk.OpCreate, create("/n", -1)},
		{"a path with an empty name", RulePath, *everything, alice, zk.OpCreate, create("/a//x", 4)},
		{"no parent", RuleMissing, *everything, alice, zk.OpCreate, create("/no/n", 1)},
		{"the node is there", RuleExists, *everything, alice, zk.OpCreate, create("/a/b", 4)},
		{"a child of an ephemeral", RuleParent, *everything, alice, zk.OpCreate, create("/a/mine/n", 1)},
		{"a number was left out", RuleNumber, *everything, alice, zk.OpCreate, create("/n", 4)},
		{"a number comes twice", RuleNumber, *everything, alice, zk.OpCreate, create("/n", 2)},
		{"no access list", RuleACL, *everything, alice, zk.OpCreate, noACL},
		{"no access list, but nobody looks", "", Rules{SkipACL: true}, alice, zk.OpCreate, noACL},
		{"scheme auth is stored", RuleACL, *everything, alice, zk.OpCreate, authACL},
		{"an ephemeral of nobody", RuleSession, *everything, gone, zk.OpCreate, ephemeral("/n", 3)},
		{"a plain node of nobody", "", *everything, gone, zk.OpCreate, create("/n", 3)},
		{"a TTL node", "", *everything, alice, zk.OpCreateTTL, &txn.CreateTTL{Path: "/n", ACL: zk.OpenACL(), ParentCreates: 3, TTL: 5}},
		{"a TTL node that is not allowed", RuleSetting, Rules{}, alice, zk.OpCreateTTL, &txn.CreateTTL{Path: "/n", ACL: zk.OpenACL(), ParentCreates: 3, TTL: 5}},
		{"a time to live below 1", RuleSetting, *everything, alice, zk.OpCreateTTL, &txn.CreateTTL{Path: "/n", ACL: zk.OpenACL(), ParentCreates: 3}},
		{"too large", RuleSize, Rules{TxnMax: 50}, alice, zk.OpCreate, create("/"+strings.Repeat("n", 50), 3)},

		{"a right delete", "", *everything, alice, zk.OpDelete, &txn.Delete{Path: "/a/b"}},
		{"nothing to delete", RuleMissing, *everything, alice, zk.OpDelete, &txn.Delete{Path: "/a/x"}},
		{"a node with children goes", RuleEmpty, *everything, alice, zk.OpDelete, &txn.Delete{Path: "/a"}},
		{"a built-in node goes", RulePath, *everything, alice, zk.OpDelete, &txn.Delete{Path: zk.PathQuota}},
		{"a container is reaped", "", *everything, 0, zk.OpDeleteContainer, &txn.Delete{Path: "/c"}},
		{"a plain node is reaped", RuleKind, *everything, 0, zk.OpDeleteContainer, &txn.Delete{Path: "/a/b"}},

		{"a right setData", "", *everything, alice, zk.OpSetData, &txn.SetData{Path: "/a", Version: 1}},
		{"a version was left out", RuleVersion, *everything, alice, zk.OpSetData, &txn.SetData{Path: "/a", Version: 2}},
		{"a version comes twice", RuleVersion, *everything, alice, zk.OpSetData, &txn.SetData{Path: "/a", Version: 0}},
		{"nothing to write", RuleMissing, *everything, alice, zk.OpSetData, &txn.SetData{Path: "/x", Version: 1}},
		{"a right setACL", "", *everything, alice, zk.OpSetACL, &txn.SetACL{Path: "/a", ACL: zk.OpenACL(), Version: 1}},
		{"an access version was left out", RuleVersion, *everything, alice, zk.OpSetACL, &txn.SetACL{Path: "/a", ACL: zk.OpenACL(), Version: 2}},
		{"setACL without a list", RuleACL, *everything, alice, zk.OpSetACL, &txn.SetACL{Path: "/a", Version: 1}},
		{"nothing to protect", RuleMissing, *everything, alice, zk.OpSetACL, &txn.SetACL{Path: "/x", ACL: zk.OpenACL(), Version: 1}},

		{"a right multi", "", *everything, alice, zk.OpMulti, multi(
			create("/n", 3), create("/n/x", 1), &txn.SetData{Path: "/n", Version: 1}, &txn.SetData{Path: "/n", Version: 2},
			&txn.Check{Path: "/n", Version: 3}, &txn.Delete{Path: "/n/x"}, &txn.Delete{Path: "/n"}, create("/n", 4))},
		{"a failed multi", "", *everything, alice, zk.OpMulti, multi(create("/no/n", 9), &txn.Error{Code: zk.NoNode})},
		{"a parent that the multi deleted", RuleMissing, *everything, alice, zk.OpMulti, multi(&txn.Delete{Path: "/a/b"}, create("/a/b/x", 1))},
		{"a number within a multi", RuleNumber, *everything, alice, zk.OpMulti, multi(create("/n", 3), create("/m", 3))},
		{"a version within a multi", RuleVersion, *everything, alice, zk.OpMulti, multi(&txn.SetData{Path: "/a", Version: 1}, &txn.SetData{Path: "/a", Version: 1})},
		{"children within a multi", RuleEmpty, *everything, alice, zk.OpMulti, multi(create("/n", 3), create("/n/x", 1), &txn.Delete{Path: "/n"})},
		{"a check of nothing", RuleMissing, *everything, alice, zk.OpMulti, multi(&txn.Check{Path: "/x", Version: 1})},
		{"a check that fails", RuleVersion, *everything, alice, zk.OpMulti, multi(&txn.Check{Path: "/a", Version: 3})},

		{"the end of a session", "", *everything, alice, zk.OpCloseSession, &txn.CloseSession{HasPaths: true, Paths: []string{"/a/mine"}}},
		{"the end of a session without a list", "", *everything, alice, zk.OpCloseSession, &txn.CloseSession{}},
		{"a session ends that there is not", "", *everything, gone, zk.OpCloseSession, &txn.CloseSession{HasPaths: true}},
		{"an ephemeral stays", RuleClose, *everything, alice, zk.OpCloseSession, &txn.CloseSession{HasPaths: true}},
		{"another's ephemeral goes", RuleClose, *everything, alice, zk.OpCloseSession, &txn.CloseSession{HasPaths: true, Paths: []string{"/a/his", "/a/mine"}}},

		{"a right reconfiguration", "", *everything, alice, zk.OpReconfig, reconfig(configText(next), -1)},
		{"one that is not allowed", RuleSetting, Rules{}, alice, zk.OpReconfig, reconfig(configText(next), -1)},
		{"one of another version", RuleMembers, *everything, alice, zk.OpReconfig, reconfig(configText(next-1), -1)},
		{"one that cannot be read", RuleMembers, *everything, alice, zk.OpReconfig, reconfig([]byte("server.1=what"), -1)},
		{"one that counts a version", RuleMembers, *everything, alice, zk.OpReconfig, reconfig(configText(next), 0)},
		{"an error", "", *everything, alice, zk.OpError, &txn.Error{Code: zk.NoNode}},
	} {
		w := newWorld(t)
		found := c.rules.Judge(w.tree, w.record(c.s, c.op, c.body))
		switch {
		case c.rule == "" && len(found) > 0:
			t.Errorf("%s: found %v, want nothing", c.name, found)
		case c.rule != "" && (len(found) != 1 || found[0].Rule != c.rule):
			t.Errorf("%s: found %v, want one of rule %s", c.name, found, c.rule)
		}
	}
}

func TestAGapIsFound(t *testing.T) {
	w := newWorld(t)
	rec := w.record(alice, zk.OpError, &txn.Error{Code: zk.NoNode})
	for zxid, want := range map[zk.Zxid]int{
		w.zxid: 1, w.zxid + 1: 0, w.zxid + 2: 1, 0x200000001: 0, 0x200000002: 1,
	} {
		rec.Zxid = zxid
		if found := everything.Judge(w.tree, rec); len(found) != want || want == 1 && found[0].Rule != RuleOrder {
			t.Errorf("%v after %v: found %v, want %d", zxid, w.zxid, found, want)
		}
	}
}

// A leader is Ostler's own preparation, with clients that ask for anything.
type leader struct {
	world
	rand     *rand.Rand
	sessions *session.Table
	prep     *prep.Preparer
	cxid     int32
	next     zk.SessionID
	pending  []*txn.Record
}

// The transactions that Ostler makes of any requests, several under way at a time, are
// never called wrong.
func TestRightTransactionsAreNotFound(t *testing.T) {
	types := map[zk.OpCode]int{}
	for seed := range uint64(20) {
		l := &leader{rand: rand.New(rand.NewPCG(seed, 1)), sessions: session.New(time.Second), next: alice}
		l.world = world{t: t, tree: tree.New(tree.Options{Digest: true})}
		l.prep = prep.New(prep.Options{
			Source: l.tree, Sessions: l.sessions, Auth: auth.New(auth.Options{DigestEnabled: true}),
			Digest: true, CloseSessionPaths: seed%2 == 0, ExtendedTypes: true, TreeDigest: l.tree.Digest(),
		})
		for range 1000 {
			l.ask()
			if l.rand.IntN(3) == 0 {
				l.settle(types)
			}
		}
		l.settle(types)
	}
	for _, op := range []zk.OpCode{
		zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL,
		zk.OpMulti, zk.OpCreateSession, zk.OpCloseSession, zk.OpError,
	} {
		if types[op] < 20 {
			t.Errorf("%d transactions of type %v: %v", types[op], op, types)
		}
	}
}

// ask plans a random request.
func (l *leader) ask() {
	l.cxid++
	r := &prep.Request{Session: l.next, Cxid: l.cxid, Timeout: 1000}
	switch l.rand.IntN(20) {
	case 0:
		l.next++
		r.Session, r.Op = l.next, zk.OpCreateSession
		l.sessions.Add(r.Session, time.Minute, 1, time.Unix(0, 0))
	case 1:
		r.Op = zk.OpCloseSession
	case 2, 3, 4:
		var m wire.MultiRequest
		for range 1 + l.rand.IntN(4) {
			op, body := l.operation()
			if op != zk.OpSetACL {
				m.Ops = append(m.Ops, wire.MultiOp{Op: op, Body: body.(wire.Record)})
			}
		}
		r.Op, r.Body = zk.OpMulti, m.Append(nil)
	default:
		op, body := l.operation()
		r.Op, r.Body = op, body.Append(nil)
	}
	l.zxid++
	rec := l.prep.Plan(r, 1, l.zxid, int64(l.cxid))
	if rec.Type == zk.OpCloseSession {
		l.sessions.MarkClosing(r.Session)
	}
	l.pending = append(l.pending, rec)
}

func (l *leader) operation() (zk.OpCode, interface{ Append([]byte) []byte }) {
	names := []string{"/a", "/b", "/a/x", "/a/y", "/b/x", "/a/x/z", "/", "/zookeeper/q", "/none/x"}
	path := names[l.rand.IntN(len(names))]
	version := []int32{-1, -1, 0, 1}[l.rand.IntN(4)]
	c := wire.CreateRequest{Path: path, ACL: zk.OpenACL(), Flags: zk.CreateMode(l.rand.IntN(4))}
	switch l.rand.IntN(9) {
	case 0, 1:
		return zk.OpCreate, c
	case 2:
		return zk.OpCreate2, c
	case 3:
		c.Flags = zk.ModeContainer
		return zk.OpCreateContainer, c
	case 4:
		c.Flags = zk.ModeTTL
		return zk.OpCreateTTL, wire.CreateTTLRequest{CreateRequest: c, TTL: 1000}
	case 5, 6:
		return zk.OpDelete, wire.DeleteRequest{Path: path, Version: version}
	case 7:
		return zk.OpSetACL, wire.SetACLRequest{Path: path, ACL: zk.OpenACL(), Version: version}
	}
	return zk.OpSetData, wire.SetDataRequest{Path: path, Version: version}
}

// settle judges and applies what is under way.
func (l *leader) settle(types map[zk.OpCode]int) {
	l.t.Helper()
	for _, rec := range l.pending {
		types[rec.Type]++
		// As a follower has it: out of the bytes.
		got, err := txn.DecodeRecord(slices.Clone(rec.Bytes))
		if err != nil {
			l.t.Fatal(err)
		}
		if found := everything.Judge(l.tree, got); len(found) > 0 {
			l.t.Errorf("%v %+v: %v", got.Type, got.Body, found)
		}
		if res := l.tree.Apply(&got.Txn, func(tree.Change) {}); res.DigestMismatch {
			l.t.Fatalf("%v: the digest differs", got.Zxid)
		}
		if rec.Type == zk.OpCloseSession {
			l.sessions.Remove(rec.Session)
		}
	}
	l.pending = l.pending[:0]
	l.prep.Applied(l.zxid)
}
