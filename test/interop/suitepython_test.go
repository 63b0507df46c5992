//go:build interop && clients

package interop

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ostler/test/proc"
)

// Debian's package has the tests in it.
var kazoo = suite{
	name: "kazoo", version: "2.8.0",
	fetch: func(t *testing.T, dir string) {
		must(t, os.CopyFS(filepath.Join(dir, "kazoo"), os.DirFS("/usr/lib/python3/dist-packages/kazoo")))
		mend(t, filepath.Join(dir, "kazoo/tests/test_lock.py"), waitForNobody, waitForAnother)
		mend(t, filepath.Join(dir, "kazoo/tests/test_sasl.py"), importErrors, importErrors+eitherError)
	},
	run: runKazoo,
	leftOut: []string{
		"kazoo/tests/test_sasl.py::TestSASLGSSAPIAuthentication, skipped for want of a Kerberos realm: this release has no GSSAPI",
	},
}

// A test of locks wants to see that nobody holds the lock before the next one does,
// and waits for ever if that one is quick.
const (
	waitForNobody = `            event.set()

            with self.condition:
                while self.active_thread:
`
	waitForAnother = `            event.set()

            with self.condition:
                while self.active_thread == contender:
`
)

// The client learns that it is logged out before or after it sees that it was
// connected, and says so in two ways.
const (
	importErrors = "from kazoo.exceptions import (\n    AuthFailedError,\n    NoAuthError,\n)\n"
	eitherError  = "from kazoo.handlers.threading import KazooTimeoutError\n\nAuthFailedError = (AuthFailedError, KazooTimeoutError)\n"
)

func runKazoo(t *testing.T, dir string, k proc.Kind, only []string) outcomes {
	report := filepath.Join(dir, string(k)+".xml")
	bin := programs(t, k)
	version := "3.9.5"
	if k == apache {
		version = apacheRelease
	}
	args := []string{
		"-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=" + report, "kazoo/tests",
	}
	if len(only) > 0 {
		args = append(args, "-k", pytestExpression(only))
	}
	_, both, code := command(t, dir, []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"), "PYTHONPATH=" + dir,
		"ZOOKEEPER_CLASSPATH=/usr/share/java/zookeeper.jar", "ZOOKEEPER_VERSION=" + version,
		fmt.Sprintf("ZOOKEEPER_PORT_OFFSET=%d", proc.FreePorts(t, 1)[0]),
	}, "/usr/bin/python3", args...)
	if code > 1 { // 1: tests failed
		t.Fatalf("pytest ended with %d\n%s", code, both)
	}
	if code == 1 && k == ostler {
		t.Logf("pytest:\n%s", both)
	}
	text, err := os.ReadFile(report)
	must(t, err)
	return junit(t, text)
}

// pytestExpression picks tests by the last part of their names.
func pytestExpression(names []string) string {
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name[strings.LastIndexByte(name, '.')+1:]
	}
	return strings.Join(parts, " or ")
}

// junit reads a report in JUnit's form.
func junit(t *testing.T, text []byte) outcomes {
	t.Helper()
	var report struct {
		Cases []struct {
			Class   string    `xml:"classname,attr"`
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Error   *struct{} `xml:"error"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testsuite>testcase"`
	}
	must(t, xml.Unmarshal(text, &report))
	got := outcomes{}
	for _, c := range report.Cases {
		result := passed
		switch {
		case c.Failure != nil || c.Error != nil:
			result = failed
		case c.Skipped != nil:
			result = skipped
		}
		got[c.Class+"."+c.Name] = result
	}
	return got
}
