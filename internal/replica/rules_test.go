package replica

import (
	"log/slog"
	"strings"
	"testing"

	"ostler/internal/config"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// A doors is a client side that records whether it is open and what it was told.
type doors struct {
	Clients
	service zk.Service
	applied []zk.Zxid
}

func (d *doors) Fire(tree.Change)                                      {}
func (d *doors) Applied(rec *txn.Record, _ *tree.Result)               { d.applied = append(d.applied, rec.Zxid) }
func (d *doors) SetService(service zk.Service, _ *tree.Tree, _ uint64) { d.service = service }

type nobody struct{}

func (nobody) Wake() {}

// R12: the leader's digest of the tree after a transaction is another than here. This
// state is not to be trusted: the doors close before any client hears of the
// transaction, nothing more is applied, and the server stops.
func TestR12ADigestMismatchStopsTheServer(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, off := range []uint64{0, 1} {
		clients := &doors{service: zk.FullService}
		var failed error
		r := &Replica{
			o:   Options{Clients: clients, Failed: func(err error) { failed = err }},
			cfg: config.Defaults(), log: log,
		}
		r.inbox.Init(nobody{})
		a := &applyLoop{r: r}
		a.inbox.Init(nobody{})
		r.applier = a
		r.pusher = &pusherLoop{}
		r.history = zab.NewHistory(0)
		leader := tree.New(treeOptions(r.cfg, log, new(Alarms)))
		a.current.Store(tree.New(treeOptions(r.cfg, log, new(Alarms))))
		var recs []*txn.Record
		for i, path := range []string{"/a", "/b", "/c"} {
			rec := txn.Txn{
				Header: txn.Header{Session: 1, Zxid: zk.Zxid(i + 1), Type: zk.OpCreate},
				Body:   &txn.Create{Path: path, ACL: zk.OpenACL(), ParentCreates: -1},
			}
			leader.Apply(&rec, func(tree.Change) {})
			rec.Digest = &txn.Digest{Version: txn.DigestVersion, Tree: leader.Digest()}
			if path == "/b" {
				rec.Digest.Tree += off
			}
			recs = append(recs, txn.NewRecord(rec))
		}
		applyRecords{recs}.run(a)
		if off == 0 {
			if len(clients.applied) != 3 || clients.service != zk.FullService {
				t.Errorf("equal digests: applied %v, service %v", clients.applied, clients.service)
			}
			continue
		}
		if len(clients.applied) != 1 || clients.service != zk.NoService {
			t.Errorf("clients heard of %v, service %v; want the first only, and closed doors", clients.applied, clients.service)
		}
		applyRecords{recs[2:]}.run(a)
		if z := a.tree().LastZxid(); z != 2 {
			t.Errorf("applied up to %v behind the mismatch, want 0x2", z)
		}
		for _, ev := range r.inbox.Take() {
			if m, ok := ev.(evMismatch); ok {
				if m.zxid != 2 {
					t.Errorf("mismatch at %v, want 0x2", m.zxid)
				}
				m.handle(r)
			}
		}
		if failed == nil || !strings.Contains(failed.Error(), "digest") || r.phase != stopped {
			t.Errorf("the server goes on: phase %d, %v", r.phase, failed)
		}
	}
}
