package node_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"ostler/internal/config"
	"ostler/internal/host"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// The hazards of client-protocol.md section 15, seen from the outside.

// trio is an ensemble; the leader is the first.
func trio(t *testing.T) []*member {
	t.Helper()
	var all []*member
	for _, cfg := range ensembleOf3(t) {
		all = append(all, run(t, cfg))
	}
	for i, m := range all {
		awaitServing(t, m.node.ClientAddr())
		if strings.Contains(word(t, m.node.ClientAddr(), "srvr"), "Mode: leader") {
			all[0], all[i] = all[i], all[0]
		}
	}
	return all
}

// undecodables are bodies that cannot be decoded, by operation.
func undecodables() map[zk.OpCode][][]byte {
	bodies := [][]byte{nil, {0, 0}, {0, 0, 0, 9, '/'}, {0xff, 0xff, 0xff, 0xfe}, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}
	all := make(map[zk.OpCode][][]byte)
	for _, op := range []zk.OpCode{
		zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL, zk.OpMulti,
	} {
		all[op] = bodies
	}
	// To these a null path is one that is no path (client-protocol.md 4.5).
	all[zk.OpSetData], all[zk.OpSetACL] = bodies[:4], bodies[:4]
	nullACL := wire.MultiRequest{Ops: []wire.MultiOp{{Op: zk.OpCreate, Body: wire.CreateRequest{Path: "/null"}}}}
	all[zk.OpMulti] = append(slices.Clone(bodies), nullACL.Append(nil))
	return all
}

// H1, INV-X11: a frame whose body cannot be decoded never delays another client,
// whatever server of an ensemble it reaches. At the leader it spends a zxid like any
// failed write; a learner answers it alone.
func TestUndecodableWritesDelayNobody(t *testing.T) {
	all := trio(t)
	for i, m := range all {
		others := all[(i+1)%3].node.ClientAddr()
		bad, good := open(t, m.node.ClientAddr()), open(t, others)
		good.want(zk.OK, zk.OpSync, wire.PathRequest{Path: "/"})
		bad.want(zk.OK, zk.OpSync, wire.PathRequest{Path: "/"})
		before := bad.last.Zxid
		spent := zk.Zxid(0)
		for op, bodies := range undecodables() {
			for _, body := range bodies {
				if code, rest := bad.raw(op, body); code != zk.MarshallingError || len(rest) > 0 {
					t.Errorf("%v %x: got %v with %x, want MarshallingError", op, body, code, rest)
				}
				if i == 0 {
					spent++
				}
				if want := before + spent; bad.last.Zxid != want {
					t.Errorf("server %d, %v %x: zxid %v, want %v", i, op, body, bad.last.Zxid, want)
				}
			}
		}
		good.want(zk.OK, zk.OpCreate, newNode("/a", 0))
		if want := before + spent + 1; good.last.Zxid != want {
			t.Errorf("the write after them has zxid %v, want %v", good.last.Zxid, want)
		}
		bad.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: "/a", Version: -1})
		for _, other := range all {
			open(t, other.node.ClientAddr()).want(zk.OK, zk.OpCloseSession, nil)
		}
		bad.want(zk.OK, zk.OpCloseSession, nil)
		good.want(zk.OK, zk.OpCloseSession, nil)
	}
}

// H4, H5, 3.5: what servers use among themselves is refused to clients, which are
// closed; nothing of it happens.
func TestInternalOperationsAreRefused(t *testing.T) {
	all := trio(t)
	good := open(t, all[1].node.ClientAddr())
	good.want(zk.OK, zk.OpCreate, newNode("/kept", 0))
	for _, m := range all {
		for op, body := range map[zk.OpCode]wire.Record{
			zk.OpDeleteContainer: wire.PathRequest{Path: "/kept"},
			zk.OpCreateSession:   wire.CreateSessionRequest{Timeout: 1 << 30},
			zk.OpCheck:           wire.CheckRequest{Path: "/kept", Version: -1},
			zk.OpError:           wire.CreateSessionRequest{},
			zk.OpNotification:    wire.PathRequest{Path: "/kept"},
		} {
			bad := open(t, m.node.ClientAddr())
			bad.want(zk.Unimplemented, op, body)
			if bad.last.Zxid != -1 {
				t.Errorf("%v is refused with zxid %v, want -1", op, bad.last.Zxid)
			}
			bad.wantEnd()
		}
	}
	good.want(zk.OK, zk.OpSync, wire.PathRequest{Path: "/"})
	good.want(zk.OK, zk.OpExists, at("/kept"))
	for id, timeout := range all[1].node.Replica().Tree().Sessions() {
		if timeout > 40000 {
			t.Errorf("session %v has a timeout of %d ms, above the maximum", id, timeout)
		}
	}
}

