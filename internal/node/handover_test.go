package node_test

import (
	"strings"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An operator has another server lead: the word moves the leader, sessions live on, and
// no election is held (the epoch is the next one).
func TestTheLeaderIsMoved(t *testing.T) {
	var all []*member
	for _, cfg := range ensembleOf3(t) {
		cfg.FourLetterWhitelist = append(cfg.FourLetterWhitelist, "move")
		all = append(all, run(t, cfg))
	}
	for _, m := range all {
		awaitServing(t, m.node.ClientAddr())
	}
	leader := func() *member {
		for _, m := range all {
			if strings.Contains(word(t, m.node.ClientAddr(), "srvr"), "Mode: leader") {
				return m
			}
		}
		return nil
	}
	old := leader()
	c := rawConnect(t, old.node.ClientAddr(), wire.ConnectRequest{})
	c.want(zk.OpCreate, createRequest("/moved", zk.ModeEphemeral), zk.OK)
	for _, m := range all {
		if m != old {
			if got := word(t, m.node.ClientAddr(), "move"); !strings.Contains(got, "does not lead") {
				t.Errorf("a follower answers %q", got)
			}
		}
	}
	epoch := old.node.Replica().Status().Current
	if got := word(t, old.node.ClientAddr(), "move"); got != "Leadership is being handed over.\n" {
		t.Fatalf("the leader answers %q", got)
	}
	for end := time.Now().Add(10 * time.Second); leader() == nil || leader() == old; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no other server leads after 10 s")
		}
	}
	now := leader()
	if got := now.node.Replica().Status().Current; got != epoch+1 {
		t.Errorf("the new leader's epoch is %d, want %d", got, epoch+1)
	}
	again := rawConnect(t, now.node.ClientAddr(), c.again())
	if again.info.Session != c.info.Session {
		t.Errorf("session %v at the new leader, want %v", again.info.Session, c.info.Session)
	}
	again.want(zk.OpGetData, wire.PathWatchRequest{}, zk.OK)
}
