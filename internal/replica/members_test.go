package replica

import (
	"log/slog"
	"testing"

	"ostler/internal/config"
	"ostler/internal/election"
	"ostler/internal/ensemble"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// configuration has servers of one address each.
func configuration(version zk.Zxid, ids ...zk.ServerID) *ensemble.Config {
	c := &ensemble.Config{Version: int64(version), Members: make(map[zk.ServerID]ensemble.Member)}
	for _, id := range ids {
		host := string(rune('a' + id - 1))
		c.Members[id] = ensemble.Member{ID: id, QuorumAddr: ensemble.Addrs(host + ":2888"), ElectionAddr: ensemble.Addrs(host + ":3888")}
	}
	return c
}

// treeWith is a tree in which c was the last transaction.
func treeWith(cfg *config.Config, c *ensemble.Config) *tree.Tree {
	t := tree.New(treeOptions(cfg, slog.New(slog.DiscardHandler), new(Alarms)))
	t.SetConfig(c.Text(), c.Version, 0)
	t.SetLastZxid(zk.Zxid(c.Version))
	return t
}

// A configuration that was proposed counts as long as the history has it (quorum.md R14).
// A leader that cuts it off, or replaces the history, ends that at once, not only when
// the next election begins; and what its snapshot brings counts from then on.
func TestWhatIsProposedEndsWithItsTransaction(t *testing.T) {
	cfg := config.Defaults()
	cfg.MyID, cfg.ReconfigEnabled = 1, true
	before, dropped := configuration(0x100000000, 1, 2, 3), configuration(0x100000005, 1, 2, 3, 4)
	newer := configuration(0x200000001, 1, 2, 3, 5)
	for _, c := range []struct {
		name   string
		leader peerwire.Packet
		then   func(r *Replica)
		want   *ensemble.Config
	}{
		{
			"cut off",
			peerwire.Packet{Type: peerwire.Trunc, Zxid: 0x100000004},
			func(r *Replica) { r.onTruncated(evTruncated{last: 0x100000004, tree: treeWith(cfg, before)}) }, nil,
		},
		{
			"nothing to cut off",
			peerwire.Packet{Type: peerwire.Trunc, Zxid: 0x100000005},
			func(r *Replica) { r.onTruncated(evTruncated{last: 0x100000005}) }, dropped,
		},
		{
			"replaced",
			peerwire.Packet{Type: peerwire.Snap, Zxid: 0x200000009},
			func(r *Replica) { r.onInstalled(evInstalled{zxid: 0x200000009, tree: treeWith(cfg, before)}) }, nil,
		},
		{
			"replaced by another",
			peerwire.Packet{Type: peerwire.Snap, Zxid: 0x200000009},
			func(r *Replica) { r.onInstalled(evInstalled{zxid: 0x200000009, tree: treeWith(cfg, newer)}) }, newer,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Replica{
				cfg: cfg, log: slog.New(slog.DiscardHandler), clock: aClock{}, phase: learning, ensemble: before,
				mesh: peers.NewMesh(peers.MeshOptions{}), history: zab.NewHistory(0x100000003), applier: new(applyLoop), pusher: new(pusherLoop),
			}
			r.applier.inbox.Init(sleeper{})
			for _, z := range []zk.Zxid{0x100000004, 0x100000005} {
				r.history.Append(txn.NewRecord(txn.Txn{Header: txn.Header{Zxid: z, Type: zk.OpError}, Body: &txn.Error{Code: zk.NoNode}}))
			}
			r.election = election.New(r.electionOptions())
			r.findPending(treeWith(cfg, dropped))
			if r.ensemble.Next == nil || !r.ensemble.IsVoter(4) {
				t.Fatalf("%v does not count, which the history has", dropped)
			}
			var out zab.Output
			o := r.zabOptions()
			o.Accepted, o.Current = 2, 1
			r.learner = zab.NewLearner(o, 1, epoch, &out)
			for _, p := range []peerwire.Packet{{Type: peerwire.LeaderInfo, Zxid: 0x200000000, Data: []byte{0, 1, 0, 0}}, c.leader} {
				r.learner.Step(epoch, zab.Received{Link: 1, Packet: p}, &out)
			}
			if out.StepDown != "" {
				t.Fatal(out.StepDown)
			}
			c.then(r)
			got := r.ensemble.Next
			if (got == nil) != (c.want == nil) || got != nil && string(got.Text()) != string(c.want.Text()) {
				t.Errorf("proposed behind the one in force: %v, want %v", got, c.want)
			}
		})
	}
}
