package node_test

import (
	"errors"
	"net"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/ensemble"
)

// taken is a server of three whose election port somebody else has.
func taken(t *testing.T, tries int) (*config.Config, net.Listener) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cfg := ensembleOf3(t)[0]
	own := cfg.Ensemble.Members[1]
	own.ElectionAddr = ensemble.Addrs(l.Addr().String())
	cfg.Ensemble.Members[1] = own
	cfg.Learners.ElectionBinds = tries
	return cfg, l
}

// A server whose election port is not free tries again (electionPortBindRetry), and ends
// with the exit code that says so when that does not help (quorum.md 2.10).
func TestElectionPortIsNotFree(t *testing.T) {
	cfg, _ := taken(t, 2)
	m := run(t, cfg)
	<-m.node.Done()
	var own *config.Error
	if err := m.node.Err(); !errors.As(err, &own) || own.Exit != config.ExitElectionPort {
		t.Errorf("ended with %v, want exit code %d", err, config.ExitElectionPort)
	}
}

// One that is free later is used.
func TestElectionPortIsFreeLater(t *testing.T) {
	cfg, l := taken(t, 0)
	run(t, cfg)
	l.Close()
	addr := cfg.Ensemble.Members[1].ElectionAddr.First()
	for begun := time.Now(); ; {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("the election port is not opened: %v", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
