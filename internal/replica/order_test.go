package replica

import (
	"testing"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/zab"
)

// A sleeper is a loop that is woken and does nothing.
type sleeper struct{}

func (sleeper) Wake() {}

// An epoch begins behind the transactions that wait for a configuration to be recorded,
// not before: the tree would be taken for one that has them, also by a snapshot.
func TestAnEpochBeginsBehindWhatWaits(t *testing.T) {
	recs, _ := created()
	c := &ensemble.Config{Version: int64(recs[0].Zxid)}
	r := &Replica{
		cfg: config.Defaults(), phase: leading, ensemble: c, history: zab.NewHistory(0), applier: &applyLoop{},
		activating: &activation{Activation: zab.Activation{Config: c}},
	}
	r.applier.inbox.Init(sleeper{})
	for _, rec := range recs {
		r.history.Append(rec)
	}
	r.onDelivery(zab.Delivery{Commit: recs[1].Zxid})
	r.inOrder(func() { r.applier.put(applyEpoch{epoch: 2}) })
	r.onDelivery(zab.Delivery{Commit: recs[3].Zxid})
	if got := r.applier.inbox.Take(); len(got) > 0 {
		t.Fatalf("%+v came before the configuration was recorded", got)
	}
	r.onRecorded(c)
	got := r.applier.inbox.Take()
	if len(got) != 3 {
		t.Fatalf("got %+v, want two transactions, the epoch, and two more", got)
	}
	first, _ := got[0].(applyRecords)
	epoch, _ := got[1].(applyEpoch)
	second, _ := got[2].(applyRecords)
	if len(first.recs) != 2 || epoch.epoch != 2 || len(second.recs) != 2 {
		t.Errorf("got %+v, want two transactions, the epoch, and two more", got)
	}
}
