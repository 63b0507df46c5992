package replica

import (
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/prep"
	"ostler/internal/session"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// aClock stands still.
type aClock struct{ env.Clock }

func (aClock) Now() time.Time { return epoch }

// noWaker wakes nobody.
type noWaker struct{}

func (noWaker) Wake() {}

// A leader lets sessions go on, at itself and at learners; one that only waits until the
// configuration without it is on record answers nobody, so that no client is let in just
// to be sent away again.
func TestWhoHasCeasedToLeadLetsNobodyIn(t *testing.T) {
	const self, follower, id = zk.ServerID(1), zk.ServerID(2), zk.SessionID(7)
	for _, c := range []struct {
		name     string
		resigned bool
		answers  int
		owner    zk.ServerID
	}{
		{name: "a leader", answers: 1, owner: follower},
		{name: "one that has ceased to lead", resigned: true, owner: 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &Replica{
				clock: aClock{}, cfg: &config.Config{MyID: self}, phase: leading, serving: true, prep: new(prep.Preparer), applier: new(applyLoop),
				sessions: session.New(time.Second),
			}
			r.applier.inbox.Init(noWaker{})
			r.sessions.Add(id, 10*time.Second, 3, epoch)
			if c.resigned {
				r.activating = &activation{
					Activation: zab.Activation{Config: new(ensemble.Config), Leader: follower}, stepDown: "another leads",
				}
			}
			r.onRevalidate(id, 10_000)
			if got := r.applier.inbox.Len(); got != c.answers {
				t.Errorf("%d answers for its own client, want %d", got, c.answers)
			}
			r.onRevalidation(zab.Revalidation{From: follower, Session: id, Timeout: 10_000})
			if owner, _ := r.sessions.Owner(id); owner != c.owner {
				t.Errorf("the session is at server %d, want %d", owner, c.owner)
			}
		})
	}
}
