package resize

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/proc"
	"ostler/test/rawclient"
)

const (
	superDigest = "zookeeper.DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU="
	superAuth   = "super:test"

	sessionTimeout = 20 * time.Second
	membersMax     = 5
)

// An ensemble is five servers, of which some are members and run.
type ensemble struct {
	t       *testing.T
	members []*member
}

// A member is one server process, or the directory of one that is not running.
type member struct {
	t                        *testing.T
	id                       int
	dir                      string
	client, quorum, election int
	process                  *proc.Process // nil when it does not run
}

func newEnsemble(t *testing.T) *ensemble {
	t.Helper()
	e := &ensemble{t: t}
	dir, ports := t.TempDir(), proc.FreePorts(t, 3*membersMax)
	for i := range membersMax {
		e.members = append(e.members, &member{
			t: t, id: i + 1, dir: filepath.Join(dir, strconv.Itoa(i+1)),
			client: ports[3*i], quorum: ports[3*i+1], election: ports[3*i+2],
		})
	}
	t.Cleanup(func() {
		for _, m := range e.members {
			m.end(syscall.SIGKILL)
		}
	})
	return e
}

// startFirst starts an ensemble of one that can grow.
func (e *ensemble) startFirst() {
	e.t.Helper()
	first := e.members[0]
	must(e.t, os.MkdirAll(first.data(), 0o755))
	must(e.t, os.WriteFile(filepath.Join(first.data(), "initialize"), nil, 0o644))
	first.join(nil, false)
}

// present are the members that run.
func (e *ensemble) present() []*member {
	return slices.DeleteFunc(slices.Clone(e.members), func(m *member) bool { return m.process == nil })
}

// addrs is the connect string of all five, wherever they are.
func (e *ensemble) addrs() []string {
	var all []string
	for _, m := range e.members {
		all = append(all, m.addr())
	}
	return all
}

// leader returns the member that leads.
func (e *ensemble) leader() (leader *member) {
	e.t.Helper()
	proc.Eventually(e.t, "a leader", func() bool {
		for _, m := range e.present() {
			if m.mode() == "leader" {
				leader = m
			}
		}
		return leader != nil
	}, e.tails)
	return leader
}

// epoch is that of the newest transaction.
func (e *ensemble) epoch() int {
	e.t.Helper()
	text := strings.TrimPrefix(proc.Field(proc.Word(e.leader().addr(), "srvr"), "Zxid: "), "0x")
	zxid, err := strconv.ParseUint(text, 16, 64)
	must(e.t, err)
	return int(zxid >> 32)
}

// reconfig changes the members, again while the joiners are not up to date yet, and
// waits until all of them know. Who removes the leader may not hear the answer.
func (e *ensemble) reconfig(joining, leaving []string) {
	e.t.Helper()
	want := make(map[string]bool)
	for _, id := range configured(e.t, e.present()[0].addr()) {
		want[id] = true
	}
	for _, line := range joining {
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "server."), "=")
		want[id] = true
	}
	var staying []*member
	for _, id := range leaving {
		delete(want, id)
	}
	for _, m := range e.present() {
		if want[strconv.Itoa(m.id)] {
			staying = append(staying, m)
		}
	}
	var last error
	inForce := func(m *member) bool {
		got := configured(e.t, m.addr())
		return len(got) == len(want) && !slices.ContainsFunc(got, func(id string) bool { return !want[id] })
	}
	proc.Eventually(e.t, fmt.Sprintf("reconfig +%v -%v", joining, leaving), func() bool {
		if inForce(staying[0]) {
			return true
		}
		last = ask(e.t, staying[0].addr(), joining, leaving)
		return false
	}, func() string { return fmt.Sprint(last, "\n", e.tails()) })
	for _, m := range staying {
		proc.Eventually(e.t, fmt.Sprintf("server %d knows the members", m.id), func() bool { return inForce(m) }, e.tails)
	}
}

