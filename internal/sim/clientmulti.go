package sim

import (
	"bytes"
	"slices"

	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// checkMulti compares a multi with what the rules make of its parts one after the
// other, each seeing those before it (INV-X4, INV-X5, INV-A8).
func (c *Client) checkMulti(k *call, h wire.ReplyHeader, rec *txn.Record, body []byte) {
	var r wire.MultiResponse
	if err := r.Decode(body); h.Err != zk.OK || err != nil || len(r.Results) != len(k.parts) {
		c.fail("multi %d at %v: %v, %v, %d results for %d parts", k.xid, h.Zxid, h.Err, err, len(r.Results), len(k.parts))
		return
	}
	if len(k.parts) > 0 && r.Results[0].Op == zk.OpError && r.Results[0].Code == zk.SessionExpired {
		return // it is being closed
	}
	made, ok := rec.Body.(*txn.Multi)
	if !ok || len(made.Ops) != len(k.parts) {
		c.fail("multi %d at %v of %d parts became %v", k.xid, h.Zxid, len(k.parts), describe(&rec.Txn))
		return
	}
	want, ops := c.expectMulti(k, rec, r.Results)
	for i := range want {
		if got := r.Results[i]; !sameResult(&got, &want[i]) {
			c.fail("multi %d at %v, part %d of %d, %v %s: got %+v, want %+v (INV-X4, INV-X5)",
				k.xid, h.Zxid, i, len(want), k.parts[i].op, k.parts[i].path, got, want[i])
			return
		}
		if made.Ops[i].Type != ops[i].Type {
			c.fail("multi %d at %v, part %d became %v, want %v", k.xid, h.Zxid, i, made.Ops[i].Type, ops[i].Type)
		}
		c.checkMade(&k.parts[i], ops[i].Body, made.Ops[i].Body)
	}
	outcome := zk.OK
	if made.Failed() {
		outcome = zk.RuntimeInconsistency
	}
	c.load.saw("multi as a whole", outcome)
	c.load.sawParts(k.parts, outcome)
}

// expectMulti is expect for a multi.
func (c *Client) expectMulti(k *call, rec *txn.Record, got []wire.MultiResult) (want []wire.MultiResult, ops []txn.Op) {
	for counts := rec.Zxid - 1; ; counts-- {
		d := newDraft(c.o.model, c.load.rules, rec.Header)
		d.counts = counts
		want, ops = d.multi(k)
		same := slices.EqualFunc(want, got, func(a, b wire.MultiResult) bool { return sameResult(&a, &b) })
		if same || !c.mayLag(k, rec.Zxid, counts) {
			return want, ops
		}
	}
}

// multi is client-protocol.md 6.2.
func (d *draft) multi(k *call) (results []wire.MultiResult, ops []txn.Op) {
	for i := range k.parts {
		part := inMulti(k.parts[i])
		part.ids = k.ids
		body, code := d.do(&part)
		if code != zk.OK {
			return failedMulti(len(k.parts), ops, code)
		}
		r := wire.MultiResult{Op: part.op}
		path, isCreate := createdPath(body)
		switch {
		case part.op == zk.OpCreate:
			r.Path = path
		case isCreate:
			r.Op, r.Path, r.Stat = zk.OpCreate2, path, d.now(path).stat
		case part.op == zk.OpSetData:
			r.Stat = d.now(part.path).stat
		}
		results = append(results, r)
		ops = append(ops, txn.Op{Type: part.op, Body: body})
	}
	return results, ops
}

// failedMulti is what comes of n parts when the one behind ops is refused. The
// transaction still holds those before it.
func failedMulti(n int, ops []txn.Op, code zk.Code) ([]wire.MultiResult, []txn.Op) {
	results := make([]wire.MultiResult, len(ops), n)
	for i := range results {
		results[i].Op = zk.OpError
	}
	for len(ops) < n {
		results = append(results, wire.MultiResult{Op: zk.OpError, Code: code})
		ops = append(ops, txn.Op{Type: zk.OpError, Body: &txn.Error{Code: code}})
		code = zk.RuntimeInconsistency
	}
	return results, ops
}

func sameResult(a, b *wire.MultiResult) bool {
	return a.Op == b.Op && a.Code == b.Code && a.Path == b.Path && a.Stat == b.Stat &&
		sameBytes(a.Data, b.Data) && slices.Equal(a.Children, b.Children)
}

// sameBytes tells null from empty (INV-T15).
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
