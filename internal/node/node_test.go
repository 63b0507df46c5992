package node_test

import (
	"encoding/hex"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/env"
)

// Three servers elect, replicate a write, and leave nothing behind: neither
// goroutines nor file descriptors nor sessions.
func TestEnsembleLeavesNothing(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	before := descriptors(t)
	t.Run("life", func(t *testing.T) {
		cfgs := ensembleOf3(t)
		for _, cfg := range cfgs {
			run(t, cfg)
		}
		for _, cfg := range cfgs {
			awaitServing(t, cfg.ClientAddr)
		}
		leaders := 0
		for _, cfg := range cfgs {
			if strings.Contains(word(t, cfg.ClientAddr, "srvr"), "Mode: leader") {
				leaders++
			}
		}
		if leaders != 1 {
			t.Errorf("got %d leaders of three servers, want 1", leaders)
		}
		writeAndRead(t, cfgs[0].ClientAddr, cfgs[2].ClientAddr)
		for _, cfg := range cfgs {
			got := gauge(t, cfg.ClientAddr, "zk_global_sessions")
			for end := time.Now().Add(5 * time.Second); got != "0" && time.Now().Before(end); {
				got = gauge(t, cfg.ClientAddr, "zk_global_sessions") // a follower is a moment behind
			}
			if got != "0" {
				t.Errorf("%s has %s sessions after all were closed, want 0", cfg.ClientAddr, got)
			}
		}
	})
	if err := goleak.Find(ignore); err != nil {
		t.Error(err)
	}
	if after := descriptors(t); after > before {
		t.Errorf("got %d open files after Stop, had %d before", after, before)
	}
}

// writeAndRead creates /n through one server and reads it through another after a sync.
func writeAndRead(t *testing.T, writer, reader string) {
	t.Helper()
	const (
		connect = "0000002d000000000000000000000000000075300000000000000000000000100000000000000000000000000000000000"
		create  = "00000032000000010000000100000002" + "2f6e" + "0000000178" + "000000010000001f00000005776f726c6400000006616e796f6e6500000000"
		sync    = "0000000e000000010000000900000002" + "2f6e"
		getData = "0000000f000000020000000400000002" + "2f6e00"
		closing = "0000000800000003fffffff5"
	)
	exchange(t, writer, connect, create, closing)
	replies := exchange(t, reader, connect, sync, getData, closing)
	if got := hex.EncodeToString(replies[2]); len(got) < 50 || got[32:50] != "000000000000000178" {
		t.Errorf("getData of /n: got %s, want OK and data x", got)
	}
}

// exchange sends each frame and reads one reply for it, on one connection.
func exchange(t *testing.T, addr string, frames ...string) [][]byte {
	t.Helper()
	c := dial(t, addr)
	var replies [][]byte
	for _, f := range frames {
		b, err := hex.DecodeString(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write(b); err != nil {
			t.Fatalf("send %s to %s: %v", f, addr, err)
		}
		r, err := readOne(c, false, 0)
		if err != nil {
			t.Fatalf("reply to %s from %s: %v", f, addr, err)
		}
		replies = append(replies, r)
	}
	c.Close()
	return replies
}

// gauge is a value of mntr.
func gauge(t *testing.T, addr, name string) string {
	t.Helper()
	for line := range strings.Lines(word(t, addr, "mntr")) {
		if v, ok := strings.CutPrefix(line, name+"\t"); ok {
			return strings.TrimSuffix(strings.TrimSpace(v), ".0")
		}
	}
	t.Errorf("mntr of %s has no %s", addr, name)
	return ""
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestStartErrors(t *testing.T) {
	const lines = "clientPort=2181\n"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()

	t.Run("client port in use", func(t *testing.T) {
		cfg := load(t, t.TempDir(), 0, lines, nil)
		cfg.ClientAddr = taken.Addr().String()
		wantError(t, startError(cfg), nil, "open client port", cfg.ClientAddr)
	})
	t.Run("election port in use", func(t *testing.T) {
		cfg := ensembleOf3(t)[0]
		own := cfg.Ensemble.Members[1]
		own.ElectionAddr = ensemble.Addrs(taken.Addr().String())
		cfg.Ensemble.Members[1] = own
		cfg.Learners.ElectionBinds = 1
		wantError(t, startError(cfg), nil, "open election port", own.ElectionAddr.First())
	})
	t.Run("data directory locked", func(t *testing.T) {
		dir := t.TempDir()
		cfg := load(t, dir, 0, lines, nil)
		cfg.ClientAddr = "127.0.0.1:0"
		run(t, cfg)
		wantError(t, startError(cfg), env.ErrLocked, dir)
	})
	t.Run("data directory below a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		write(t, file, "")
		cfg := load(t, t.TempDir(), 0, lines, nil)
		cfg.DataDir = filepath.Join(file, "data")
		wantError(t, startError(cfg), nil, cfg.DataDir)
	})
	t.Run("foreign epochs", func(t *testing.T) {
		cfg := ensembleOf3(t)[0]
		write(t, filepath.Join(cfg.DataDir, "version-2", "acceptedEpoch"), "2")
		write(t, filepath.Join(cfg.DataDir, "version-2", "currentEpoch"), "7")
		wantError(t, startError(cfg), nil, "poch")
	})
}

func startError(cfg *config.Config) error {
	m, err := start(cfg)
	if err == nil {
		m.stop()
	}
	return err
}

// wantError checks that err is there, is target unless nil, and names all parts.
func wantError(t *testing.T, err, target error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one that names %q", parts)
	}
	if target != nil && !errors.Is(err, target) {
		t.Errorf("got error %v, want %v", err, target)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("got error %q, which does not name %q", err, p)
		}
	}
}

