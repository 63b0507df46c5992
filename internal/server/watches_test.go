package server

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"ostler/internal/auth"
	"ostler/internal/host"
	"ostler/internal/jute"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/watch"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// mail is a Proposer that keeps the last request.
type mail struct{ last *Request }

func (m *mail) Submit(r *Request)            { m.last = r }
func (*mail) Revalidate(zk.SessionID, int32) {}

// tape is a stream that keeps what it is sent.
type tape struct {
	sink
	b []byte
}

func (s *tape) Send(b []byte) error       { s.b = append(s.b, b...); return nil }
func (s *tape) SendShared(b []byte) error { return s.Send(b) }

// told describes what was sent since the last call: events and replies.
func (s *tape) told(t testing.TB) []string {
	t.Helper()
	list := []string{}
	for len(s.b) > 0 {
		frame, n, err := wire.SplitFrame(s.b, 1<<20)
		var h wire.ReplyHeader
		if err != nil || n == 0 || h.Decode(frame) != nil {
			t.Fatalf("sent %x: %v", s.b, err)
		}
		s.b = s.b[n:]
		if h.Xid != wire.XidNotification {
			list = append(list, fmt.Sprintf("reply %d code %d zxid %d", h.Xid, h.Err, h.Zxid))
			continue
		}
		var e wire.WatcherEvent
		if err := e.Decode(frame[wire.ReplyHeaderLen:]); err != nil {
			t.Fatalf("event %x: %v", frame, err)
		}
		list = append(list, fmt.Sprintf("event %d %q zxid %d", e.Type, e.Path, h.Zxid))
	}
	return list
}

// bench is a server that the test drives step by step: no sockets, and the test
// is the apply loop.
type bench struct {
	*Server
	t    testing.TB
	port *port
	mail mail
	tree *tree.Tree
	zxid zk.Zxid
}

func newBench(t testing.TB) *bench {
	h := host.New(slog.New(slog.DiscardHandler))
	b := &bench{t: t, tree: tree.New(tree.Options{})}
	b.Server = New(Options{
		Env: h.Env(), Config: testConfig(), Auth: auth.New(auth.Options{}), Proposer: &b.mail, ServerID: 1,
	})
	t.Cleanup(func() {
		b.Close()
		h.Close()
	})
	b.port = b.newPort()
	b.SetService(zk.FullService, b.tree, 1)
	return b
}

// apply commits the next transaction.
func (b *bench) apply(session zk.SessionID, op zk.OpCode, body txn.Body) {
	b.zxid++
	rec := &txn.Record{Txn: txn.Txn{Header: txn.Header{Session: session, Zxid: b.zxid, Time: 1, Type: op}, Body: body}}
	res := b.tree.Apply(&rec.Txn, b.Fire)
	b.Applied(rec, &res)
}

func (b *bench) create(path string) {
	b.apply(0, zk.OpCreate, &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: -1})
}

// connect makes a connection with a new session.
func (b *bench) connect() (*conn, *tape) {
	stream := &tape{}
	c := b.port.accept(stream).(*conn)
	b.send(c, wire.AppendFrame(nil, wire.ConnectRequest{Timeout: 9000, Password: make([]byte, 16)}.Append(nil)))
	b.apply(b.mail.last.Session, zk.OpCreateSession, &txn.CreateSession{Timeout: 9000})
	stream.b = nil
	return c, stream
}

func (b *bench) send(c *conn, frame []byte) {
	if n, err := c.Data(frame); n != len(frame) || err != nil {
		b.t.Fatalf("%d of %d bytes taken: %v", n, len(frame), err)
	}
}

// request sends one with xid 7.
func (b *bench) request(c *conn, op zk.OpCode, body []byte) {
	b.send(c, wire.AppendFrame(nil, append(wire.RequestHeader{Xid: 7, Op: op}.Append(nil), body...)))
}

// TestSetWatchesTable is the table of 8.7: each list, each state of the node,
// against what the client has seen (invariant W9). Events come first, in the order
// of the lists, with zxid -1.
func TestSetWatchesTable(t *testing.T) {
	b := newBench(t)
	b.create("/old")                                                                    // 1
	b.create("/new")                                                                    // 2
	b.create("/old/c")                                                                  // 3: pzxid of /old
	b.create("/kids")                                                                   // 4
	b.create("/kids/c")                                                                 // 5
	b.apply(0, zk.OpSetData, &txn.SetData{Path: "/new", Data: []byte("x"), Version: 1}) // 6
	c, stream := b.connect()                                                            // 7
	all := []string{"/old", "/new", "/kids", "/gone", "/", ""}
	r := wire.SetWatchesRequest{
		RelativeZxid: 4, Data: all, Exist: all, Child: all, Persistent: all, PersistentRecursive: all,
	}
	b.request(c, zk.OpSetWatches2, r.Append2(nil))
	want := []string{
		`event 3 "/new" zxid -1`, `event 2 "/gone" zxid -1`,
		`event 1 "/old" zxid -1`, `event 1 "/new" zxid -1`, `event 1 "/kids" zxid -1`, `event 1 "/" zxid -1`, `event 1 "" zxid -1`,
		`event 4 "/kids" zxid -1`, `event 2 "/gone" zxid -1`,
		"reply 7 code 0 zxid 7",
	}
	if got := stream.told(t); !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for path, want := range map[string][5]bool{ // data, child, persistent in each, recursive
		"/old": {true, true, true, true, true}, "/new": {false, true, true, true, true},
		"/kids": {true, false, true, true, true}, "/gone": {true, false, true, true, true},
		"/": {true, true, true, true, true}, "": {true, true, true, true, true},
	} {
		got := [5]bool{
			b.watches.Has(path, watch.Data, watch.Standard, c), b.watches.Has(path, watch.Child, watch.Standard, c),
			b.watches.Has(path, watch.Data, watch.Persistent, c), b.watches.Has(path, watch.Child, watch.Persistent, c),
			b.watches.Has(path, watch.Data, watch.Recursive, c),
		}
		if got != want {
			t.Errorf("%q: armed %v, want %v", path, got, want)
		}
	}
}

