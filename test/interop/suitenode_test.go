//go:build interop && clients

package interop

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ostler/test/proc"
)

// The bindings of the C client, which the package brings along and builds.
var npmZookeeper = suite{
	name: "npm zookeeper", version: "7.3.0",
	fetch: func(t *testing.T, dir string) {
		install(t, dir, "zookeeper@7.3.0", "ava@6")
		// Node's own headers stand beside it; node-gyp would fetch them.
		node, err := exec.LookPath("node")
		must(t, err)
		node, err = filepath.EvalSymlinks(node)
		must(t, err)
		mustRun(t, filepath.Join(dir, "node_modules/zookeeper"),
			[]string{"npm_config_nodedir=" + filepath.Dir(filepath.Dir(node))}, "npm", "run", "install")
	},
	run: func(t *testing.T, dir string, k proc.Kind, _ []string) outcomes {
		return tap(t, filepath.Join(dir, "node_modules/zookeeper"),
			"../.bin/ava", "--tap", "tests/integration/*.js", "--", standalone(t, k))
	},
}

// The package has tests of its parts only; the exercise is ours.
var nodeZookeeperClient = suite{
	name: "npm node-zookeeper-client", version: "1.1.3",
	fetch: func(t *testing.T, dir string) { install(t, dir, "node-zookeeper-client@1.1.3") },
	run: func(t *testing.T, dir string, k proc.Kind, _ []string) outcomes {
		script, err := filepath.Abs("testdata/node-zookeeper-client.js")
		must(t, err)
		return tap(t, dir, "node", script, filepath.Join(dir, "node_modules"), standalone(t, k))
	},
}

// install installs npm packages into dir; what they build is built by the caller.
func install(t *testing.T, dir string, packages ...string) {
	t.Helper()
	mustRun(t, dir, nil, "npm", append([]string{
		"install", "--prefix", dir, "--ignore-scripts",
		"--no-audit", "--no-fund", "--no-update-notifier",
	}, packages...)...)
}

var (
	tapLine = regexp.MustCompile(`(?m)^(not )?ok \d+ - (.*?)( # SKIP.*)?$`)
	tapPlan = regexp.MustCompile(`(?m)^1\.\.(\d+)$`)
)

// tap runs a program that reports in TAP.
func tap(t *testing.T, dir, name string, args ...string) outcomes {
	t.Helper()
	out, both, code := command(t, dir, nil, name, args...)
	got := outcomes{}
	for _, line := range tapLine.FindAllStringSubmatch(out, -1) {
		result := passed
		switch {
		case line[1] != "":
			result = failed
		case line[3] != "":
			result = skipped
		}
		got[line[2]] = result
	}
	plan := tapPlan.FindStringSubmatch(out)
	if plan == nil || plan[1] != strconv.Itoa(len(got)) || (code == 0) != (len(got.named(failed)) == 0) {
		t.Fatalf("%s ended with %d after %d tests, plan %v\n%s", name, code, len(got), plan, both)
	}
	if code != 0 {
		t.Log(fmt.Sprint(name, " on its failures:\n", strings.TrimSpace(both)))
	}
	return got
}
