//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"ostler/test/proc"
)

// The kinds of server, and how long one may take to come up.
const (
	ostler = proc.Ostler
	apache = proc.Apache

	startLimit = proc.StartLimit
)

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
	kind                     proc.Kind
	observer                 bool
	host                     string // of the ports for other servers
	second                   string // another one, "" for none
	dir                      string
	client, quorum, election int
	process                  *proc.Process // nil when it does not run
	flags                    []string      // name=value
}

// newEnsemble prepares members with ids from 1, without starting them.
func newEnsemble(t testing.TB, kinds ...proc.Kind) *ensemble {
	t.Helper()
	e := &ensemble{t: t, dir: t.TempDir()}
	ports := proc.FreePorts(t, 3*len(kinds))
	for i, k := range kinds {
		m := &member{
			t: t, id: i + 1, kind: k, host: "127.0.0.1", dir: filepath.Join(e.dir, fmt.Sprint(i+1)),
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
			fmt.Fprintf(&servers, "server.%d=%s:%d:%d%s", m.id, m.host, m.quorum, m.election, role)
			if m.second != "" {
				fmt.Fprintf(&servers, "|%s:%d:%d%s", m.second, m.quorum, m.election, role)
			}
			servers.WriteByte('\n')
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
		if m.process != nil {
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
		if m.process != nil && (m.mode() == "leader" || m.mode() == "standalone") {
			return m
		}
	}
	e.t.Fatal("no leader")
	return nil
}

func (m *member) addr() string   { return fmt.Sprintf("127.0.0.1:%d", m.client) }
func (m *member) config() string { return filepath.Join(m.dir, "zoo.cfg") }

func (m *member) log() string { return filepath.Join(m.dir, "log.txt") }

// start starts the process.
func (m *member) start() {
	m.t.Helper()
	m.process = proc.Start(m.t, proc.Server(m.t, m.kind, m.config(), m.flags...), m.log())
}

// kill is kill -9.
func (m *member) kill() { m.end(syscall.SIGKILL) }

// stop is SIGTERM, and waits for the exit.
func (m *member) stop() int { return m.end(syscall.SIGTERM) }

func (m *member) end(s syscall.Signal) (code int) {
	if m.process != nil {
		code = m.process.End(s)
		m.process = nil
	}
	return code
}

// word asks a four-letter word.
func (m *member) word(word string) string { return proc.Word(m.addr(), word) }

// mode returns the role that srvr tells, "" while the server does not serve.
func (m *member) mode() string { return proc.Field(m.word("srvr"), "Mode: ") }

// waitMode waits until the server serves and returns its role.
func (m *member) waitMode() string {
	m.t.Helper()
	mode := ""
	proc.Eventually(m.t, fmt.Sprintf("server %d (%s) serves", m.id, m.kind), func() bool {
		mode = m.mode()
		return mode != ""
	}, m.tail)
	return mode
}

// tail returns the end of the server's output, for a failed test.
func (m *member) tail() string { return proc.Tail(m.log()) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
