package sim

import (
	"bytes"
	"slices"

	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// reply checks an answer: its place in the order, and then what it says.
func (c *Client) reply(k *call, h wire.ReplyHeader, body []byte) {
	if h.Zxid < c.replied {
		c.fail("reply to %v %d carries %v after %v on this connection (INV-O5)", k.op, k.xid, h.Zxid, c.replied)
	}
	if h.Zxid < c.last {
		c.fail("reply to %v %d carries %v, but the session has seen %v (INV-O3)", k.op, k.xid, h.Zxid, c.last)
	}
	if h.Zxid > c.o.Last() && h.Zxid.Counter() != 0 {
		c.fail("reply to %v %d carries %v, which is not committed (INV-O9): the end is %v", k.op, k.xid, h.Zxid, c.o.Last())
	}
	c.replied = h.Zxid
	c.checkMissed(k, h.Zxid)
	switch k.op {
	case zk.OpPing:
	case zk.OpSetWatches:
		c.rewatched(k, h)
	case zk.OpSync:
		if h.Zxid < k.acked {
			c.fail("sync %d ends at %v, but %v was acknowledged before it was called (INV-O6)", k.xid, h.Zxid, k.acked)
		}
	case zk.OpGetData, zk.OpExists, zk.OpGetChildren2:
		c.checkRead(k, h, body)
	case zk.OpCloseSession:
		c.forgetSession()
		c.stream.Close()
	default:
		c.checkWrite(k, h, body)
	}
	if h.Err == zk.OK {
		c.Answered++
	}
	if k.then != nil {
		k.then(k, h)
	}
}

// checkRead compares a read with the model at the zxid that it carries.
func (c *Client) checkRead(k *call, h wire.ReplyHeader, body []byte) {
	want := c.o.model.at(k.path, h.Zxid)
	if !want.exists {
		if h.Err != zk.NoNode {
			c.fail("%v %s at %v: got %v, but there is no such node", k.op, k.path, h.Zxid, h.Err)
		}
		if k.op == zk.OpExists && k.watch {
			c.arm(k.path, watchExist, h.Zxid)
		}
		return
	}
	if h.Err != zk.OK {
		c.fail("%v %s at %v: got %v, but the node exists since %v", k.op, k.path, h.Zxid, h.Err, want.stat.Czxid)
		return
	}
	var stat zk.Stat
	var err error
	switch k.op {
	case zk.OpGetData:
		var r wire.GetDataResponse
		err = r.Decode(body)
		if err == nil && !bytes.Equal(r.Data, want.data) {
			c.fail("getData %s at %v: got %q, want %q", k.path, h.Zxid, r.Data, want.data)
		}
		stat = r.Stat
	case zk.OpExists:
		var r wire.StatResponse
		err = r.Decode(body)
		stat = r.Stat
	default:
		var r wire.Children2Response
		err = r.Decode(body)
		if got := slices.Sorted(slices.Values(r.Children)); err == nil && !slices.Equal(got, want.children) {
			c.fail("getChildren2 %s at %v: got %v, want %v", k.path, h.Zxid, got, want.children)
		}
		stat = r.Stat
	}
	if err != nil {
		c.fail("%v %s: %v in %x", k.op, k.path, err, body)
	} else if stat != want.stat {
		c.fail("%v %s at %v: got %+v, want %+v", k.op, k.path, h.Zxid, stat, want.stat)
	}
	if k.watch {
		kind := watchData
		if k.op == zk.OpGetChildren2 {
			kind = watchChild
		}
		c.arm(k.path, kind, h.Zxid)
	}
}

// checkWrite finds the transaction behind an answered write, and compares.
func (c *Client) checkWrite(k *call, h wire.ReplyHeader, body []byte) {
	if h.Err == zk.SessionExpired {
		return
	}
	rec := c.o.entry(h.Zxid)
	if rec == nil || rec.Session != c.session || rec.Cxid != k.xid {
		c.fail("%v %d is answered at %v (%v), which is %v (INV-O7)", k.op, k.xid, h.Zxid, h.Err, rec)
		return
	}
	if h.Zxid <= k.acked {
		c.fail("%v %d is at %v, but %v was acknowledged before it was called (INV-O1)", k.op, k.xid, h.Zxid, k.acked)
	}
	c.load.acked = max(c.load.acked, h.Zxid)
	if k.op == zk.OpMulti {
		c.checkMulti(k, h, body)
		return
	}
	if want := c.expect(k, h.Zxid); h.Err != want {
		c.fail("%v %s version %d at %v: got %v, want %v (INV-X8)", k.op, k.path, k.version, h.Zxid, h.Err, want)
	}
	if refused(rec.Body) != (h.Err != zk.OK) {
		c.fail("%v %d at %v is answered %v, but the transaction is %v", k.op, k.xid, h.Zxid, h.Err, describe(&rec.Txn))
	}
	if h.Err == zk.OK {
		c.checkResult(k, h.Zxid, rec.Body, body)
	}
	c.load.registerDone(k, h.Err)
}

// expect is the code that a write must have, from the state before its zxid.
func (c *Client) expect(k *call, z zk.Zxid) zk.Code {
	v := c.o.model.at(k.path, z-1)
	parent := c.o.model.at(parentOf(k.path), z-1)
	switch k.op {
	case zk.OpCreate, zk.OpCreate2:
		switch {
		case !parent.exists:
			return zk.NoNode
		case !k.mode.Sequential() && v.exists:
			return zk.NodeExists
		case parent.stat.EphemeralOwner != 0:
			return zk.NoChildrenForEphemerals
		}
		return zk.OK
	case zk.OpDelete:
		if !parent.exists {
			return zk.NoNode
		}
	}
	switch {
	case !v.exists:
		return zk.NoNode
	case k.version != -1 && k.version != v.stat.Version:
		return zk.BadVersion
	case k.op == zk.OpDelete && len(v.children) > 0:
		return zk.NotEmpty
	}
	return zk.OK
}

// checkResult compares what a successful write returned.
func (c *Client) checkResult(k *call, z zk.Zxid, made txn.Body, body []byte) {
	switch k.op {
	case zk.OpCreate:
		var r wire.PathResponse
		if err := r.Decode(body); err != nil {
			c.fail("create reply %x: %v", body, err)
			return
		}
		c.checkCreated(k, z, made, r.Path)
	case zk.OpCreate2:
		var r wire.Create2Response
		if err := r.Decode(body); err != nil {
			c.fail("create2 reply %x: %v", body, err)
			return
		}
		c.checkCreated(k, z, made, r.Path)
		if want := c.o.model.at(r.Path, z).stat; r.Stat != want {
			c.fail("create2 %s at %v: got %+v, want %+v", r.Path, z, r.Stat, want)
		}
	case zk.OpSetData:
		var r wire.StatResponse
		if err := r.Decode(body); err != nil {
			c.fail("setData reply %x: %v", body, err)
			return
		}
		if want := c.o.model.at(k.path, z).stat; r.Stat != want {
			c.fail("setData %s at %v: got %+v, want %+v", k.path, z, r.Stat, want)
		}
	}
}

// checkCreated checks the path of a new node (INV-T10 for sequential ones).
func (c *Client) checkCreated(k *call, z zk.Zxid, made txn.Body, path string) {
	want := k.path
	if k.mode.Sequential() {
		want = sequential(k.path, c.o.model.at(parentOf(k.path), z-1).creates)
	}
	if create, ok := made.(*txn.Create); !ok || create.Path != path || path != want {
		c.fail("create %s mode %d at %v: reply %q, want %q; the transaction is %+v", k.path, k.mode, z, path, want, made)
	}
	if k.mode == zk.ModePersistentSequential {
		c.load.queue = append(c.load.queue, path)
	}
}

// checkMulti checks a multi, whose parts do not touch each other's nodes.
func (c *Client) checkMulti(k *call, h wire.ReplyHeader, body []byte) {
	var r wire.MultiResponse
	if err := r.Decode(body); h.Err != zk.OK || err != nil || len(r.Results) != len(k.parts) {
		c.fail("multi %d at %v: %v, %v, %d results for %d parts", k.xid, h.Zxid, h.Err, err, len(r.Results), len(k.parts))
		return
	}
	failed := zk.OK
	for i := range k.parts {
		failed = c.expect(&k.parts[i], h.Zxid)
		if i == 0 && r.Results[0].Code == zk.SessionExpired {
			failed = zk.SessionExpired // it is being closed
		}
		if failed == zk.OK {
			continue
		}
		for j, got := range r.Results {
			want := zk.OK
			if j == i {
				want = failed
			} else if j > i {
				want = zk.RuntimeInconsistency
			}
			if got.Op != zk.OpError || got.Code != want {
				c.fail("multi %d at %v, part %d of %d: got %v %v, want error %v (INV-X5)", k.xid, h.Zxid, j, len(k.parts), got.Op, got.Code, want)
			}
		}
		return
	}
	for i := range k.parts {
		part, got := &k.parts[i], &r.Results[i]
		if got.Op != part.op || got.Code != zk.OK {
			c.fail("multi %d at %v, part %d: got %v %v, want %v to succeed", k.xid, h.Zxid, i, got.Op, got.Code, part.op)
		}
		if part.op == zk.OpSetData && got.Stat != c.o.model.at(part.path, h.Zxid).stat {
			c.fail("multi %d at %v: setData %s returned %+v", k.xid, h.Zxid, part.path, got.Stat)
		}
	}
}
