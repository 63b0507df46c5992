package replica

import (
	"log/slog"
	"testing"

	"ostler/internal/config"
	"ostler/internal/election"
	"ostler/internal/ensemble"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/zab"
)

// A proposal comes in the same step as the news that a configuration is on record which
// ends the role. The history has the proposal, so the log gets it before the role ends:
// else a vote would speak for more than is on disk, and the log would go on behind a hole
// (INV-Z12, INV-R6).
func TestWhatCameInTheStepThatEndsARoleIsLogged(t *testing.T) {
	recs, _ := created()
	c, err := ensemble.ParseConfig([]byte("server.1=a:1:2:participant;3\nserver.2=b:1:2:observer;3\nversion=1"))
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Defaults()
	cfg.MyID, cfg.Ensemble = 2, c
	r := &Replica{
		cfg: cfg, log: slog.New(slog.DiscardHandler), clock: aClock{}, ensemble: c, history: zab.NewHistory(0),
		phase: learning, role: peerwire.Following, term: 7, leaderID: 1,
		applier: &applyLoop{}, logger: &logLoop{}, keeper: &keeperLoop{}, pusher: &pusherLoop{}, links: make(map[zab.LinkID]*peers.Link),
		activating: &activation{Activation: zab.Activation{Config: c}},
	}
	r.applier.inbox.Init(sleeper{})
	r.logger.inbox.Init(sleeper{})
	r.election = election.New(r.electionOptions())
	r.history.Append(recs[0])
	r.out.Append = append(r.out.Append, recs[0])
	r.onRecorded(c)

	if r.phase != draining {
		t.Fatalf("the role goes on: phase %d", r.phase)
	}
	got := r.logger.inbox.Take()
	if len(got) != 2 {
		t.Fatalf("the log gets %+v, want a transaction and the end of the role", got)
	}
	logged, _ := got[0].(logAppend)
	if _, ends := got[1].(logIdle); !ends || logged.term != 7 || len(logged.recs) != 1 || logged.recs[0] != recs[0] {
		t.Errorf("the log gets %+v, want the transaction %v and then the end of the role", got, recs[0].Zxid)
	}
}
