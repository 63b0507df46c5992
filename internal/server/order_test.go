package server

import (
	"bufio"
	"net"
	"testing"

	"ostler/internal/auth"
	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

func dialRaw(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }

func newClient(t testing.TB, c net.Conn) *client {
	return &client{t: t, c: c, r: bufio.NewReader(c)}
}

func TestReadsBehindWritesSeeThem(t *testing.T) { // 9.1
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.request(2, zk.OpGetData, readBody("/a", false))
	c.request(3, zk.OpPing, nil)
	c.request(4, zk.OpSetData, setBody("/a", "2"))
	c.request(5, zk.OpGetData, readBody("/a", false))
	eventually(t, "both writes are submitted", func() bool { return r.ens.waiting() == 2 })
	r.ens.release(-1)
	c.want(1, 2, zk.OK)
	for _, step := range []struct {
		xid  int32
		zxid zk.Zxid
		data string
	}{{2, 2, "1"}, {wire.XidPing, 2, ""}, {4, 3, ""}, {5, 3, "2"}} {
		b := c.want(step.xid, step.zxid, zk.OK)
		if step.data == "" {
			continue
		}
		var d wire.GetDataResponse
		if err := d.Decode(b); err != nil || string(d.Data) != step.data {
			t.Errorf("xid %d read %q (%v), want %q", step.xid, d.Data, err, step.data)
		}
	}
}

func TestReadsOfOthersDoNotWait(t *testing.T) { // 9.8
	r := newRig(t, nil)
	a, b := r.connect(t), r.connect(t)
	r.ens.hold()
	a.request(1, zk.OpCreate, createBody("/a", "1"))
	eventually(t, "the write is submitted", func() bool { return r.ens.waiting() == 1 })
	b.request(1, zk.OpExists, readBody("/a", false))
	b.want(1, 2, zk.NoNode)
}

func TestEventBeforeReply(t *testing.T) { // 9.5
	r := newRig(t, nil)
	c, other := r.connect(t), r.connect(t)
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.want(1, 3, zk.OK)
	c.request(2, zk.OpGetData, readBody("/a", true))
	c.want(2, 3, zk.OK)
	other.request(1, zk.OpGetChildren, readBody("/a", true))
	other.want(1, 3, zk.OK)
	c.request(3, zk.OpSetData, setBody("/a", "2"))
	c.wantEvent(4, zk.EventDataChanged, "/a")
	c.want(3, 4, zk.OK)
	c.request(4, zk.OpCreate, createBody("/a/b", ""))
	c.want(4, 5, zk.OK)
	other.wantEvent(5, zk.EventChildrenChanged, "/a")
}

func TestRefusedInTurn(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.request(2, zk.OpCreate, nil)
	c.request(3, zk.OpExists, readBody("/a", false))
	eventually(t, "both writes are submitted", func() bool { return r.ens.waiting() == 2 })
	r.Refused(c.id, 2, zk.MarshallingError)
	r.ens.release(1)
	c.want(1, 2, zk.OK)
	c.want(2, 2, zk.MarshallingError)
	c.want(3, 2, zk.OK)
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
}

func TestSync(t *testing.T) { // 5.9
	r := newRig(t, nil)
	c := r.connect(t)
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.request(2, zk.OpSync, wire.PathRequest{Path: "/x"})
	c.request(3, zk.OpSync, wire.PathRequest{NullPath: true})
	c.request(4, zk.OpSync, nil)
	c.request(5, zk.OpPing, nil)
	c.want(1, 2, zk.OK)
	for _, want := range []wire.PathResponse{{Path: "/x"}, {NullPath: true}} {
		var got wire.PathResponse
		if err := got.Decode(c.want(2+int32(btoi(want.NullPath)), 2, zk.OK)); err != nil || got != want {
			t.Errorf("sync answered %+v (%v), want %+v", got, err, want)
		}
	}
	c.want(4, 2, zk.MarshallingError)
	c.want(wire.XidPing, 2, zk.OK)
}

func TestSyncDoesNotOvertakeWrites(t *testing.T) { // 9.1, 9.7
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.request(2, zk.OpSync, wire.PathRequest{Path: "/x"})
	c.request(3, zk.OpExists, readBody("/a", false))
	eventually(t, "both are submitted", func() bool { return r.ens.waiting() == 2 })
	r.Synced(c.id, r.submitted.Load()) // before the write is through
	r.ens.release(1)
	c.want(1, 2, zk.OK)
	c.want(2, 2, zk.OK)
	c.want(3, 2, zk.OK)
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
}

// In an ensemble the commit of a write could overtake the answer to a sync in front of
// it, which comes another way. So the write is not passed on before (9.1, INV-L3), and the
// read between them does not see it (INV-O12).
func TestWritesWaitForTheSyncInFront(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpSync, wire.PathRequest{Path: "/a"})
	c.request(2, zk.OpExists, readBody("/a", false))
	c.request(3, zk.OpCreate, createBody("/a", "1"))
	c.request(4, zk.OpSync, wire.PathRequest{Path: "/a"})
	c.request(5, zk.OpCreate, createBody("/b", "2"))
	eventually(t, "the first sync is passed on", func() bool { return r.ens.waiting() == 1 })
	if n := r.outstanding.Load(); n != 1 {
		t.Errorf("%d requests were taken in, want the first sync alone", n)
	}
	r.ens.release(1)
	c.want(1, 1, zk.OK)
	c.want(2, 1, zk.NoNode)
	eventually(t, "the next write and sync are passed on", func() bool { return r.ens.waiting() == 2 })
	r.ens.release(-1)
	c.want(3, 2, zk.OK)
	c.want(4, 2, zk.OK)
	c.want(5, 3, zk.OK)
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
}

