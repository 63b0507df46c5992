//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"ostler/internal/shadow"
	"ostler/test/proc"
)

// A watcher is a shadow process and its directory.
type watcher struct {
	t       *testing.T
	dir     string
	process *proc.Process
}

// startShadow starts a shadow with a member's own zoo.cfg.
func startShadow(t *testing.T, config string, args ...string) *watcher {
	t.Helper()
	w := &watcher{t: t, dir: filepath.Join(t.TempDir(), "shadow")}
	must(t, os.MkdirAll(w.dir, 0o755))
	args = append([]string{"server", "--shadow", "--shadow-dir", w.dir}, append(args, config)...)
	w.process = proc.Start(t, exec.Command(proc.OstlerPath(t), args...), w.log())
	t.Cleanup(func() {
		if !w.process.Ended() {
			w.process.End(syscall.SIGKILL)
		}
	})
	return w
}

func (w *watcher) log() string { return filepath.Join(w.dir, "log.txt") }

// report returns what the shadow has written last.
func (w *watcher) report() (r shadow.Report) {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, shadow.JSONFile))
	if err == nil {
		must(w.t, json.Unmarshal(b, &r))
	}
	return r
}

// await waits until the report shows something.
func (w *watcher) await(what string, cond func(r shadow.Report) bool) {
	w.t.Helper()
	proc.Eventually(w.t, what, func() bool {
		if w.process.Ended() {
			w.t.Fatalf("the shadow has ended:\n%s", proc.Tail(w.log()))
		}
		return cond(w.report())
	}, func() string { return proc.Tail(w.log()) })
}

// checked waits for n more digests that were compared.
func (w *watcher) checked(n int) {
	w.t.Helper()
	from := w.report().Digests.Equal
	w.await(fmt.Sprintf("%d more digests are compared", n), func(r shadow.Report) bool { return r.Digests.Equal >= from+n })
}

// finish ends the trial and wants its exit code.
func (w *watcher) finish(code int) shadow.Report {
	w.t.Helper()
	if got := w.process.End(syscall.SIGTERM); got != code {
		w.t.Errorf("the shadow ended with %d, want %d:\n%s", got, code, proc.Tail(w.log()))
	}
	return w.report()
}

// configs are the files of all members that a reconfiguration would write.
func (e *ensemble) configs() (text string) {
	e.t.Helper()
	for _, m := range e.members {
		names, err := filepath.Glob(filepath.Join(m.dir, "zoo.cfg*"))
		must(e.t, err)
		for _, name := range append(names, filepath.Join(m.dir, "myid")) {
			b, err := os.ReadFile(name)
			must(e.t, err)
			text += name + "\n" + string(b)
		}
	}
	return text
}

// TestShadowOfALiveEnsemble: a shadow joins an ensemble under load, sees its leader go and
// another come, and finds nothing; the ensemble does not notice it (quorum.md 3.12, 4.12).
func TestShadowOfALiveEnsemble(t *testing.T) {
	for _, kind := range []proc.Kind{apache, ostler} {
		t.Run(string(kind), func(t *testing.T) {
			e := newEnsemble(t, kind, kind, kind)
			e.startAll()
			files, began := e.configs(), epoch(t, e.leader())
			stop := busy(t, e, "/busy")
			w := startShadow(t, e.members[0].config())
			w.checked(300)
			leader := e.leader()
			if got := epoch(t, leader); got != began {
				t.Errorf("the epoch is %d since the shadow came, it was %d", got, began)
			}
			mntr := leader.word("mntr")
			for name, want := range map[string]string{"zk_synced_followers\t": "2", "zk_synced_observers\t": "1"} {
				if got := proc.Field(mntr, name); got != want {
					t.Errorf("%s%s, want %s", name, got, want)
				}
			}

			leader.stop()
			w.await("another leader is followed", func(r shadow.Report) bool { return len(r.Reigns) == 2 })
			w.checked(300)
			leader.start()
			leader.waitMode()
			w.checked(300)
			stop()
			r := w.finish(0)

			if got := epoch(t, e.leader()); got != began+1 {
				t.Errorf("the epoch is %d, want %d: one leader was stopped", got, began+1)
			}
			if got := e.configs(); got != files {
				t.Errorf("files of the members have changed:\n%s\nbefore:\n%s", got, files)
			}
			for _, m := range e.members {
				if n := m.mismatches(); n != "0" {
					t.Errorf("server %d counts %s digest mismatches", m.id, n)
				}
			}
			if r.Verdict != shadow.NothingFound || r.Total != 0 || r.Judged < 900 || r.Digests.Differ != 0 {
				t.Errorf("%s", r.Text())
			}
			for _, kind := range []string{"create", "delete", "setData", "setACL", "multi", "createContainer", "createSession", "closeSession", "error"} {
				if r.Types[kind] == 0 {
					t.Errorf("no transaction of type %s: %v", kind, r.Types)
				}
			}
			for _, m := range r.Members {
				if m.Version == "" || m.Mode == "" {
					t.Errorf("member %+v: version or mode is not known", m)
				}
			}
			t.Logf("%s", r.Text())
		})
	}
}

