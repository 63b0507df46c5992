package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ostler/internal/auth"
	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/host"
	"ostler/internal/sasl"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 10 * time.Second

// ensemble is a Proposer that applies what it is given in order, on a loop of its
// own, at once or when the test lets it.
type ensemble struct {
	server *Server
	tree   *tree.Tree
	loop   env.Loop
	inbox  env.Inbox[func()]

	mu    sync.Mutex
	held  bool
	queue []func()
	zxid  zk.Zxid
	mark  func(r *Request) // sees what is submitted; may be nil
}

func (e *ensemble) step() func() {
	for _, f := range e.inbox.Take() {
		f()
	}
	return nil
}

// do runs f on the apply loop, behind what is there, unless the test holds it back.
func (e *ensemble) do(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.held {
		e.queue = append(e.queue, f)
		return
	}
	e.inbox.Put(f)
}

// hold keeps back everything from now on; release lets n of it go, or with n < 0
// all, and what comes.
func (e *ensemble) hold() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held = true
}

func (e *ensemble) release(n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n < 0 {
		n, e.held = len(e.queue), false
	}
	n = min(n, len(e.queue))
	for _, f := range e.queue[:n] {
		e.inbox.Put(f)
	}
	e.queue = e.queue[n:]
}

// waiting is how many requests are held back.
func (e *ensemble) waiting() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.queue)
}

func (e *ensemble) Submit(r *Request) {
	e.mu.Lock()
	mark := e.mark
	e.mu.Unlock()
	if mark != nil {
		mark(r)
	}
	e.do(func() {
		if r.Op == zk.OpSync {
			e.server.Synced(r.Session, r.Number)
			return
		}
		e.apply(r.Session, r.Cxid, r.Op, e.plan(r))
	})
}

func (e *ensemble) Revalidate(id zk.SessionID, timeout int32) {
	e.do(func() { e.server.Revalidated(id, e.hasSession(id)) })
}

func (e *ensemble) hasSession(id zk.SessionID) bool {
	_, ok := e.tree.Sessions()[id]
	return ok
}

// apply commits one transaction; apply loop only.
func (e *ensemble) apply(session zk.SessionID, cxid int32, op zk.OpCode, body txn.Body) {
	e.zxid++
	if _, refused := body.(*txn.Error); refused {
		op = zk.OpError
	}
	rec := &txn.Record{Txn: txn.Txn{Header: txn.Header{Session: session, Cxid: cxid, Zxid: e.zxid, Type: op}, Body: body}}
	res := e.tree.Apply(&rec.Txn, e.server.Fire)
	e.server.Applied(rec, &res)
}

// plan does as much of package prep as these tests need.
func (e *ensemble) plan(r *Request) txn.Body {
	switch r.Op {
	case zk.OpCreateSession:
		return &txn.CreateSession{Timeout: r.Timeout}
	case zk.OpCloseSession:
		return &txn.CloseSession{}
	case zk.OpCreate, zk.OpCreate2:
		var c wire.CreateRequest
		if err := c.Decode(r.Body); err != nil {
			return &txn.Error{Code: zk.MarshallingError}
		}
		if _, exists := e.tree.Info(c.Path); exists {
			return &txn.Error{Code: zk.NodeExists}
		}
		return &txn.Create{Path: c.Path, Data: c.Data, ACL: c.ACL, Ephemeral: c.Flags.Ephemeral(), ParentCreates: -1}
	case zk.OpSetData:
		var d wire.SetDataRequest
		if err := d.Decode(r.Body); err != nil {
			return &txn.Error{Code: zk.MarshallingError}
		}
		info, exists := e.tree.Info(d.Path)
		if !exists {
			return &txn.Error{Code: zk.NoNode}
		}
		return &txn.SetData{Path: d.Path, Data: d.Data, Version: info.Stat.Version + 1}
	case zk.OpDelete:
		var d wire.DeleteRequest
		if err := d.Decode(r.Body); err != nil {
			return &txn.Error{Code: zk.MarshallingError}
		}
		return &txn.Delete{Path: d.Path}
	case zk.OpMulti:
		return &txn.Multi{Ops: []txn.Op{{Type: zk.OpError, Body: &txn.Error{Code: zk.NoNode}}}}
	}
	return &txn.Error{Code: zk.Unimplemented}
}

// captured is a log that tests read.
type captured struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (c *captured) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.Write(b)
}

func (c *captured) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.b.String()
}

// rig is a server with its port.
type rig struct {
	*Server
	ens  *ensemble
	addr string
	host *host.Host

	logged *captured
}

// testConfig is the configuration of the tests.
func testConfig() *config.Config {
	return &config.Config{
		Tick: time.Second, MinSession: 2 * time.Second, MaxSession: 20 * time.Second,
		MaxBuffer: 0xfffff, GlobalOutstanding: 1000, SessionlessTimeout: 10 * time.Second, DigestAuthEnabled: true,
	}
}

// answerWords answers every word with its name.
type answerWords struct{ s **Server }

func (a answerWords) Argument(word string) int {
	if word == "stmk" {
		return 8
	}
	return 0
}