// An identity counts for the frames behind it, not for a read that waits (7.5).
func TestReadsHaveTheIdentitiesOfTheirFrame(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	c.request(2, zk.OpWhoAmI, nil)
	c.request(wire.XidAuth, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("bob:pw")})
	c.request(3, zk.OpWhoAmI, nil)
	c.want(wire.XidAuth, 0, zk.OK)
	r.ens.release(-1)
	c.want(1, 2, zk.OK)
	for xid := int32(2); xid <= 3; xid++ {
		var who wire.WhoAmIResponse
		if err := who.Decode(c.want(xid, 2, zk.OK)); err != nil || len(who.Clients) != int(xid)-1 {
			t.Errorf("request %d is made by %v (%v), want %d identities", xid, who.Clients, err, xid-1)
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestCloseSession(t *testing.T) { // 2.10
	r := newRig(t, nil)
	c := r.connect(t)
	c.request(1, zk.OpCreate, wire.CreateRequest{Path: "/e", ACL: zk.OpenACL(), Flags: zk.ModeEphemeral})
	c.request(2, zk.OpExists, readBody("/e", true))
	c.request(3, zk.OpCloseSession, nil)
	c.request(4, zk.OpPing, nil)
	c.want(1, 2, zk.OK)
	c.want(2, 2, zk.OK)
	c.wantEvent(3, zk.EventDeleted, "/e")
	c.want(3, 3, zk.OK)
	c.wantEnd()
	eventually(t, "its watches are gone", func() bool { return r.watches.Count() == 0 })
}

func TestUnknownOperationsCloseTheConnection(t *testing.T) { // 3.5, H4, H5
	for _, op := range []zk.OpCode{0, 10, 23, 500, zk.OpCheck, zk.OpDeleteContainer, zk.OpCreateSession, zk.OpError, -100} {
		r := newRig(t, nil)
		c := r.connect(t)
		c.request(1, op, wire.PathRequest{Path: "/"})
		if b := c.want(1, -1, zk.Unimplemented); len(b) != 0 {
			t.Errorf("%v: body %x", op, b)
		}
		c.wantEnd()
	}
}

func TestMalformedReadsAreAnswered(t *testing.T) { // 3.7
	r := newRig(t, nil)
	c := r.connect(t)
	xid := int32(0)
	for _, op := range []zk.OpCode{
		zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2, zk.OpGetACL, zk.OpMultiRead, zk.OpGetEphemerals,
		zk.OpGetAllChildrenNumber, zk.OpSetWatches, zk.OpSetWatches2, zk.OpAddWatch, zk.OpCheckWatches, zk.OpRemoveWatches,
		zk.OpCreate, zk.OpSetData, zk.OpDelete,
	} {
		xid++
		c.request(xid, op, nil)
		c.want(xid, -2, zk.MarshallingError)
	}
	xid++
	c.request(xid, zk.OpGetData, wire.PathWatchRequest{NullPath: true})
	c.want(xid, -2, zk.MarshallingError)
	c.request(xid, zk.OpCheckWatches, wire.WatchesRequest{NullPath: true, Type: wire.WatcherAny})
	c.want(xid, -2, zk.MarshallingError)
	c.request(xid, zk.OpRemoveWatches, wire.WatchesRequest{NullPath: true, Type: wire.WatcherAny})
	c.want(xid, -2, zk.NoWatcher)
	c.request(xid, zk.OpExists, readBody("/a\x00", false))
	c.want(xid, -2, zk.BadArguments)
	c.frame(wire.PathRequest{}) // a frame of 4 bytes
	c.wantEnd()
	r.connect(t)
}

func TestAuth(t *testing.T) { // 7.5
	r := newRig(t, nil)
	c := r.connect(t)
	c.request(wire.XidAuth, zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("bob:pw")})
	c.want(wire.XidAuth, 0, zk.OK)
	c.request(1, zk.OpWhoAmI, nil)
	var who wire.WhoAmIResponse
	if err := who.Decode(c.want(1, 1, zk.OK)); err != nil || len(who.Clients) != 2 || who.Clients[1] != (zk.ID{Scheme: "digest", ID: "bob"}) {
		t.Errorf("whoAmI = %+v, %v", who, err)
	}
	c.request(2, zk.OpSASL, wire.SASLToken{Token: []byte{}})
	c.want(2, 0, zk.OK)
	garbled := r.connect(t)
	garbled.request(1, zk.OpAuth, nil)
	garbled.wantEnd() // without a reply
	c.request(3, zk.OpAuth, wire.AuthRequest{Scheme: "nonesuch", Auth: []byte("x")})
	c.want(3, 0, zk.AuthFailed)
	c.wantEnd()
}

func TestReads(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	for i, path := range []string{"/a", "/a/c", "/a/b"} {
		c.request(int32(i), zk.OpCreate2, createBody(path, "data"))
		c.want(int32(i), -2, zk.OK)
	}
	c.request(1, zk.OpGetChildren2, readBody("/a", false))
	var kids wire.Children2Response
	if err := kids.Decode(c.want(1, 4, zk.OK)); err != nil || len(kids.Children) != 2 || kids.Children[0] != "b" || kids.Stat.NumChildren != 2 {
		t.Errorf("getChildren2 = %+v, %v", kids, err)
	}
	c.request(2, zk.OpGetAllChildrenNumber, wire.PathRequest{Path: "/a"})
	var n wire.Int32Response
	if err := n.Decode(c.want(2, 4, zk.OK)); err != nil || n.Value != 2 {
		t.Errorf("getAllChildrenNumber = %+v, %v", n, err)
	}
	c.request(3, zk.OpGetACL, wire.PathRequest{Path: "/a"})
	var acl wire.GetACLResponse
	if err := acl.Decode(c.want(3, 4, zk.OK)); err != nil || len(acl.ACL) != 1 || acl.ACL[0] != zk.OpenACL()[0] {
		t.Errorf("getACL = %+v, %v", acl, err)
	}
	c.request(4, zk.OpMultiRead, wire.MultiReadRequest{Ops: []wire.MultiOp{
		{Op: zk.OpGetData, Body: wire.PathWatchRequest{Path: "/a"}},
		{Op: zk.OpGetChildren, Body: wire.PathWatchRequest{Path: "/missing"}},
		{Op: zk.OpGetChildren, Body: wire.PathWatchRequest{Path: "/a"}},
	}})
	var multi wire.MultiResponse
	if err := multi.Decode(c.want(4, 4, zk.OK)); err != nil || len(multi.Results) != 3 || string(multi.Results[0].Data) != "data" ||
		multi.Results[1].Code != zk.NoNode || len(multi.Results[2].Children) != 2 {
		t.Errorf("multiRead = %+v, %v", multi, err)
	}
	c.request(5, zk.OpGetData, readBody("/missing", true))
	c.want(5, 4, zk.NoNode)
	c.request(6, zk.OpMulti, wire.MultiRequest{})
	c.want(6, 5, zk.OK)
}

func TestWatchOperations(t *testing.T) { // 8.5 to 8.7
	r := newRig(t, nil)
	c := r.connect(t)
	c.request(1, zk.OpAddWatch, wire.AddWatchRequest{Path: "/", Mode: wire.AddWatchPersistentRecursive})
	c.want(1, 1, zk.OK)
	c.request(2, zk.OpAddWatch, wire.AddWatchRequest{Path: "/", Mode: 2})
	c.want(2, 1, zk.MarshallingError)
	c.request(3, zk.OpCreate, createBody("/a", ""))
	c.wantEvent(2, zk.EventCreated, "/a")
	c.want(3, 2, zk.OK)
	c.request(4, zk.OpCheckWatches, wire.WatchesRequest{Path: "/", Type: 5})
	c.want(4, 2, zk.OK)
	c.request(5, zk.OpRemoveWatches, wire.WatchesRequest{Path: "/", Type: 3})
	c.want(5, 2, zk.OK)
	c.request(6, zk.OpRemoveWatches, wire.WatchesRequest{Path: "/", Type: 3})
	c.want(6, 2, zk.NoWatcher)
	c.request(wire.XidSetWatches, zk.OpSetWatches, wire.SetWatchesRequest{
		RelativeZxid: 1, Data: []string{"/a", "/gone"}, Exist: []string{"/a", "/later"}, Child: []string{"/a", "/"},
	})
	c.wantEvent(-1, zk.EventDataChanged, "/a")
	c.wantEvent(-1, zk.EventDeleted, "/gone")
	c.wantEvent(-1, zk.EventCreated, "/a")
	c.wantEvent(-1, zk.EventChildrenChanged, "/a")
	c.wantEvent(-1, zk.EventChildrenChanged, "/")
	c.want(wire.XidSetWatches, 2, zk.OK)
	c.request(7, zk.OpCreate, createBody("/later", ""))
	c.wantEvent(3, zk.EventCreated, "/later")
	c.want(7, 3, zk.OK)
}

func TestBackPressure(t *testing.T) { // 2.16
	r := newRig(t, func(c *config.Config) { c.GlobalOutstanding = 3 })
	c, other := r.connect(t), r.connect(t)
	r.ens.hold()
	for i := range int32(50) {
		c.request(i+1, zk.OpSetData, setBody("/", "x"))
	}
	eventually(t, "the limit is reached", func() bool { return r.ens.waiting() == 4 })
	other.request(1, zk.OpSetData, setBody("/", "y")) // one is always let in
	eventually(t, "the other's request is in", func() bool { return r.ens.waiting() == 5 })
	r.ens.release(-1)
	for i := range int32(50) {
		c.want(i+1, -2, zk.OK)
	}
	other.want(1, -2, zk.OK)
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
}

func TestConnectionLostWithWritesUnderWay(t *testing.T) { // 2.11
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpCreate, createBody("/a", "1"))
	eventually(t, "the write is submitted", func() bool { return r.ens.waiting() == 1 })
	c.c.Close()
	eventually(t, "the connection is gone", func() bool { return r.Stats().Connections == 0 })
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
	r.ens.release(-1)
	other := r.connect(t)
	other.request(1, zk.OpExists, readBody("/a", false))
	other.want(1, 3, zk.OK)
}

