package fuzzlive

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/host"
	"ostler/internal/node"
	"ostler/internal/zk"
	"ostler/test/proc"
)

// The longest session; a well-behaved client may wait as long for an answer.
const (
	sessionMax = 8 * time.Second
	common     = "tickTime=500\ninitLimit=20\nsyncLimit=20\nmaxSessionTimeout=8000\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n"
)

// A world is a standalone server or an ensemble.
type world struct {
	name    string
	members []*member

	mu       sync.Mutex
	sessions []zk.SessionID // of well-behaved clients
}

// A member is one server, on its own host.
type member struct {
	cfg  *config.Config
	host *host.Host
	node *node.Node
}

func startStandalone(t *testing.T) *world {
	cfg := load(t, t.TempDir(), 0, "clientPort=2181\n")
	cfg.ClientAddr = "127.0.0.1:0"
	return startWorld(t, "standalone", cfg)
}

func startEnsemble(t *testing.T) *world {
	ports := proc.FreePorts(t, 9)
	lines := ""
	for i := range 3 {
		lines += fmt.Sprintf("server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d\n", i+1, ports[3*i], ports[3*i+1], ports[3*i+2])
	}
	var cfgs []*config.Config
	for i := range 3 {
		cfgs = append(cfgs, load(t, t.TempDir(), i+1, lines))
	}
	return startWorld(t, "ensemble", cfgs...)
}

func startWorld(t *testing.T, name string, cfgs ...*config.Config) *world {
	w := &world{name: name}
	for _, cfg := range cfgs {
		m := &member{cfg: cfg}
		m.create(t)
		if err := m.node.Start(); err != nil {
			t.Fatal(err)
		}
		w.members = append(w.members, m)
	}
	t.Cleanup(w.stop)
	return w
}

// create makes the server, which loads its data.
func (m *member) create(t *testing.T) {
	t.Helper()
	m.host = host.New(slog.New(complaints{t}))
	n, err := node.New(m.host.Env(), m.cfg, node.Options{})
	if err != nil {
		m.host.Close()
		t.Fatal(err)
	}
	m.node = n
}

// stop stops all servers; more than once does no harm.
func (w *world) stop() {
	for _, m := range w.members {
		if m.node != nil {
			m.node.Stop()
			m.host.Close()
			m.node = nil
		}
	}
}

// addr is the client address of the i-th server, counted around.
func (w *world) addr(i int) string { return w.members[i%len(w.members)].node.ClientAddr() }

func (w *world) awaitServing(t *testing.T) {
	t.Helper()
	for i := range w.members {
		eventually(t, w.name+" gives sessions", func() bool {
			p, err := connect(w.addr(i))
			if err != nil {
				return false
			}
			return p.end() == nil
		})
	}
}

// complaints fails the test for every error that a server logs: an alarm about a
// transaction that it prepared itself, a digest that differs, its own end. Only
// the nodes of quotas may be spoilt: any client may write them.
type complaints struct{ t *testing.T }

func (complaints) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (c complaints) WithAttrs([]slog.Attr) slog.Handler         { return c }
func (c complaints) WithGroup(string) slog.Handler              { return c }

func (c complaints) Handle(_ context.Context, r slog.Record) error {
	var attrs []string
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a.String()); return true })
	if text := strings.Join(attrs, " "); !strings.Contains(text, "(client-protocol.md H3)") {
		c.t.Errorf("a server logged an error: %s %s", r.Message, text)
	}
	return nil
}

// A stock is what may grow while clients come, and must be gone when they are.
type stock struct{ goroutines, files, connections, sessions, watches, ephemerals int }

func takeStock(t *testing.T, worlds []*world) stock {
	t.Helper()
	s := stock{goroutines: runtime.NumGoroutine(), files: descriptors(t)}
	for _, w := range worlds {
		for i := range w.members {
			gauge := w.gauges(t, i)
			s.connections += gauge("zk_num_alive_connections") - 1 // the one that asks
			s.sessions += gauge("zk_global_sessions")
			s.watches += gauge("zk_watch_count")
			s.ephemerals += gauge("zk_ephemerals_count")
		}
	}
	return s
}

// calmStock waits until nothing is under way.
func calmStock(t *testing.T, worlds []*world) stock {
	t.Helper()
	s := takeStock(t, worlds)
	for same := 0; same < 10; {
		now := takeStock(t, worlds)
		if now == s {
			same++
		} else {
			s, same = now, 0
		}
	}
	if s.connections != 0 || s.sessions != 0 || s.watches != 0 || s.ephemerals != 0 {
		t.Fatalf("before anything began there was %+v", s)
	}
	return s
}

// awaitStock waits until no more is left than before, and every member of an ensemble
// has applied the same.
func awaitStock(t *testing.T, worlds []*world, before stock) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		now := takeStock(t, worlds)
		if now.goroutines <= before.goroutines && now.files <= before.files && now.connections == 0 &&
			now.sessions == 0 && now.watches == 0 && now.ephemerals == 0 && agreed(worlds) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left behind: %+v, before %+v; members agree: %v", now, before, agreed(worlds))
		}
		time.Sleep(10 * time.Millisecond) // polls; nothing depends on how long it takes
	}
}

// gauges asks the i-th server for its numbers, and returns what looks them up.
func (w *world) gauges(t *testing.T, i int) func(name string) int {
	t.Helper()
	c, err := net.DialTimeout("tcp", w.addr(i), sessionMax)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte("mntr")); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			all[name] = int(n)
		}
	}
	return func(name string) int {
		n, ok := all[name]
		if !ok {
			t.Fatalf("mntr of %s tells nothing of %s", w.name, name)
		}
		return n
	}
}

func agreed(worlds []*world) bool {
	for _, w := range worlds {
		for _, m := range w.members {
			if m.node.Replica().Tree().LastZxid() != w.members[0].node.Replica().Tree().LastZxid() {
				return false
			}
		}
	}
	return true
}

// checkRestart stops the servers, which must hold the same tree, and wants that
// tree again from every data directory.
func (w *world) checkRestart(t *testing.T) {
	t.Helper()
	var digests []uint64
	for _, m := range w.members {
		tree := m.node.Replica().Tree()
		m.node.Stop()
		m.host.Close()
		m.node = nil
		digests = append(digests, tree.Digest()) // its owner has ended
	}
	for i, m := range w.members {
		if digests[i] != digests[0] {
			t.Errorf("%s: server %d ends with digest %d, the first with %d", w.name, i+1, digests[i], digests[0])
		}
		m.create(t)
		if got := m.node.Replica().Tree().Digest(); got != digests[i] {
			t.Errorf("%s: server %d loads a tree with digest %d, it stopped with %d", w.name, i+1, got, digests[i])
		}
		if err := m.node.Start(); err != nil {
			t.Fatal(err)
		}
	}
	w.awaitServing(t)
	w.stop()
}

// load makes a configuration; id is written to myid unless 0.
func load(t *testing.T, dir string, id int, lines string) *config.Config {
	t.Helper()
	if id != 0 {
		write(t, filepath.Join(dir, "myid"), fmt.Sprintln(id))
	}
	path := filepath.Join(t.TempDir(), "zoo.cfg")
	write(t, path, common+"dataDir="+dir+"\n"+lines)
	props := map[string]string{"zookeeper.extendedTypesEnabled": "true"}
	cfg, _, err := config.Load(path, props, host.FS())
	if err != nil {
		t.Fatalf("load configuration %q: %v", lines, err)
	}
	cfg.PreallocSize = 64 << 10
	return cfg
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !cond(); {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
		time.Sleep(10 * time.Millisecond) // polls; nothing depends on how long it takes
	}
}