// H7, INV-S7: a wrong password costs only who sends it, also at another server than
// the owner's.
func TestWrongPasswordDoesNotCostTheOwnerItsConnection(t *testing.T) {
	all := trio(t)
	for _, home := range all {
		owner := open(t, home.node.ClientAddr())
		owner.want(zk.OK, zk.OpCreate, newNode("/mine", zk.ModeEphemeral))
		for _, m := range all {
			thief := &session{t: t, conn: dial(t, m.node.ClientAddr())}
			thief.send(wire.ConnectRequest{Timeout: 20000, Session: owner.id, Password: make([]byte, zk.PasswordLen), HasReadOnly: true}.Append(nil))
			var r wire.ConnectResponse
			if err := r.Decode(thief.receive()); err != nil || r.Session != 0 || r.Timeout != 0 {
				t.Errorf("a wrong password was answered with %+v, %v", r, err)
			}
			thief.wantEnd()
			owner.want(zk.OK, zk.OpSetData, wire.SetDataRequest{Path: "/mine", Version: -1})
		}
		owner.want(zk.OK, zk.OpCloseSession, nil)
	}
}

// H9: an administrator may take /zookeeper away from the world (docs/operating.md).
func TestZookeeperNodeCanBeRestricted(t *testing.T) {
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", map[string]string{"zookeeper.DigestAuthenticationProvider.superDigest": super})
	cfg.ClientAddr = "127.0.0.1:0"
	m := run(t, cfg)
	awaitServing(t, m.node.ClientAddr())
	admin, other := open(t, m.node.ClientAddr()), open(t, m.node.ClientAddr())
	other.want(zk.OK, zk.OpCreate, newNode("/zookeeper/before", 0))
	admin.want(zk.OK, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("super:test")})
	readOnly := []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}
	for _, path := range []string{"/zookeeper", "/zookeeper/quota"} {
		admin.want(zk.OK, zk.OpSetACL, wire.SetACLRequest{Path: path, ACL: readOnly, Version: -1})
		for op, body := range map[zk.OpCode]wire.Record{
			zk.OpCreate:  newNode(path+"/after", 0),
			zk.OpSetData: wire.SetDataRequest{Path: path, Version: -1},
			zk.OpSetACL:  wire.SetACLRequest{Path: path, ACL: zk.OpenACL(), Version: -1},
		} {
			other.want(zk.NoAuth, op, body)
		}
		other.want(zk.OK, zk.OpGetChildren, at(path))
	}
	other.want(zk.NoAuth, zk.OpDelete, wire.DeleteRequest{Path: "/zookeeper/before", Version: -1})
	admin.want(zk.OK, zk.OpCreate, newNode("/zookeeper/quota/app", 0))
}