func (a answerWords) Word(word string, rest []byte, remote netip.AddrPort) ([]byte, bool) {
	(*a.s).Connections() // what the word cons does
	if word == "stmk" {
		return fmt.Appendf(nil, "%x", rest), true
	}
	return []byte(word + " from " + remote.Addr().String()), true
}

func newRig(t testing.TB, change func(*config.Config)) *rig {
	t.Helper()
	return newRigWith(t, change, nil)
}

func newRigWith(t testing.TB, change func(*config.Config), login sasl.Mechanism) *rig {
	t.Helper()
	cfg := testConfig()
	if change != nil {
		change(cfg)
	}
	log := &captured{}
	h := host.New(slog.New(slog.NewTextHandler(log, nil)))
	e := h.Env()
	ens := &ensemble{tree: tree.New(tree.Options{})}
	r := &rig{ens: ens, host: h, logged: log}
	r.Server = New(Options{
		Env: e, Config: cfg, Auth: auth.New(cfg.AuthOptions()), Proposer: ens,
		Words: answerWords{&r.Server}, SASL: login, ServerID: 1,
	})
	ens.server = r.Server
	ens.loop = e.Loops.Start("apply", ens.step)
	ens.inbox.Init(ens.loop)
	r.SetService(zk.FullService, ens.tree, 1)
	l, err := r.Listen(e.Net, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	t.Cleanup(func() {
		l.Close()
		r.Close()
		h.Close()
	})
	return r
}

// client is the other end of a connection.
type client struct {
	t  testing.TB
	c  net.Conn
	r  *bufio.Reader
	id zk.SessionID
}

// dial connects without a handshake.
func (r *rig) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &client{t: t, c: c, r: bufio.NewReader(c)}
}

// connect makes a new session.
func (r *rig) connect(t testing.TB) *client {
	t.Helper()
	c := r.dial(t)
	c.frame(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true})
	c.id = c.welcomed().Session
	return c
}

// frame sends records as one frame.
func (c *client) frame(records ...wire.Record) {
	c.t.Helper()
	b, at := wire.BeginFrame(nil)
	for _, r := range records {
		b = r.Append(b)
	}
	c.raw(wire.EndFrame(b, at))
}

func (c *client) raw(b []byte) {
	c.t.Helper()
	if _, err := c.c.Write(b); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// request sends a request; a nil body is empty.
func (c *client) request(xid int32, op zk.OpCode, body wire.Record) {
	c.t.Helper()
	if body == nil {
		c.frame(wire.RequestHeader{Xid: xid, Op: op})
		return
	}
	c.frame(wire.RequestHeader{Xid: xid, Op: op}, body)
}

// next reads a frame.
func (c *client) next() []byte {
	c.t.Helper()
	var n [4]byte
	if _, err := io.ReadFull(c.r, n[:]); err != nil {
		c.t.Fatalf("read: %v", err)
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	if _, err := io.ReadFull(c.r, b); err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return b
}

func (c *client) welcomed() wire.ConnectResponse {
	c.t.Helper()
	var r wire.ConnectResponse
	if err := r.Decode(c.next()); err != nil {
		c.t.Fatal(err)
	}
	return r
}

// want reads a reply with the given header (zxid -2: any), and returns its body.
func (c *client) want(xid int32, zxid zk.Zxid, code zk.Code) []byte {
	c.t.Helper()
	b := c.next()
	var h wire.ReplyHeader
	if err := h.Decode(b); err != nil {
		c.t.Fatal(err)
	}
	if h.Xid != xid || h.Err != code || zxid != -2 && h.Zxid != zxid {
		c.t.Fatalf("got reply %+v, want xid %d, zxid %v, code %d", h, xid, zxid, int32(code))
	}
	return b[wire.ReplyHeaderLen:]
}

// wantEvent reads a notification.
func (c *client) wantEvent(zxid zk.Zxid, typ zk.EventType, path string) {
	c.t.Helper()
	var e wire.WatcherEvent
	if err := e.Decode(c.want(wire.XidNotification, zxid, zk.OK)); err != nil {
		c.t.Fatal(err)
	}
	if e.Type != typ || e.State != wire.StateSyncConnected || e.Path != path {
		c.t.Fatalf("got event %+v, want type %d on %s", e, typ, path)
	}
}

// wantEnd expects the connection to be closed without another byte.
func (c *client) wantEnd() {
	c.t.Helper()
	if b, err := io.ReadAll(c.r); len(b) > 0 {
		c.t.Fatalf("got %x (%v), want the end", b, err)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Fatalf("the connection was not closed")
	}
}

func createBody(path, data string) wire.Record {
	return wire.CreateRequest{Path: path, Data: []byte(data), ACL: zk.OpenACL()}
}

func setBody(path, data string) wire.Record {
	return wire.SetDataRequest{Path: path, Data: []byte(data), Version: -1}
}

func readBody(path string, watch bool) wire.Record {
	return wire.PathWatchRequest{Path: path, Watch: watch}
}

// eventually waits until cond holds.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(time.Millisecond) // polls; nothing depends on how long it takes
	}
}

// addr is the client's own address.
func (c *client) addr() netip.Addr { return netip.MustParseAddrPort(c.c.LocalAddr().String()).Addr() }