// ask asks for other members, as super user. An error is one that may pass.
func ask(t *testing.T, addr string, joining, leaving []string) error {
	t.Helper()
	s := rawclient.Session{Timeout: sessionTimeout}
	if err := s.Attach(addr, sessionTimeout); err != nil {
		return err
	}
	defer s.End()
	if h, _, err := s.Call(zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte(superAuth)}); err != nil || h.Err != zk.OK {
		return fmt.Errorf("auth: %v %v", h.Err, err)
	}
	h, _, err := s.Call(zk.OpReconfig, wire.ReconfigRequest{
		Joining: strings.Join(joining, ","), NullJoining: len(joining) == 0,
		Leaving: strings.Join(leaving, ","), NullLeaving: len(leaving) == 0,
		NullNewMembers: true, ConfigVersion: -1,
	})
	switch {
	case err != nil:
		return err
	case h.Err != zk.OK && h.Err != zk.NewConfigNoQuorum && h.Err != zk.ReconfigInProgress:
		t.Fatalf("reconfig +%v -%v: %v", joining, leaving, h.Err)
	}
	return h.Err
}

// configured returns the ids of the configuration that a server has in force.
func configured(t *testing.T, addr string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(proc.Word(addr, "conf")) {
		if rest, ok := strings.CutPrefix(line, "server."); ok {
			id, _, _ := strings.Cut(rest, "=")
			ids = append(ids, id)
		}
	}
	return ids
}

// tails is the end of what every server said.
func (e *ensemble) tails() string {
	var b strings.Builder
	for _, m := range e.members {
		fmt.Fprintf(&b, "--- server %d at %s\n%s\n", m.id, m.addr(), proc.Tail(m.log()))
	}
	return b.String()
}

func (m *member) addr() string { return fmt.Sprintf("127.0.0.1:%d", m.client) }
func (m *member) data() string { return filepath.Join(m.dir, "data") }
func (m *member) log() string  { return filepath.Join(m.dir, "log.txt") }
func (m *member) mode() string { return proc.Field(proc.Word(m.addr(), "srvr"), "Mode: ") }

// line is what makes the server a member.
func (m *member) line() string {
	return fmt.Sprintf("server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d", m.id, m.quorum, m.election, m.client)
}

// join starts the server with a zoo.cfg that names the present members and itself,
// with the directory that it left, or an empty one.
func (m *member) join(present []*member, wipe bool) {
	m.t.Helper()
	if wipe {
		must(m.t, os.RemoveAll(m.data()))
	}
	must(m.t, os.MkdirAll(m.data(), 0o755))
	cfg := fmt.Sprintf("tickTime=500\ninitLimit=40\nsyncLimit=20\ndataDir=%s\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n"+
		"admin.enableServer=false\nmaxSessionTimeout=60000\nstandaloneEnabled=false\nreconfigEnabled=true\n", m.data())
	for _, other := range append(present, m) {
		cfg += other.line() + "\n"
	}
	path := filepath.Join(m.dir, "zoo.cfg")
	must(m.t, os.WriteFile(path, []byte(cfg), 0o644))
	must(m.t, os.WriteFile(filepath.Join(m.data(), "myid"), fmt.Appendln(nil, m.id), 0o644))
	m.process = proc.Start(m.t, proc.Server(m.t, proc.Ostler, path, superDigest), m.log())
	proc.Eventually(m.t, fmt.Sprintf("server %d serves", m.id), func() bool { return m.mode() != "" },
		func() string { return proc.Tail(m.log()) })
}

// stop is SIGTERM.
func (m *member) stop() {
	m.t.Helper()
	if code := m.end(syscall.SIGTERM); code != 0 {
		m.t.Errorf("server %d ended with %d\n%s", m.id, code, proc.Tail(m.log()))
	}
}

func (m *member) end(s syscall.Signal) (code int) {
	if m.process != nil {
		code = m.process.End(s)
		m.process = nil
	}
	return code
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
