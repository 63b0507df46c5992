//go:build interop

package interop

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// run runs a program with a time limit and returns what it printed.
func run(t *testing.T, stdin string, name string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	must(t, cmd.Start())
	timer := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestKazooRecipes runs the recipes of the Python client.
func TestKazooRecipes(t *testing.T) {
	e := newEnsemble(t, ostler, ostler, ostler)
	e.startAll()
	script, err := filepath.Abs("testdata/recipes.py")
	must(t, err)
	out, errs, code := run(t, "", "/usr/bin/python3", script, e.connect())
	if code != 0 {
		t.Fatalf("recipes ended with %d\n%s%s", code, out, errs)
	}
	for _, recipe := range []string{"lock", "queue", "election", "barrier", "double barrier", "data watch", "children watch", "counter", "transaction"} {
		if !strings.Contains(out, recipe+": ok\n") {
			t.Errorf("no word of %s in:\n%s", recipe, out)
		}
	}
}

// TestCClient drives the shell of the C client, multi-threaded.
func TestCClient(t *testing.T) {
	e := newEnsemble(t, ostler, ostler, ostler)
	e.startAll()
	cli := "/usr/lib/zookeeper/bin/cli_mt"
	if _, err := os.Stat(cli); err != nil {
		t.Fatalf("%v: make test installs it (zookeeper-bin)", err)
	}
	commands := func(lines string) string {
		t.Helper()
		// The shell leaves at the end of its input without waiting for answers,
		// so the commands come from a pipe that stays open a little.
		out, errs, _ := run(t, "", "sh", "-c", "(sleep 2; printf '"+lines+"'; sleep 2; echo quit) | "+cli+" "+e.connect())
		return out + errs
	}
	if out := commands(`create /c\nset /c hello\nget /c\nset /c world\n`); !strings.Contains(out, "hello") {
		t.Errorf("get did not show what set wrote:\n%s", out)
	}
	if out := commands(`get /c\nls /\n`); !strings.Contains(out, "world") || !strings.Contains(out, "zookeeper") {
		t.Errorf("get and ls:\n%s", out)
	}
}