// nowhere is a stream that takes everything.
type nowhere struct{ env.Stream }

func (nowhere) Send([]byte) error { return nil }

func TestGetDataAllocatesOnlyThePath(t *testing.T) {
	r := newRig(t, nil)
	cl := r.connect(t)
	cl.request(1, zk.OpCreate, createBody("/a", "data"))
	cl.want(1, 2, zk.OK)
	c := &conn{server: r.Server, stream: nowhere{}, phase: open}
	c.ids.Store(&[]zk.ID{auth.IPID(cl.addr())})
	frame := wire.RequestHeader{Xid: 1, Op: zk.OpGetData}.Append(nil)
	frame = wire.AppendFrame(nil, readBody("/a", false).Append(frame))
	if n := testing.AllocsPerRun(100, func() { c.Data(frame) }); n > 1 {
		t.Errorf("getData allocates %v times, want the path only", n)
	}
}

// A sync waits for more than the disk, so a write behind it is not submitted before
// it is answered: it could be applied first, and replies keep the order of requests.
func TestNothingOvertakesASync(t *testing.T) { // 9.1
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpSync, wire.PathRequest{Path: "/"})
	c.request(2, zk.OpCreate, createBody("/a", "1"))
	for xid := range int32(2) {
		eventually(t, "one request is submitted", func() bool { return r.ens.waiting() == 1 })
		r.ens.release(1)
		c.want(xid+1, -2, zk.OK)
	}
	if n := r.outstanding.Load(); n != 0 {
		t.Errorf("%d requests are outstanding, want 0", n)
	}
}
