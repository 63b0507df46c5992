package replica

import (
	"log/slog"
	"testing"

	"ostler/internal/config"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// An epoch begins in the tree when all transactions of earlier ones are applied. A tree
// that said so before would go into a snapshot that lacks them, and be replayed without
// them after a restart. What a learner delivers may wait for a configuration to be
// recorded, while its history reaches into the new epoch already.
func TestAnEpochBeginsBehindEarlierOnes(t *testing.T) {
	history := zab.NewHistory(0x600000027)
	for _, z := range []zk.Zxid{0x600000028, 0x600000029, 0x700000001} {
		history.Append(txn.NewRecord(txn.Txn{Header: txn.Header{Zxid: z, Type: zk.OpError}, Body: &txn.Error{Code: zk.NoNode}}))
	}
	begin := applyEpoch{epoch: 7, last: history.Last(), before: history.Before(7)}
	for _, c := range []struct{ tree, want zk.Zxid }{
		{0x600000027, 0x600000027},
		{0x600000028, 0x600000028},
		{0x600000029, 0x700000000},
		{0x700000001, 0x700000001},
	} {
		tr := tree.New(treeOptions(config.Defaults(), slog.New(slog.DiscardHandler), new(Alarms)))
		tr.SetLastZxid(c.tree)
		a := &applyLoop{r: &Replica{}}
		a.current.Store(tr)
		begin.run(a)
		if got := tr.LastZxid(); got != c.want {
			t.Errorf("a tree at %v is at %v when epoch 7 begins, want %v", c.tree, got, c.want)
		}
	}
}
