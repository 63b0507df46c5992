package prep

import (
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// multi plans all operations or none (client-protocol.md 6.2). Each sees those
// before it; all share one zxid and one time. A multi of which one operation is
// refused is a transaction too, which changes nothing and says what failed.
//
// The session is looked at once more for the whole: a moved session costs the
// connection (2.12), which servers recognise by an error transaction, and an empty
// multi of a closed session is no exception to INV-X10.
func (d *draft) multi(ops []operation) (txn.Body, zk.Code) {
	if code := d.checkSession(); code == zk.SessionMoved || code != zk.OK && len(ops) == 0 {
		return nil, code
	}
	m := &txn.Multi{Ops: make([]txn.Op, len(ops))}
	for i := range ops {
		body, code := d.operation(&ops[i])
		if code != zk.OK {
			d.rollback()
			fail(m.Ops[i:], code)
			break
		}
		m.Ops[i] = txn.Op{Type: ops[i].op, Body: body}
	}
	return m, zk.OK
}

// fail fills in the results from the refused operation on.
func fail(ops []txn.Op, code zk.Code) {
	for i := range ops {
		ops[i] = txn.Op{Type: zk.OpError, Body: &txn.Error{Code: code}}
		code = zk.RuntimeInconsistency
	}
}
