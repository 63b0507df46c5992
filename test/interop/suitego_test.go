//go:build interop && clients

package interop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ostler/test/proc"
)

var goZookeeper = suite{
	name: "go-zookeeper/zk", version: "v1.0.4",
	fetch: func(t *testing.T, dir string) {
		fetchModule(t, dir, "github.com/go-zookeeper/zk@v1.0.4")
		mend(t, filepath.Join(dir, "flw.go"), askSrvr, askSrvr+oldDate)
		mend(t, filepath.Join(dir, "dnshostprovider_test.go"), stopCurrent, stopCurrent+waitForNext)
		mend(t, filepath.Join(dir, "zk_test.go"), addFourth, addFourth+untilServed)
	},
	run: func(t *testing.T, dir string, k proc.Kind, only []string) outcomes {
		return goTest(t, dir, []string{"ZOOKEEPER_BIN_PATH=" + programs(t, k), "ZK_VERSION=3.9.5"}, only, ".")
	},
}

// The library that go-zookeeper/zk grew from; many still use it.
var samuelZookeeper = suite{
	name: "samuel/go-zookeeper", version: "2020-12-11",
	fetch: func(t *testing.T, dir string) {
		fetchModule(t, dir, samuelModule)
		writeMod(t, dir, "module github.com/samuel/go-zookeeper\n\ngo 1.13\n")
		mend(t, filepath.Join(dir, "zk/flw.go"), askSrvr, askSrvr+oldDate+wholeLatency)
		mend(t, filepath.Join(dir, "zk/dnshostprovider_test.go"), stopCurrent, stopCurrent+waitForNext)
		mend(t, filepath.Join(dir, "zk/zk_test.go"), addFourth, addFourth+untilServed)
	},
	run: func(t *testing.T, dir string, k proc.Kind, only []string) outcomes {
		// With another version the tests of what 3.5 brought are skipped.
		return goTest(t, dir, []string{"ZOOKEEPER_BIN_PATH=" + programs(t, k), "zk_version=3.5"}, only, "./zk")
	},
}

const (
	samuelVersion = "v0.0.0-20201211165307-7117e9ea2414"
	samuelModule  = "github.com/samuel/go-zookeeper@" + samuelVersion
)

// Both libraries read srvr as servers before 3.6 print it; their tests wait for
// servers with that. Newer ones have another date (and Debian's build an unset
// property in the version), and decimals in the latency, which only the newer
// library knows.
const (
	askSrvr = `response, err := fourLetterWord(servers[i], "srvr", timeout)` + "\n"
	oldDate = "response = regexp.MustCompile(`(?:\\$\\{[^}]*\\})?, built on (\\d{4})-(\\d\\d)-(\\d\\d)`)." +
		"ReplaceAll(response, []byte(`, built on $2/$3/$1`))\n"
	wholeLatency = "response = regexp.MustCompile(`/(\\d+)\\.\\d+/`).ReplaceAll(response, []byte(`/$1/`))\n"
)

// A test of both kills the server of its client and writes at once, which fails
// if the client has not noticed yet.
const (
	stopCurrent = "ts.Servers[serverIndex].Srv.Stop()\n"
	waitForNext = "for zk.Server() == currentServer { time.Sleep(time.Millisecond) }\n"
)

// Another of both removes the leader and adds a server at once, which fails if
// the client meets three servers that still change their leader.
const (
	addFourth   = "_, err = zk.IncrementalReconfig([]string{server}, nil, -1)\n"
	untilServed = "for err == ErrNoServer {\n" + addFourth + "}\n"
)

var goKit = suite{
	name: "go-kit/kit sd/zk", version: "v0.13.0",
	fetch: func(t *testing.T, dir string) { fetchModule(t, dir, "github.com/go-kit/kit@v0.13.0") },
	run: func(t *testing.T, dir string, k proc.Kind, only []string) outcomes {
		return goTest(t, dir, []string{"ZK_ADDR=" + standalone(t, k)}, only, "-tags", "integration", "./sd/zk")
	},
}

var libkv = suite{
	name: "docker/libkv zookeeper", version: "v0.2.1",
	fetch: func(t *testing.T, dir string) {
		fetchModule(t, dir, "github.com/docker/libkv@v0.2.1")
		writeMod(t, dir, "module github.com/docker/libkv\n\ngo 1.17\n\nrequire (\n"+
			"\tgithub.com/samuel/go-zookeeper "+samuelVersion+"\n\tgithub.com/stretchr/testify v1.8.4\n)\n")
		mend(t, filepath.Join(dir, "store/zookeeper/zookeeper_test.go"), `client = "localhost:2181"`, `client = os.Getenv("ZK_ADDR")`)
		mend(t, filepath.Join(dir, "store/zookeeper/zookeeper_test.go"), "import (\n", "import (\n\t\"os\"\n")
	},
	run: func(t *testing.T, dir string, k proc.Kind, only []string) outcomes {
		return goTest(t, dir, []string{"ZK_ADDR=" + standalone(t, k)}, only, "./store/zookeeper")
	},
}

// fetchModule copies a module from the module cache.
func fetchModule(t *testing.T, dir, module string) {
	t.Helper()
	var got struct{ Dir string }
	must(t, json.Unmarshal([]byte(mustRun(t, dir, nil, "go", "mod", "download", "-json", module)), &got))
	must(t, os.CopyFS(dir, os.DirFS(got.Dir)))
}

// writeMod gives a module from before modules its go.mod.
func writeMod(t *testing.T, dir, text string) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644))
}

// goTest runs Go tests. Without vet, which has grown stricter than the suites.
func goTest(t *testing.T, dir string, env, only []string, args ...string) outcomes {
	t.Helper()
	args = append([]string{"test", "-json", "-count=1", "-vet=off", "-mod=mod", "-run", goPattern(only)}, args...)
	out, both, code := command(t, dir, env, "go", args...)
	got := outcomes{}
	for line := range strings.Lines(out) {
		var event struct{ Action, Test string }
		if json.Unmarshal([]byte(line), &event) != nil || event.Test == "" {
			continue
		}
		switch event.Action {
		case "pass":
			got[event.Test] = passed
		case "fail":
			got[event.Test] = failed
		case "skip":
			got[event.Test] = skipped
		}
	}
	if (code == 0) != (len(got.named(failed)) == 0) {
		t.Fatalf("go test ended with %d\n%s", code, both)
	}
	if code != 0 && only == nil {
		t.Logf("go test on its failures:\n%s", failures(out))
	}
	return got
}

// goPattern matches the tests that names, or whose parts names, are of.
func goPattern(names []string) string {
	if len(names) == 0 {
		return "."
	}
	tops := make([]string, len(names))
	for i, name := range names {
		top, _, _ := strings.Cut(name, "/")
		tops[i] = regexp.QuoteMeta(top)
	}
	return "^(" + strings.Join(tops, "|") + ")$"
}

// failures returns what the failed tests of go test -json printed.
func failures(out string) string {
	printed, failed := map[string]string{}, ""
	for line := range strings.Lines(out) {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal([]byte(line), &event) != nil {
			continue
		}
		printed[event.Test] += event.Output
		if event.Action == "fail" && event.Test != "" {
			failed += tail(printed[event.Test])
		}
	}
	return failed
}