// poisoned are transactions that no correct leader makes but that a directory may
// hold (H2, H3), and what must be left of them.
var poisoned = []struct {
	op   zk.OpCode
	body txn.Body
	path string // a node to look at in the end; "" for none
	left bool
}{
	{zk.OpCreateTTL, &txn.CreateTTL{Path: "/ttl", ACL: zk.OpenACL(), ParentCreates: -1, TTL: -1}, "/ttl", false},
	{zk.OpCreateTTL, &txn.CreateTTL{Path: "/ttl", ACL: zk.OpenACL(), ParentCreates: -1, TTL: zk.TTLMax + 1}, "/ttl", false},
	{zk.OpCreate, plain("/zookeeper/quota/zookeeper_limits"), "", true},
	{zk.OpDelete, &txn.Delete{Path: "/zookeeper/quota/zookeeper_limits"}, "/zookeeper/quota/zookeeper_limits", false},
	{zk.OpCreate, plain("/zookeeper/zookeeper_limits"), "", true},
	{zk.OpDelete, &txn.Delete{Path: "/zookeeper/zookeeper_limits"}, "/zookeeper/zookeeper_limits", false},
	{zk.OpCreate, plain("/q"), "/q", true},
	{zk.OpCreate, plain("/zookeeper/quota/q"), "", true},
	{zk.OpCreate, plain("/zookeeper/quota/q/zookeeper_limits"), "", true},
	{zk.OpCreate, plain("/zookeeper/quota/q/zookeeper_stats"), "", true},
	{zk.OpSetData, &txn.SetData{Path: "/zookeeper/quota/q/zookeeper_stats", Version: 1}, "", true},
	{zk.OpCreate, plain("/q/counted"), "/q/counted", true},
	{zk.OpDelete, &txn.Delete{Path: "/zookeeper"}, "/zookeeper", true},
	{zk.OpCreate, plain("bad//path"), "", false},
}

func plain(path string) txn.Body {
	return &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: -1}
}

// H2, H3, INV-X2: a server whose log holds such transactions starts, skips what
// cannot be, and serves.
func TestPoisonedTransactionsAreSkipped(t *testing.T) {
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", nil)
	cfg.ClientAddr = "127.0.0.1:0"
	var recs []*txn.Record
	for i, p := range poisoned {
		recs = append(recs, txn.NewRecord(txn.Txn{Header: txn.Header{Session: 1, Time: 1, Type: p.op, Zxid: zk.Zxid(i)}, Body: p.body}))
	}
	c := serveLog(t, cfg, recs)
	for _, p := range poisoned {
		if p.path == "" {
			continue
		}
		code := zk.NoNode
		if p.left {
			code = zk.OK
		}
		c.want(code, zk.OpExists, at(p.path))
	}
	c.want(zk.OK, zk.OpCreate, newNode("/q/more", 0))
	c.want(zk.OK, zk.OpCreate, newNode("/later", 0))
}

// serveLog gives a server of its own a log that goes on with recs, whose zxids are
// made to fit, and returns a session at it.
func serveLog(t *testing.T, cfg *config.Config, recs []*txn.Record) *session {
	t.Helper()
	first, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	awaitServing(t, first.node.ClientAddr())
	first.stop()
	last := first.node.Replica().Tree().LastZxid()
	for i, rec := range recs {
		rec.Zxid = last + zk.Zxid(i) + 1
		recs[i] = txn.NewRecord(rec.Txn)
	}
	logs, _ := cfg.LogDirs()
	w := txnlog.NewWriter(txnlog.WriterOptions{FS: host.FS(), Dir: logs})
	if err := w.Append(recs); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := run(t, cfg)
	awaitServing(t, m.node.ClientAddr())
	if got, want := m.node.Replica().Tree().LastZxid(), last+zk.Zxid(len(recs)); got < want {
		t.Fatalf("the server begins at %v, the log ended with %v", got, want)
	}
	return open(t, m.node.ClientAddr())
}

// H2, H3: requests around TTLs and quotas are answered, change nothing that they
// should not, and the server goes on, also after a restart.
func TestTTLAndQuotaRequestsCannotStopAServer(t *testing.T) {
	for name, props := range map[string]map[string]string{
		"plain": nil, "extended types": {"zookeeper.extendedTypesEnabled": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", props)
			cfg.ClientAddr = "127.0.0.1:0"
			first, err := start(cfg)
			if err != nil {
				t.Fatal(err)
			}
			awaitServing(t, first.node.ClientAddr())
			provoke(t, open(t, first.node.ClientAddr()))
			first.stop()
			second := run(t, cfg)
			awaitServing(t, second.node.ClientAddr())
			provoke(t, open(t, second.node.ClientAddr()))
		})
	}
}