// TestShadowStartsUnderLoad: the snapshot of an Apache leader that goes on while it sends it
// holds changes that come again, whose digests cannot agree yet. That is no finding.
func TestShadowStartsUnderLoad(t *testing.T) {
	e := newEnsemble(t, apache, apache, apache)
	e.startAll()
	bulk(t, e.members[0])
	for i := range 4 {
		defer busy(t, e, fmt.Sprintf("/busy%d", i))()
	}
	inexact := 0
	for range 5 {
		w := startShadow(t, e.members[0].config())
		w.checked(200)
		r := w.finish(0)
		inexact += r.Digests.Inexact
		if r.Syncs["SNAP"] == 0 || r.Total != 0 {
			t.Errorf("%s", r.Text())
		}
	}
	t.Logf("%d transactions came within snapshots", inexact)
}

// A forger stands between a shadow and a member's quorum port, and changes one text in
// what the member sends, once.
type forger struct {
	from, to string
	done     *atomic.Bool
}

// proxy opens a port that leads to another; f may be nil.
func proxy(t *testing.T, to int, f *forger) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", to))
			if err != nil {
				c.Close()
				continue
			}
			t.Cleanup(func() { c.Close(); s.Close() })
			go pass(c, s, nil)
			go pass(s, c, f)
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

func pass(from, to net.Conn, f *forger) {
	defer to.Close()
	defer from.Close()
	if f == nil {
		io.Copy(to, from)
		return
	}
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if i := bytes.Index(b[:n], []byte(f.from)); i >= 0 && f.done.CompareAndSwap(false, true) {
			copy(b[i:], f.to)
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// TestShadowFindsADifference: a transaction that reaches the shadow with other data is
// found by its digest; the shadow takes a snapshot and goes on checking.
func TestShadowFindsADifference(t *testing.T) {
	e := newEnsemble(t, apache, apache, apache)
	e.startAll()
	var done atomic.Bool
	var servers strings.Builder
	for _, m := range e.members {
		fmt.Fprintf(&servers, "server.%d=127.0.0.1:%d:%d;%d\n", m.id,
			proxy(t, m.quorum, &forger{"what was written", "something else..", &done}), m.election, m.client)
	}
	config := filepath.Join(t.TempDir(), "zoo.cfg")
	must(t, os.WriteFile(config, []byte("tickTime=500\ninitLimit=20\nsyncLimit=10\ndataDir=/nowhere\n"+servers.String()), 0o644))
	defer busy(t, e, "/busy")()
	w := startShadow(t, config)
	w.checked(50)
	c := dial(t, 20*time.Second, e.members[0].addr())
	_, err := c.Create("/wrong", []byte("what was written"), 0, open)
	must(t, err)
	w.await("the difference is found", func(r shadow.Report) bool { return r.Total > 0 && r.Syncs["SNAP"] == 2 })
	w.checked(50)
	r := w.finish(20)
	f := r.Findings[0]
	if r.Total != 1 || f.Rule != shadow.RuleDigest || !slices.Equal(f.Paths, []string{"/wrong"}) || f.Type != "create" || r.StartOver != 1 {
		t.Errorf("%s", r.Text())
	}
}

// TestShadowKeepsOut: a shadow refuses what belongs to members.
func TestShadowKeepsOut(t *testing.T) {
	e := newEnsemble(t, ostler, ostler, ostler)
	e.startAll()
	must(t, os.Remove(filepath.Join(e.members[1].dir, "myid"))) // of a running server
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{e.members[0].config()}, 3, "belongs to server 1"},
		{[]string{e.members[1].config()}, 3, "holds the data of a server"},
		{[]string{"--shadow-dir", t.TempDir(), "--shadow-id", "3", e.members[0].config()}, 2, "not larger than 3"},
		{[]string{"--shadow-dir", t.TempDir(), "--shadow-id=300", "--shadow-serve", e.members[0].config()}, 2, "above 254"},
	} {
		out, err := exec.Command(proc.OstlerPath(t), append([]string{"server", "--shadow"}, c.args...)...).CombinedOutput()
		exit, _ := err.(*exec.ExitError)
		if exit == nil || exit.ExitCode() != c.code || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: %v, want exit code %d and %q:\n%s", c.args, err, c.code, c.want, out)
		}
	}
}

// TestShadowServes: told so, a shadow serves clients as an observer does, writes and
// sessions included, and the ensemble checks those as it checks its own.
func TestShadowServes(t *testing.T) {
	e := newEnsemble(t, apache, apache, apache)
	e.startAll()
	port := proc.FreePorts(t, 1)[0]
	w := startShadow(t, e.members[0].config(), "--shadow-serve", "--set", fmt.Sprint("clientPort=", port))
	s := &member{t: t, id: 254, kind: ostler, client: port, dir: w.dir, process: w.process}
	if mode := s.waitMode(); mode != "observer" {
		t.Fatalf("the shadow is %s, want observer", mode)
	}
	c := dial(t, 20*time.Second, s.addr())
	defer c.Close()
	_, err := c.Create("/lives", nil, zk.FlagEphemeral, open)
	must(t, err)
	fill(t, s, "/through", 20)
	for _, m := range append(e.members, s) {
		wantFilled(t, m, "/through", 20)
		there := dial(t, 20*time.Second, m.addr())
		_, err := there.Sync("/lives")
		must(t, err)
		if _, stat, err := there.Exists("/lives"); err != nil || stat.EphemeralOwner != c.SessionID() {
			t.Errorf("server %d: the ephemeral is %+v, %v; want one of session %#x", m.id, stat, err, c.SessionID())
		}
		there.Close()
	}
	if r := w.finish(0); r.Total != 0 {
		t.Errorf("%s", r.Text())
	}
}
