package sim

import (
	"reflect"

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
	switch {
	case k.wrong != zk.OK:
		c.checkWrong(k, h)
	case k.op == zk.OpPing:
	case k.op == zk.OpSetWatches || k.op == zk.OpSetWatches2:
		c.rewatched(k, h)
	case k.op == zk.OpSync:
		c.metBehind("a sync")
		c.checkSync(k, h, body)
	case k.op == zk.OpCloseSession:
		c.forgetSession()
		c.stream.Close()
	case isWrite(k.op):
		c.metBehind("a write")
		c.checkWrite(k, h, body)
	default:
		c.checkRead(k, h, body)
	}
	c.load.saw(k.op.String(), h.Err)
	if h.Err == zk.OK {
		c.Answered++
	}
	if k.then != nil {
		k.then(k, h)
	}
}

// checkSync checks the strict form of sync, in every kind of ensemble.
func (c *Client) checkSync(k *call, h wire.ReplyHeader, body []byte) {
	var r wire.PathResponse
	if err := r.Decode(body); err != nil || r.Path != k.path || h.Err != zk.OK {
		c.fail("sync %d of %s is answered %v, %q, %v", k.xid, k.path, h.Err, r.Path, err)
	}
	if h.Zxid < k.acked {
		c.fail("sync %d ends at %v, but %v was acknowledged before it was called (INV-O6)", k.xid, h.Zxid, k.acked)
	}
}

func isWrite(op zk.OpCode) bool {
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL, zk.OpMulti:
		return true
	}
	return false
}

// checkWrong checks the answer to a request that is wrong in itself. It may have spent a
// zxid or not, but only one of its own (INV-X11).
func (c *Client) checkWrong(k *call, h wire.ReplyHeader) {
	if h.Err != k.wrong {
		c.fail("%v %d is answered %v at %v, want %v (INV-X11)", k.op, k.xid, h.Err, h.Zxid, k.wrong)
	}
	rec := c.o.entry(h.Zxid)
	if rec != nil && rec.Session == c.session && rec.Cxid == k.xid && !refused(rec.Body) {
		c.fail("%v %d is wrong and answered %v, but the transaction is %v", k.op, k.xid, h.Err, describe(&rec.Txn))
	}
}

// turnedOut takes the answer to a request that no client may make: the connection ends
// behind it (client-protocol.md 3.5).
func (c *Client) turnedOut(k *call, h wire.ReplyHeader) {
	if h.Err != zk.Unimplemented {
		c.fail("%v %d is answered %v, want %v", k.op, k.xid, h.Err, zk.Unimplemented)
	}
	c.load.saw("forbidden operation", h.Err)
}

// checkWrite finds the transaction behind an answered write, and compares.
func (c *Client) checkWrite(k *call, h wire.ReplyHeader, body []byte) {
	if h.Err == zk.SessionExpired {
		return
	}
	rec := c.o.entry(h.Zxid)
	if rec == nil || rec.Session != c.session || rec.Cxid != k.xid {
		there := "nothing"
		if rec != nil {
			there = describe(&rec.Txn)
		}
		c.fail("%v %d is answered at %v (%v), where there is %s (INV-O7)", k.op, k.xid, h.Zxid, h.Err, there)
		return
	}
	if h.Zxid <= k.acked {
		c.fail("%v %d is at %v, but %v was acknowledged before it was called (INV-O1)", k.op, k.xid, h.Zxid, k.acked)
	}
	c.load.acked = max(c.load.acked, h.Zxid)
	if refused(rec.Body) != (h.Err != zk.OK) && k.op != zk.OpMulti {
		c.fail("%v %d at %v is answered %v, but the transaction is %v", k.op, k.xid, h.Zxid, h.Err, describe(&rec.Txn))
		return
	}
	if k.op == zk.OpMulti {
		c.checkMulti(k, h, rec, body)
		return
	}
	d, made, want := c.expect(k, rec, h.Err)
	if h.Err != want {
		c.fail("%v %s version %d at %v: got %v, want %v (INV-X8, INV-A1)", k.op, k.path, k.version, h.Zxid, h.Err, want)
		return
	}
	if h.Err == zk.OK {
		c.checkMade(k, made, rec.Body)
		c.checkResult(k, d, made, body)
	}
	c.load.registerDone(k, h.Err)
}

// expect is what a write must do, from the state before its zxid. Quotas are held against
// the state that the leader had applied when it planned the write, which is not
// known: any that it can have been may explain the code.
func (c *Client) expect(k *call, rec *txn.Record, got zk.Code) (d *draft, made txn.Body, code zk.Code) {
	for counts := rec.Zxid - 1; ; counts-- {
		d := newDraft(c.o.model, c.load.rules, rec.Header)
		d.counts = counts
		if made, code = d.do(k); code == got || !c.mayLag(k, rec.Zxid, counts) {
			return d, made, code
		}
	}
}

// mayLag reports whether a leader that planned z for k may have applied less than counts.
func (c *Client) mayLag(k *call, z, counts zk.Zxid) bool {
	return c.load.rules.enforceQuota && counts > max(k.led.appliedBefore(z), z-lagMax)
}

// lagMax bounds how far back an explanation is looked for.
const lagMax = 1000

// checkMade compares a transaction with the one that had to be made (INV-X3).
func (c *Client) checkMade(k *call, want, got txn.Body) {
	if !reflect.DeepEqual(want, got) {
		c.fail("%v %s became %T %+v, want %T %+v (INV-X3)", k.op, k.path, got, got, want, want)
	}
}

// checkResult compares what a successful write returned with the node after it.
func (c *Client) checkResult(k *call, d *draft, made txn.Body, body []byte) {
	var path string
	var stat zk.Stat
	var err error
	switch k.op {
	case zk.OpCreate:
		var r wire.PathResponse
		err = r.Decode(body)
		path = r.Path
	case zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		var r wire.Create2Response
		err = r.Decode(body)
		path, stat = r.Path, r.Stat
	case zk.OpSetData, zk.OpSetACL:
		var r wire.StatResponse
		err = r.Decode(body)
		path, stat = k.path, r.Stat
	default:
		return
	}
	if err != nil {
		c.fail("%v %s: %v in %x", k.op, k.path, err, body)
		return
	}
	want := k.path
	if p, ok := createdPath(made); ok {
		want = p
		c.load.created(k, p)
	}
	if path != want || k.op != zk.OpCreate && stat != d.now(want).stat {
		c.fail("%v %s at %v: got %s %+v, want %s %+v", k.op, k.path, d.h.Zxid, path, stat, want, d.now(want).stat)
	}
}

// createdPath is the path of the node that a transaction makes.
func createdPath(b txn.Body) (string, bool) {
	switch b := b.(type) {
	case *txn.Create:
		return b.Path, true
	case *txn.CreateContainer:
		return b.Path, true
	case *txn.CreateTTL:
		return b.Path, true
	}
	return "", false
}