func TestTTLAndQuotaRequestsCannotStopAnEnsemble(t *testing.T) {
	all := trio(t)
	for _, m := range all {
		provoke(t, open(t, m.node.ClientAddr()))
	}
	for _, m := range all {
		c := open(t, m.node.ClientAddr())
		c.want(zk.OK, zk.OpSync, wire.PathRequest{Path: "/"})
		c.want(zk.NoNode, zk.OpExists, at("/q"))
	}
}

// provoke sends such requests. It cleans up, so that it can be done again.
func provoke(t *testing.T, c *session) {
	t.Helper()
	for _, mode := range []zk.CreateMode{0, 1, 2, 3, 4} {
		for _, ttl := range []int64{-1, -1 << 63, 0, 1} {
			c.want(zk.BadArguments, zk.OpCreateTTL, wire.CreateTTLRequest{CreateRequest: newNode("/ttl", mode), TTL: ttl})
		}
	}
	for _, path := range []string{"/zookeeper/quota", "/zookeeper", "/zookeeper-foo"} {
		if path == "/zookeeper-foo" {
			c.want(zk.OK, zk.OpCreate, newNode(path, 0))
		}
		for _, leaf := range []string{"/zookeeper_limits", "/zookeeper_stats"} {
			c.want(zk.OK, zk.OpCreate, newNode(path+leaf, 0))
			c.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: path + leaf, Version: -1})
		}
	}
	c.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: "/zookeeper-foo", Version: -1})

	const quota = "/zookeeper/quota/q"
	made := []string{"/q", quota, quota + "/zookeeper_limits", quota + "/zookeeper_stats"}
	for _, path := range made {
		c.want(zk.OK, zk.OpCreate, newNode(path, 0))
	}
	for _, data := range [][]byte{nil, {}, []byte("count=x"), []byte("count=1,bytes=99999999999999999999"), {0xff}} {
		for _, leaf := range made[2:] {
			c.want(zk.OK, zk.OpSetData, wire.SetDataRequest{Path: leaf, Data: data, Version: -1})
		}
		c.want(zk.OK, zk.OpCreate, newNode("/q/counted", 0))
		c.want(zk.OK, zk.OpSetData, wire.SetDataRequest{Path: "/q/counted", Data: []byte("longer"), Version: -1})
		c.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: "/q/counted", Version: -1})
	}
	slices.Reverse(made)
	for _, path := range made {
		c.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: path, Version: -1})
	}
}

// H10, 4.4: a parent whose counter of creates is used up refuses further sequential
// nodes of the same prefix with NodeExists, and works otherwise.
func TestSequenceEndsCleanly(t *testing.T) {
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", nil)
	cfg.ClientAddr = "127.0.0.1:0"
	c := serveLog(t, cfg, []*txn.Record{
		{Txn: txn.Txn{Header: txn.Header{Session: 1, Time: 1, Type: zk.OpCreate}, Body: plain("/s")}},
		{Txn: txn.Txn{Header: txn.Header{Session: 1, Time: 1, Type: zk.OpCreate}, Body: &txn.Create{Path: "/s/x", ACL: zk.OpenACL(), ParentCreates: 1<<31 - 2}}},
	})
	for _, want := range []string{"/s/n2147483646", "/s/n2147483647"} {
		var r wire.PathResponse
		if err := r.Decode(c.want(zk.OK, zk.OpCreate, newNode("/s/n", zk.ModePersistentSequential))); err != nil || r.Path != want {
			t.Errorf("created %q, %v, want %q", r.Path, err, want)
		}
	}
	for range 3 {
		c.want(zk.NodeExists, zk.OpCreate, newNode("/s/n", zk.ModePersistentSequential))
	}
	c.want(zk.OK, zk.OpCreate, newNode("/s/plain", 0))
	c.want(zk.OK, zk.OpCreate, newNode("/s/other", zk.ModePersistentSequential))
	c.want(zk.OK, zk.OpDelete, wire.DeleteRequest{Path: "/s/n2147483647", Version: -1})
	c.want(zk.OK, zk.OpCreate, newNode("/s/n", zk.ModePersistentSequential))
}

