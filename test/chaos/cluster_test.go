package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"ostler/test/proc"
)

// Times of the servers.
const (
	tick      = 500 * time.Millisecond
	syncTicks = 8
)

// A cluster is the servers of a run.
type cluster struct {
	t       testing.TB
	dir     string
	began   time.Time
	seats   []*seat
	net     network
	journal *journal
}

// A seat is one server, whatever becomes of its process. The nemesis owns it.
type seat struct {
	place
	t       testing.TB
	id      int
	dir     string
	addr    string // for clients
	wrap    func(*exec.Cmd) *exec.Cmd
	process *proc.Process // nil when it does not run
	paused  bool
	started time.Time
}

// newCluster prepares the servers of a layout below dir, without starting them.
func newCluster(t testing.TB, dir string, layout []place, cuts bool) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: dir, began: time.Now()}
	c.journal = newJournal(t, filepath.Join(dir, "chaos.log"), c.began)
	c.net = newNetwork(t, len(layout), cuts)
	for i, p := range layout {
		c.seats = append(c.seats, &seat{
			place: p, t: t, id: i + 1, dir: filepath.Join(dir, fmt.Sprint(i+1)), addr: c.net.clientAddr(i), wrap: c.net.inside(i),
		})
	}
	t.Cleanup(c.killAll)
	c.configure()
	return c
}

// configure writes every seat's zoo.cfg and myid.
func (c *cluster) configure() {
	c.t.Helper()
	var servers strings.Builder
	for i, s := range c.seats {
		role := ""
		if s.observer {
			role = ":observer"
		}
		fmt.Fprintf(&servers, "server.%d=%s%s\n", s.id, c.net.serverAddr(i), role)
	}
	for i, s := range c.seats {
		must(c.t, os.MkdirAll(s.dir, 0o755))
		cfg := fmt.Sprintf("tickTime=%d\ninitLimit=20\nsyncLimit=%d\ndataDir=%s\nclientPort=%d\nclientPortAddress=%s\n"+
			"4lw.commands.whitelist=*\nadmin.enableServer=false\nmaxClientCnxns=0\nsnapCount=2000\npreAllocSize=1024\n"+
			"minSessionTimeout=1000\nmaxSessionTimeout=60000\n%s",
			tick.Milliseconds(), syncTicks, s.dir, c.net.clientPort(i), c.net.host(i), servers.String())
		if s.observer {
			cfg += "peerType=observer\n"
		}
		must(c.t, os.WriteFile(s.config(), []byte(cfg), 0o644))
		must(c.t, os.WriteFile(filepath.Join(s.dir, "myid"), fmt.Appendln(nil, s.id), 0o644))
	}
}

func (c *cluster) now() time.Duration { return time.Since(c.began) }

// startAll starts every server and waits until all serve.
func (c *cluster) startAll() {
	c.t.Helper()
	for _, s := range c.seats {
		s.start()
	}
	for _, s := range c.seats {
		proc.Eventually(c.t, s.String()+" serves", func() bool { return s.ask("srvr", time.Second).mode != "" }, s.tail)
	}
}

func (c *cluster) killAll() {
	var wg sync.WaitGroup
	for _, s := range c.seats {
		wg.Go(s.kill)
	}
	wg.Wait()
}

// majority is how many voters are needed.
func (c *cluster) majority() int {
	n := 0
	for _, s := range c.seats {
		if !s.observer {
			n++
		}
	}
	return n/2 + 1
}

func (s *seat) String() string {
	role := ""
	if s.observer {
		role = ":observer"
	}
	return fmt.Sprintf("server %d (%s%s)", s.id, s.kind, role)
}

func (s *seat) config() string { return filepath.Join(s.dir, "zoo.cfg") }
func (s *seat) log() string    { return filepath.Join(s.dir, "log.txt") }
func (s *seat) tail() string   { return proc.Tail(s.log()) }

func (s *seat) start() {
	cmd := proc.Server(s.t, s.kind, s.config())
	if s.kind == proc.Apache {
		cmd = proc.Server(s.t, s.kind, s.config(), proc.LogInfo)
	}
	cmd = s.wrap(cmd)
	cmd.Dir = s.dir
	s.process = proc.Start(s.t, cmd, s.log())
	s.started = time.Now()
}

// kill is kill -9.
func (s *seat) kill() { s.end(syscall.SIGKILL) }

// stop is SIGTERM, and waits for the exit.
func (s *seat) stop() int { return s.end(syscall.SIGTERM) }

func (s *seat) end(sig syscall.Signal) (code int) {
	if s.process != nil {
		code = s.process.End(sig)
		s.process, s.paused = nil, false
	}
	return code
}

func (s *seat) pause() {
	s.process.Signal(syscall.SIGSTOP)
	s.paused = true
}

func (s *seat) resume() {
	if s.process != nil {
		s.process.Signal(syscall.SIGCONT)
	}
	s.paused = false
}

// wipe loses the disk of a server that does not run.
func (s *seat) wipe() {
	must(s.t, os.RemoveAll(filepath.Join(s.dir, "version-2")))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A journal is what happened to the servers, with times of the run.
type journal struct {
	mu    sync.Mutex
	file  *os.File
	began time.Time
}

func newJournal(t testing.TB, name string, began time.Time) *journal {
	t.Helper()
	file, err := os.Create(name)
	must(t, err)
	t.Cleanup(func() { file.Close() })
	return &journal{file: file, began: began}
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	fmt.Fprintf(j.file, "%s %9.3fs ", now.Format("15:04:05.000"), now.Sub(j.began).Seconds())
	fmt.Fprintf(j.file, format+"\n", args...)
}
