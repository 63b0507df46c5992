package replica

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// observerOf is observer 6 of five voters, of which 5 leads.
func observerOf(l config.Learners) *Replica {
	c := &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member)}
	for id := zk.ServerID(1); id <= 6; id++ {
		host := string(rune('a' + id - 1))
		c.Members[id] = ensemble.Member{ID: id, QuorumAddr: ensemble.Addrs(host + ":2888|" + host + "2:2888"), ElectionAddr: ensemble.Addrs(host + ":3888")}
	}
	own := c.Members[6]
	own.Role = ensemble.Observer
	c.Members[6] = own
	cfg := config.Defaults()
	cfg.MyID, cfg.Ensemble, cfg.SyncLimit, cfg.Learners = 6, c, 5, l
	return &Replica{
		cfg: cfg, ensemble: c, leaderID: 5, role: peerwire.Observing,
		rand: rand.New(rand.NewPCG(1, 2)), log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// Masters are tried one after another, at the observer's own port, and the leader never;
// who was left is the last to be tried again (quorum.md 4.18).
func TestMastersAreTriedInTurn(t *testing.T) {
	r := observerOf(config.Learners{MasterPort: 2191})
	leader, _ := r.member(5)
	var order []zk.ServerID
	for range 8 {
		m := r.upstream(leader)
		if want := masterAddrs(r.ensemble.Members[m.ID], 2191); m.QuorumAddr != want || r.masters.at != m.ID {
			t.Fatalf("server %d at %q, want %q; noted as %d", m.ID, m.QuorumAddr, want, r.masters.at)
		}
		order = append(order, m.ID)
	}
	first := slices.Sorted(slices.Values(order[:4]))
	if !slices.Equal(first, []zk.ServerID{1, 2, 3, 4}) || !slices.Equal(order[:4], order[4:]) {
		t.Errorf("tried %v, want all followers in one order", order)
	}
	if got := masterAddrs(leader, 2191); got != "e:2191|e2:2191" {
		t.Errorf("addresses %q", got)
	}
	r.role = peerwire.Following
	if m := r.upstream(leader); m.ID != 5 || m.QuorumAddr != leader.QuorumAddr || r.masters.at != 0 {
		t.Errorf("a follower follows %d at %q", m.ID, m.QuorumAddr)
	}
}

// A pause follows each round of masters, and each try of a leader.
func TestPausesBetweenTries(t *testing.T) {
	r := observerOf(config.Learners{MasterPort: 2191, DialPause: 50 * time.Millisecond, ReconnectDelay: time.Nanosecond})
	for tries := 1; tries < 8; tries++ {
		want := time.Duration(0)
		if tries%4 == 0 {
			want = 50 * time.Millisecond
		}
		if got, last := r.dialPauseAfter(tries); got != want || last {
			t.Errorf("after %d tries of masters: pause %v, last %v, want %v", tries, got, last, want)
		}
	}
	if _, last := r.dialPauseAfter(4 * dialTries); !last {
		t.Error("the masters are tried for ever")
	}
	r.role = peerwire.Following
	for tries, want := range map[int]time.Duration{1: dialFirstPause, 2: 2 * dialFirstPause, 9: 50 * time.Millisecond} {
		if got, last := r.dialPauseAfter(tries); got != want || last {
			t.Errorf("after %d tries of the leader: pause %v, last %v, want %v", tries, got, last, want)
		}
	}
}

// An observer that follows the leader puts off coming back, a follower does not.
func TestObserversComeBackLater(t *testing.T) {
	r := observerOf(config.Learners{ReconnectDelay: time.Hour})
	now := time.Unix(1000, 0)
	r.dial.deadline = now
	if !r.delayConnecting(now) || !r.dial.next.After(now) || r.dial.next.After(now.Add(time.Hour)) || !r.dial.deadline.Equal(r.dial.next) {
		t.Errorf("connects at %v, until %v", r.dial.next, r.dial.deadline)
	}
	r.role = peerwire.Following
	if r.delayConnecting(now) {
		t.Error("a follower waits")
	}
}

// A master keeps transactions for observers up to a size, small ones too.
func TestWhatAMasterKeeps(t *testing.T) {
	r := observerOf(config.Learners{MasterBytes: 1 << 20})
	r.cfg.CommitLogCount = 500
	if count, bytes := r.kept(); count != 500 || bytes != historyBytes {
		t.Errorf("without observers %d transactions and %d bytes are kept", count, bytes)
	}
	r.master = &observerMaster{}
	if count, bytes := r.kept(); count != 2048 || bytes != 1<<20 {
		t.Errorf("a master keeps %d transactions and %d bytes, want 2048 and 1 MiB", count, bytes)
	}
}

// quorumCnxnTimeoutMs bounds the handshake of election connections, else syncLimit does.
func TestHandshakeTimeout(t *testing.T) {
	r := observerOf(config.Learners{Handshake: 700 * time.Millisecond})
	if got := r.meshOptions().HandshakeTimeout; got != 700*time.Millisecond {
		t.Errorf("%v, want what is set", got)
	}
	r.cfg.Learners.Handshake = -1
	if got := r.meshOptions().HandshakeTimeout; got != 5*r.cfg.Tick {
		t.Errorf("%v, want 5 ticks", got)
	}
}