// INV-D11, disk.md R-9: whatever the ephemerals of a session are called, its end is
// logged in a form that every server can read, as a peer and after a restart.
func TestSessionWithLongEphemeralsCloses(t *testing.T) {
	longEphemerals := func(addr string) {
		c := open(t, addr)
		for i := range 4 {
			path := "/" + strconv.Itoa(i) + strings.Repeat("x", 1_000_000)
			c.want(zk.OK, zk.OpCreate, newNode(path, zk.ModeEphemeral))
		}
		c.want(zk.OK, zk.OpCloseSession, nil)
	}
	wantNone := func(m *member) {
		c := open(t, m.node.ClientAddr())
		c.want(zk.OK, zk.OpSync, wire.PathRequest{Path: "/"})
		if n := m.node.Replica().Tree().EphemeralCount(); n != 0 {
			t.Errorf("%d ephemerals are left", n)
		}
		c.want(zk.OK, zk.OpCreate, newNode("/after-", zk.ModePersistentSequential))
	}
	all := trio(t)
	longEphemerals(all[1].node.ClientAddr())
	for _, m := range all {
		wantNone(m)
	}
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", nil)
	cfg.ClientAddr = "127.0.0.1:0"
	first, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	awaitServing(t, first.node.ClientAddr())
	longEphemerals(first.node.ClientAddr())
	first.stop()
	second := run(t, cfg)
	awaitServing(t, second.node.ClientAddr())
	wantNone(second)
}

// L3, 3.2: a client may give several requests one xid. Each is answered for what it
// is, in order, also at a learner that refuses one of them alone.
func TestRequestsOfOneXidAreToldApart(t *testing.T) {
	for i, m := range trio(t) {
		c := open(t, m.node.ClientAddr())
		path := "/n" + strconv.Itoa(i)
		var b []byte
		want := []zk.Code{zk.OK, zk.MarshallingError, zk.OK, zk.MarshallingError, zk.NoNode}
		for _, r := range []struct {
			op   zk.OpCode
			body []byte
		}{
			{zk.OpCreate, newNode(path, 0).Append(nil)},
			{zk.OpMulti, []byte{1}},
			{zk.OpDelete, wire.DeleteRequest{Path: path, Version: -1}.Append(nil)},
			{zk.OpDelete, nil},
			{zk.OpDelete, wire.DeleteRequest{Path: path, Version: -1}.Append(nil)},
		} {
			b = wire.AppendFrame(b, append(wire.RequestHeader{Xid: 5, Op: r.op}.Append(nil), r.body...))
		}
		if _, err := c.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		for k, code := range want {
			var h wire.ReplyHeader
			if err := h.Decode(c.receive()); err != nil || h.Xid != 5 || h.Err != code {
				t.Errorf("server %d, request %d: %+v, %v, want %v", i, k, h, err, code)
			}
		}
		c.want(zk.OK, zk.OpCloseSession, nil)
		c.wantEnd()
	}
}

// L3, 5.9: a sync behind writes of its own session is answered in its turn, however
// long these take to reach the disk.
func TestSyncBehindWrites(t *testing.T) {
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n", nil)
	cfg.ClientAddr = "127.0.0.1:0"
	standalone := run(t, cfg)
	awaitServing(t, standalone.node.ClientAddr())
	for i, m := range append(trio(t), standalone) {
		c := open(t, m.node.ClientAddr())
		const rounds = 20
		var b []byte
		for n := range int32(rounds) {
			write := newNode("/n", zk.ModeEphemeralSequential).Append(wire.RequestHeader{Xid: 2 * n, Op: zk.OpCreate}.Append(nil))
			sync := wire.PathRequest{Path: "/"}.Append(wire.RequestHeader{Xid: 2*n + 1, Op: zk.OpSync}.Append(nil))
			b = wire.AppendFrame(wire.AppendFrame(b, write), sync)
		}
		if _, err := c.conn.Write(b); err != nil {
			t.Fatal(err)
		}
		for n := range int32(2 * rounds) {
			var h wire.ReplyHeader
			if err := h.Decode(c.receive()); err != nil || h.Xid != n || h.Err != zk.OK {
				t.Fatalf("server %d: %+v, %v, want OK for %d", i, h, err, n)
			}
		}
		c.want(zk.OK, zk.OpCloseSession, nil)
	}
}
