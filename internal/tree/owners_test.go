package tree

import (
	"fmt"
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// The ephemerals of a session appear with one multi and go with one closeSession: no
// reader sees a part of either (INV-S2, INV-X4).
func TestEphemeralsComeAndGoTogether(t *testing.T) {
	const (
		session = zk.SessionID(1<<56 | 7)
		nodes   = 50
		rounds  = 200
	)
	tr := New(Options{})
	stop := make(chan struct{})
	seen := make(chan error, 1)
	go func() {
		defer close(seen)
		last := zk.Zxid(0)
		for {
			select {
			case <-stop:
				return
			default:
			}
			paths, zxid := tr.EphemeralsAt(session)
			// Zxid n makes them when n is odd, and ends the session when it is even.
			if want := int(zxid%2) * nodes; len(paths) != want || zxid < last {
				seen <- fmt.Errorf("at %v, after %v: %d ephemerals, want %d", zxid, last, len(paths), want)
				return
			}
			last = zxid
		}
	}()
	create, paths := &txn.Multi{}, []string(nil)
	for i := range nodes {
		path := fmt.Sprintf("/e%d", i)
		paths = append(paths, path)
		create.Ops = append(create.Ops, txn.Op{Type: zk.OpCreate, Body: &txn.Create{
			Path: path, ACL: zk.OpenACL(), Ephemeral: true, ParentCreates: -1,
		}})
	}
	for z := zk.Zxid(1); z <= 2*rounds; z++ {
		tx := &txn.Txn{Header: txn.Header{Session: session, Zxid: z, Type: zk.OpMulti}, Body: create}
		if z%2 == 0 {
			tx.Type, tx.Body = zk.OpCloseSession, &txn.CloseSession{Paths: paths, HasPaths: true}
		}
		tr.Apply(tx, func(Change) {})
	}
	close(stop)
	if err := <-seen; err != nil {
		t.Error(err)
	}
}