func TestWords(t *testing.T) {
	standalone := load(t, t.TempDir(), 0, "clientPort=2181\n", nil)
	standalone.ClientAddr = "127.0.0.1:0"
	m := run(t, standalone)
	awaitServing(t, m.node.ClientAddr())
	alone := ensembleOf3(t)[0] // its peers do not run
	run(t, alone)
	const notServing = "This ZooKeeper instance is not currently serving requests"
	for _, c := range []struct{ word, serving, waiting string }{
		{"ruok", "imok", "imok"},
		{"srvr", "Mode: standalone", notServing},
		{"stat", "Clients:", notServing},
		{"mntr", "zk_server_state\tstandalone", notServing},
		{"dump", "SessionTracker dump:", notServing},
		{"cons", "127.0.0.1:", notServing},
		{"wchs", "Total watches:0", notServing},
		{"isro", "rw", "null"},
		{"conf", "tickTime=2000", notServing},
		{"envi", "zookeeper.version=", "zookeeper.version="},
	} {
		if got := word(t, m.node.ClientAddr(), c.word); !strings.Contains(got, c.serving) {
			t.Errorf("%s of a serving server: got %q, want %q in it", c.word, got, c.serving)
		}
		if got := word(t, alone.ClientAddr, c.word); !strings.Contains(got, c.waiting) {
			t.Errorf("%s of a server without quorum: got %q, want %q in it", c.word, got, c.waiting)
		}
	}
}

func TestTraceMask(t *testing.T) { // operations.md 2.3: stmk takes 8 more bytes, in as many pieces as they come
	const lines = "clientPort=2181\n"
	for _, c := range []struct {
		whitelist, before, answer, after string
	}{
		{"*", "306", "513", "513"},
		{"gtmk", "306", "stmk is not executed because it is not in the whitelist.\n", "306"},
	} {
		cfg := load(t, t.TempDir(), 0, lines, nil)
		cfg.ClientAddr, cfg.FourLetterWhitelist = "127.0.0.1:0", []string{c.whitelist}
		addr := run(t, cfg).node.ClientAddr()
		if got := word(t, addr, "gtmk"); got != c.before {
			t.Errorf("gtmk answered %q, want %q", got, c.before)
		}
		conn := dial(t, addr)
		for _, piece := range []string{"st", "mk\x00\x00\x00\x00", "\x00\x00\x02\x01"} {
			if _, err := conn.Write([]byte(piece)); err != nil {
				break // refused by what came before
			}
		}
		if got := readAll(t, conn); got != c.answer {
			t.Errorf("stmk answered %q, want %q", got, c.answer)
		}
		if got := word(t, addr, "gtmk"); got != c.after {
			t.Errorf("gtmk answered %q afterwards, want %q", got, c.after)
		}
	}
}
