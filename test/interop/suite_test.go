//go:build interop && clients

package interop

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"ostler/test/proc"
)

// An outcome is what became of one test of a suite.
type outcome string

const (
	passed  outcome = "passed"
	failed  outcome = "failed"
	skipped outcome = "skipped" // by the suite itself
)

// outcomes are the tests of a run, by the suite's own names for them.
type outcomes map[string]outcome

// named returns the tests with an outcome, sorted.
func (o outcomes) named(want outcome) []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name, got := range o {
			if got == want && !yield(name) {
				return
			}
		}
	})
}

// A suite is the test suite of a client library.
type suite struct {
	name, version string
	// fetch brings the suite into dir, an empty directory.
	fetch func(t *testing.T, dir string)
	// run runs the suite in dir against servers of one kind; only, if not empty,
	// names the tests to run.
	run func(t *testing.T, dir string, k proc.Kind, only []string) outcomes
	// leftOut tells what is not run, with the reason.
	leftOut []string
}

var suites = []suite{goZookeeper, samuelZookeeper, goKit, libkv, npmZookeeper, nodeZookeeperClient, kazoo}

// suiteLimit is how long one run of a suite may take.
const suiteLimit = 15 * time.Minute

// TestClientSuites runs the suites against Ostler. What fails is run against
// Apache's server: only what passes there is a fault of Ostler.
func TestClientSuites(t *testing.T) {
	var table, notes bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "suite\tversion\tpassed\tfailed\tskipped\tfails on Apache too")
	for _, s := range suites {
		t.Run(s.name, func(t *testing.T) { s.test(t, w, &notes) })
	}
	w.Flush()
	fmt.Printf("\n%s\n%s", &table, &notes)
}

// test runs one suite and writes its line of the table.
func (s suite) test(t *testing.T, table *tabwriter.Writer, notes *bytes.Buffer) {
	dir := t.TempDir()
	s.fetch(t, dir)
	got := s.run(t, dir, ostler, nil)
	if len(got.named(passed)) == 0 {
		t.Fatalf("no test passed: %v", got)
	}
	var apaches outcomes
	if suspects := got.named(failed); len(suspects) > 0 {
		apaches = s.run(t, dir, apache, suspects)
	}
	faults, too := 0, 0
	for _, name := range got.named(failed) {
		if apaches[name] == failed {
			too++
			fmt.Fprintf(notes, "%s: %s fails on Apache %s too\n", s.name, name, apacheRelease)
			continue
		}
		faults++
		t.Errorf("%s failed; with Apache it %s", name, cmp.Or(apaches[name], "did not run"))
	}
	for _, what := range s.leftOut {
		fmt.Fprintf(notes, "%s: left out: %s\n", s.name, what)
	}
	fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\n", s.name, s.version,
		len(got.named(passed)), faults, len(got.named(skipped)), too)
}

// apacheRelease is the release of Debian's package zookeeper.
const apacheRelease = "3.8.0"

// programs returns a directory with the programs that suites start servers by,
// zkServer.sh and java, for servers of a kind.
func programs(t *testing.T, k proc.Kind) string {
	t.Helper()
	dir := t.TempDir()
	script := func(name, text string) {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	if k == apache {
		script("zkServer.sh", `exec /usr/bin/java -Xmx256m $SERVER_JVMFLAGS -cp /usr/share/java/zookeeper.jar `+
			"org.apache.zookeeper.server.quorum.QuorumPeerMain \"$2\"\n")
		must(t, os.Symlink("/usr/bin/java", filepath.Join(dir, "java")))
		return dir
	}
	must(t, os.Symlink(proc.OstlerPath(t), filepath.Join(dir, "zkServer.sh")))
	// java -cp jar -Dname=value … class zoo.cfg: the definitions and the file
	// count.
	script("java", `for a; do
	case $a in -D*) flags="$flags $a";; esac
	file=$a
done
export SERVER_JVMFLAGS="$flags"
exec `+proc.OstlerPath(t)+` server "$file"
`)
	return dir
}

// standalone starts one server of a kind and returns its address.
func standalone(t *testing.T, k proc.Kind) string {
	t.Helper()
	e := newEnsemble(t, k)
	e.startAll()
	return e.members[0].addr()
}

// command runs a program in dir with more variables, and returns what it printed
// on its standard output, the ends of both its outputs for a report, and how it
// ended. What it started ends with it.
func command(t *testing.T, dir string, env []string, name string, args ...string) (stdout, both string, code int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "TMPDIR="+t.TempDir()), env...) // some leave things behind
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 10 * time.Second
	must(t, cmd.Start())
	group := -cmd.Process.Pid
	timer := time.AfterFunc(suiteLimit, func() { syscall.Kill(group, syscall.SIGKILL) })
	cmd.Wait()
	timedOut := !timer.Stop()
	syscall.Kill(group, syscall.SIGKILL)
	both = tail(out.String()) + tail(errs.String())
	if timedOut {
		t.Fatalf("%s %s: not done after %v\n%s", name, strings.Join(args, " "), suiteLimit, both)
	}
	return out.String(), both, cmd.ProcessState.ExitCode()
}

// tail returns the end of a text.
func tail(text string) string { return text[max(0, len(text)-6000):] }

// mustRun is command for a step that has to succeed.
func mustRun(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	out, both, code := command(t, dir, env, name, args...)
	if code != 0 {
		t.Fatalf("%s %s ended with %d\n%s", name, strings.Join(args, " "), code, both)
	}
	return out
}

// mend replaces a text that stands once in a file of the scratch copy.
func mend(t *testing.T, file, old, by string) {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	if n := bytes.Count(text, []byte(old)); n != 1 {
		t.Fatalf("%s: %q stands there %d times, want once", file, old, n)
	}
	must(t, os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(by), 1), 0o644))
}