// TestSetWatchesAtTheSeenZxid: what the client has seen itself is no news (8.7).
func TestSetWatchesAtTheSeenZxid(t *testing.T) {
	b := newBench(t)
	b.create("/a")   // 1
	b.create("/a/b") // 2
	c, stream := b.connect()
	for zxid, want := range map[zk.Zxid][]string{
		0: {`event 3 "/a" zxid -1`, `event 4 "/a" zxid -1`, "reply 7 code 0 zxid 3"},
		1: {`event 4 "/a" zxid -1`, "reply 7 code 0 zxid 3"},
		2: {"reply 7 code 0 zxid 3"},
	} {
		r := wire.SetWatchesRequest{RelativeZxid: zxid, Data: []string{"/a"}, Child: []string{"/a"}}
		b.request(c, zk.OpSetWatches, r.Append(nil))
		if got := stream.told(t); !slices.Equal(got, want) {
			t.Errorf("seen %v: told %q, want %q", zxid, got, want)
		}
	}
}

// TestSetWatchesWithANullVector is refused, and registers nothing (8.7).
func TestSetWatchesWithANullVector(t *testing.T) {
	for op, lists := range map[zk.OpCode]int{zk.OpSetWatches: 3, zk.OpSetWatches2: 5} {
		for null := range lists {
			b := newBench(t)
			c, stream := b.connect()
			body := jute.AppendInt64(nil, 0)
			for i := range lists {
				if i == null {
					body = jute.AppendInt32(body, -1)
					continue
				}
				body = jute.AppendStringVector(body, []string{"/later"})
			}
			b.request(c, op, body)
			if got, want := stream.told(t), []string{"reply 7 code -5 zxid 1"}; !slices.Equal(got, want) {
				t.Errorf("%v, vector %d null: told %q, want %q", op, null, got, want)
			}
			if n := b.watches.Count(); n != 0 {
				t.Errorf("%v, vector %d null: %d watches, want none", op, null, n)
			}
		}
	}
}

// TestWatchThroughTheEmptyPath reads the root and never fires (4.5).
func TestWatchThroughTheEmptyPath(t *testing.T) {
	b := newBench(t)
	c, stream := b.connect()
	for _, op := range []zk.OpCode{zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2} {
		b.request(c, op, readBody("", true).Append(nil))
	}
	for mode := range int32(2) {
		b.request(c, zk.OpAddWatch, wire.AddWatchRequest{Mode: mode}.Append(nil))
	}
	stream.told(t)
	b.create("/a")
	b.apply(0, zk.OpSetData, &txn.SetData{Path: "/", Data: []byte("x"), Version: 1})
	if got := stream.told(t); len(got) > 0 {
		t.Errorf("told %q, want nothing", got)
	}
	for _, look := range []struct {
		path string
		code string
	}{{"/", "-121"}, {"", "0"}} {
		b.request(c, zk.OpRemoveWatches, wire.WatchesRequest{Path: look.path, Type: wire.WatcherAny}.Append(nil))
		if got, want := stream.told(t), []string{"reply 7 code " + look.code + " zxid 3"}; !slices.Equal(got, want) {
			t.Errorf("removeWatches %q: told %q, want %q", look.path, got, want)
		}
	}
}

// TestClientsThatComeAndGoLeaveNothing connects, watches and closes, in each way
// that a connection can end (invariant W8).
func TestClientsThatComeAndGoLeaveNothing(t *testing.T) {
	b := newBench(t)
	b.create("/a")
	watches := wire.SetWatchesRequest{
		RelativeZxid: 1 << 40, Data: []string{"/a"}, Exist: []string{"/b"}, Child: []string{"/", "/a"},
		Persistent: []string{"/a"}, PersistentRecursive: []string{},
	}
	rounds := 100_000
	if underRace {
		rounds /= 10 // it is a single goroutine
	}
	for i := range rounds {
		c, _ := b.connect()
		id := b.mail.last.Session
		watches.PersistentRecursive = []string{"/"}[:i%2]
		b.request(c, zk.OpSetWatches2, watches.Append2(nil))
		b.request(c, zk.OpExists, readBody(fmt.Sprintf("/later-%d", i%100), true).Append(nil))
		if i%4 == 0 {
			b.apply(0, zk.OpSetData, &txn.SetData{Path: "/a", Version: 1})
		}
		if i%3 > 0 { // the session lives on for a moment
			c.drop()
		}
		b.apply(id, zk.OpCloseSession, &txn.CloseSession{})
		c.Closed(io.EOF)
	}
	if n := b.watches.Summary(); n != (watch.Summary{}) || b.watches.Count() != 0 {
		t.Errorf("%+v, %d in all, are left of the watches, want none", n, b.watches.Count())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for what, n := range map[string]int{
		"connections": len(b.conns), "addresses": len(b.port.perAddr), "sessions attached": len(b.attached),
		"sessions asked for": len(b.connecting), "sessions": len(b.tree.Sessions()), "requests": int(b.outstanding.Load()),
		"connections awaited, but for the last": max(len(b.fresh)-1, 0),
	} {
		if n != 0 {
			t.Errorf("%d %s are left, want none", n, what)
		}
	}
}
