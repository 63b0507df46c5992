//go:build interop

package interop

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A kind says whose server a member runs.
type kind string

const (
	ostler kind = "ostler"
	apache kind = "apache"
)

// startLimit is how long anything may take to come up.
const startLimit = 60 * time.Second

// An ensemble is a set of server processes on loopback.
type ensemble struct {
	t       testing.TB
	dir     string
	members []*member
	extra   string // lines for every zoo.cfg
}

// A member is one server process, or the directory of one that is not running.
type member struct {
	t                        testing.TB
	id                       int
	kind                     kind
	observer                 bool
	dir                      string
	client, quorum, election int
	cmd                      *exec.Cmd
	exited                   chan struct{}
	log                      *os.File
	flags                    []string // -Dname=value
}

// binary builds the product once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ostler-interop")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ostler")
	build := exec.Command("go", "build", "-o", path, "ostler/cmd/ostler")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %v\n%s", err, out)
	}
	return path, nil
})

// ostlerPath returns the path of the product's binary.
func ostlerPath(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// newEnsemble prepares members with ids from 1, without starting them.
func newEnsemble(t testing.TB, kinds ...kind) *ensemble {
	t.Helper()
	e := &ensemble{t: t, dir: t.TempDir()}
	ports := freePorts(t, 3*len(kinds))
	for i, k := range kinds {
		m := &member{
			t: t, id: i + 1, kind: k, dir: filepath.Join(e.dir, fmt.Sprint(i+1)),
			client: ports[3*i], quorum: ports[3*i+1], election: ports[3*i+2],
		}
		e.members = append(e.members, m)
	}
	t.Cleanup(e.killAll)
	e.configure()
	return e
}

// configure writes every member's zoo.cfg and myid.
func (e *ensemble) configure() {
	e.t.Helper()
	var servers strings.Builder
	if len(e.members) > 1 {
		for _, m := range e.members {
			role := ""
			if m.observer {
				role = ":observer"
			}
			fmt.Fprintf(&servers, "server.%d=127.0.0.1:%d:%d%s\n", m.id, m.quorum, m.election, role)
		}
	}
	for _, m := range e.members {
		must(e.t, os.MkdirAll(m.dir, 0o755))
		cfg := fmt.Sprintf("tickTime=500\ninitLimit=20\nsyncLimit=10\ndataDir=%s\nclientPort=%d\n"+
			"4lw.commands.whitelist=*\nadmin.enableServer=false\nmaxClientCnxns=0\n"+
			"minSessionTimeout=1000\nmaxSessionTimeout=60000\n%s", m.dir, m.client, servers.String()+e.extra)
		if m.observer {
			cfg += "peerType=observer\n"
		}
		must(e.t, os.WriteFile(m.config(), []byte(cfg), 0o644))
		must(e.t, os.WriteFile(filepath.Join(m.dir, "myid"), fmt.Appendln(nil, m.id), 0o644))
	}
}

// startAll starts every member and waits until all serve.
func (e *ensemble) startAll() {
	e.t.Helper()
	for _, m := range e.members {
		m.start()
	}
	e.waitServing()
}

// waitServing waits until every running member serves.
func (e *ensemble) waitServing() {
	e.t.Helper()
	for _, m := range e.members {
		if m.cmd != nil {
			m.waitMode()
		}
	}
}

func (e *ensemble) killAll() {
	for _, m := range e.members {
		m.kill()
	}
}

// connect returns the connection string of all members.
func (e *ensemble) connect() string {
	var addrs []string
	for _, m := range e.members {
		addrs = append(addrs, m.addr())
	}
	return strings.Join(addrs, ",")
}

// leader returns the member that leads.
func (e *ensemble) leader() *member {
	e.t.Helper()
	for _, m := range e.members {
		if m.cmd != nil && (m.mode() == "leader" || m.mode() == "standalone") {
			return m
		}
	}
	e.t.Fatal("no leader")
	return nil
}

func (m *member) addr() string   { return fmt.Sprintf("127.0.0.1:%d", m.client) }
func (m *member) config() string { return filepath.Join(m.dir, "zoo.cfg") }

// start starts the process.
func (m *member) start() {
	m.t.Helper()
	log, err := os.OpenFile(filepath.Join(m.dir, "log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	must(m.t, err)
	m.log = log
	switch m.kind {
	case ostler:
		m.cmd = exec.Command(ostlerPath(m.t), append(append([]string{"server"}, m.flags...), m.config())...)
	case apache:
		args := append([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, m.flags...)
		m.cmd = exec.Command("java", append(args,
			"-cp", "/usr/share/java/zookeeper.jar", "org.apache.zookeeper.server.quorum.QuorumPeerMain", m.config())...)
	}
	m.cmd.Stdout, m.cmd.Stderr = log, log
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	must(m.t, m.cmd.Start())
	exited := make(chan struct{})
	m.exited = exited
	go func(cmd *exec.Cmd) {
		cmd.Wait()
		close(exited)
	}(m.cmd)
}

// kill is kill -9.
func (m *member) kill() { m.signal(syscall.SIGKILL) }

// stop is SIGTERM, and waits for the exit.
func (m *member) stop() int {
	cmd := m.cmd
	m.signal(syscall.SIGTERM)
	if cmd == nil {
		return 0
	}
	return cmd.ProcessState.ExitCode()
}

func (m *member) signal(s syscall.Signal) {
	if m.cmd == nil {
		return
	}
	m.cmd.Process.Signal(s)
	select {
	case <-m.exited:
	case <-time.After(20 * time.Second):
		m.t.Errorf("server %d did not end after %v", m.id, s)
		m.cmd.Process.Kill()
		<-m.exited
	}
	m.log.Close()
	m.cmd = nil
}

// word asks a four-letter word.
func (m *member) word(word string) string {
	c, err := net.DialTimeout("tcp", m.addr(), time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(c, word)
	b, _ := io.ReadAll(c)
	return string(b)
}

// mode returns the role that srvr tells, "" while the server does not serve.
func (m *member) mode() string { return field(m.word("srvr"), "Mode: ") }

// field returns the rest of the line of text that begins with prefix.
func field(text, prefix string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// waitMode waits until the server serves and returns its role.
func (m *member) waitMode() string {
	m.t.Helper()
	mode := ""
	eventually(m.t, fmt.Sprintf("server %d (%s) serves", m.id, m.kind), func() bool {
		mode = m.mode()
		return mode != ""
	}, m.tail)
	return mode
}

// tail returns the end of the server's output, for a failed test.
func (m *member) tail() string {
	b, _ := os.ReadFile(filepath.Join(m.dir, "log.txt"))
	if len(b) > 6000 {
		b = b[len(b)-6000:]
	}
	return string(b)
}

// eventually waits for cond.
func eventually(t testing.TB, what string, cond func() bool, why ...func() string) {
	t.Helper()
	for deadline := time.Now().Add(startLimit); ; time.Sleep(50 * time.Millisecond) {
		if cond() {
			return
		}
		if time.Now().After(deadline) {
			var b bytes.Buffer
			for _, f := range why {
				b.WriteString(f())
			}
			t.Fatalf("not within %v: %s\n%s", startLimit, what, b.String())
		}
	}
}

// freePorts returns ports that nobody listens on, from below the range that
// outgoing connections take theirs from.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for p := portBase(); len(ports) < n; p++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p))
		if err != nil {
			continue
		}
		l.Close()
		ports = append(ports, p)
	}
	return ports
}

var portNext struct {
	sync.Mutex
	port int
}

// portBase gives each ensemble of this run a range of its own.
func portBase() int {
	portNext.Lock()
	defer portNext.Unlock()
	if portNext.port == 0 {
		portNext.port = 12000 + os.Getpid()%200*64
	}
	portNext.port += 32
	return portNext.port
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
