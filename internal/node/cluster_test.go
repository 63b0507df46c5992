package node_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/host"
	"ostler/internal/node"
)

// A member is one server of a test, on its own host.
type member struct {
	host *host.Host
	node *node.Node
}

// freePorts returns n loopback ports that were free a moment ago.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

// load reads a zoo.cfg with the given lines; id is written to myid unless 0.
func load(t *testing.T, dir string, id int, lines string, props map[string]string) *config.Config {
	t.Helper()
	if id != 0 {
		write(t, filepath.Join(dir, "myid"), fmt.Sprintln(id))
	}
	path := filepath.Join(t.TempDir(), "zoo.cfg")
	write(t, path, "tickTime=2000\ninitLimit=10\nsyncLimit=5\nmaxClientCnxns=0\n4lw.commands.whitelist=*\ndataDir="+dir+"\n"+lines)
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

// start runs a server; the error is that of New or Start, with all closed again.
func start(cfg *config.Config) (*member, error) { return startLogged(cfg, slog.DiscardHandler) }

func startLogged(cfg *config.Config, log slog.Handler) (*member, error) {
	h := host.New(slog.New(log))
	n, err := node.New(h.Env(), cfg, node.Options{})
	if err == nil {
		if err = n.Start(); err != nil {
			n.Stop()
		}
	}
	if err != nil {
		h.Close()
		return nil, err
	}
	return &member{host: h, node: n}, nil
}

func (m *member) stop() {
	m.node.Stop()
	m.host.Close()
}

// run is start for servers that must start; they stop with the test.
func run(t *testing.T, cfg *config.Config) *member {
	t.Helper()
	m, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	return m
}

// A logBuffer is what a server logs.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// await waits for a text in the log.
func (l *logBuffer) await(t *testing.T, want string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		l.mu.Lock()
		got := l.text.String()
		l.mu.Unlock()
		if strings.Contains(got, want) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the log has no %q after 10 s:\n%s", want, got)
		}
	}
}

// runLogged is run for a server whose log matters.
func runLogged(t *testing.T, cfg *config.Config) *logBuffer {
	t.Helper()
	l := new(logBuffer)
	m, err := startLogged(cfg, slog.NewTextHandler(l, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	return l
}

// ensembleOf3 returns the configurations of three fresh servers.
func ensembleOf3(t *testing.T) []*config.Config { return ensembleOf3Lines(t, "", nil) }

// ensembleOf3Lines is ensembleOf3 with more lines in zoo.cfg and system properties.
func ensembleOf3Lines(t *testing.T, lines string, props map[string]string) []*config.Config {
	t.Helper()
	ports := freePorts(t, 9)
	for i := range 3 {
		lines += fmt.Sprintf("server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d\n", i+1, ports[3*i], ports[3*i+1], ports[3*i+2])
	}
	var all []*config.Config
	for i := range 3 {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "version-2"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "initialize"), "")
		all = append(all, load(t, dir, i+1, lines, props))
	}
	return all
}

// word asks a four-letter word and returns the whole answer.
func word(t *testing.T, addr, w string) string {
	t.Helper()
	c := dial(t, addr)
	defer c.Close()
	if _, err := c.Write([]byte(w)); err != nil {
		t.Fatalf("%s: %v", w, err)
	}
	return readAll(t, c)
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { c.Close() })
	return c
}
