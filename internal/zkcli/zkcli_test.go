package zkcli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/client/clienttest"
	"ostler/internal/zk"
)

// A capture is one recorded run of ZooKeeper's own client.
type capture struct {
	name, command  string
	stdout, stderr string
	code           string
}

var (
	commandLine = regexp.MustCompile(`(?m)^\$ zkCli\.sh ?(.*)$`)
	output395   = regexp.MustCompile(`(?s)--- stdout\n(.*?)--- stderr\n(.*?)--- exit code: (\d+)`)
)

func readCaptures(t *testing.T) []capture {
	t.Helper()
	f, err := os.Open("testdata/captures.tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []capture
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		// The newer client comes last.
		head, body, _ := strings.Cut(string(text), "\n=== ")
		if i := strings.LastIndex(body, "\n=== 3.9.5"); i >= 0 {
			body = body[i:]
		}
		command, out := commandLine.FindStringSubmatch(head), output395.FindStringSubmatch(body)
		if command == nil || out == nil {
			t.Fatalf("%s: not a capture", h.Name)
		}
		all = append(all, capture{name: h.Name, command: command[1], stdout: out[1], stderr: out[2], code: out[3]})
	}
}

// TestMistakes plays every recorded mistake that needs no server.
func TestMistakes(t *testing.T) {
	captures := readCaptures(t)
	if len(captures) < 60 {
		t.Errorf("only %d captures", len(captures))
	}
	for _, c := range captures {
		var stdout, stderr bytes.Buffer
		code := Main(shellWords(c.command), strings.NewReader(""), &stdout, &stderr)
		got := capture{c.name, c.command, stdout.String(), stderr.String(), string(rune('0' + code))}
		if code == exitNotFound {
			got.code = "127"
		}
		// ZooKeeper prints two line ends after a usage with options; the
		// transcripts leave empty lines at the end out.
		got.stderr = strings.TrimRight(got.stderr, "\n") + "\n"
		c.stderr = strings.TrimRight(c.stderr, "\n") + "\n"
		if diff := cmp.Diff(c, got, cmp.AllowUnexported(capture{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// shellWords splits the command line of a capture as a shell does.
func shellWords(line string) []string {
	words := splitWords(line)
	for i, w := range words {
		words[i] = strings.Trim(w, "'")
	}
	return words
}

func TestSplitWords(t *testing.T) { // cli.md 1
	for line, want := range map[string][]string{
		``:                     nil,
		"  \t ":                nil,
		`get /x`:               {"get", "/x"},
		`set /x "a b"`:         {"set", "/x", "a b"},
		`set /x 'a "b" c'`:     {"set", "/x", `a "b" c`},
		`set /x ""`:            {"set", "/x", ""},
		`set /x a"b c"d`:       {"set", "/x", `a"b`, `c"d`},
		`set /x "unbalanced x`: {"set", "/x", "unbalanced", "x"},
	} {
		if got := splitWords(line); !cmp.Equal(got, want) {
			t.Errorf("splitWords(%q) = %q, want %q", line, got, want)
		}
	}
}

func TestPathMessages(t *testing.T) { // cli.md 2
	for path, want := range map[string]string{
		"":        "Path length must be > 0",
		"a":       "Path must start with / character",
		"/a/":     "Path must not end with / character",
		"/a//b":   `Invalid path string "/a//b" caused by empty node name specified @3`,
		"/a/../b": `Invalid path string "/a/../b" caused by relative paths not allowed @4`,
		"/.":      `Invalid path string "/." caused by relative paths not allowed @1`,
		"/a\x00":  "Invalid path string \"/a\x00\" caused by null character not allowed @2",
		"/a\x01":  "Invalid path string \"/a\x01\" caused by invalid character @2",
		"/😀":      `Invalid path string "/😀" caused by invalid character @1`,
	} {
		if err := checkPath(path); err == nil || err.Error() != want {
			t.Errorf("checkPath(%q) = %v, want %s", path, err, want)
		}
	}
	for _, path := range []string{"/", "/a", "/.a", "/a..b", "/...", "/a b"} {
		if err := checkPath(path); err != nil {
			t.Errorf("checkPath(%q) = %v", path, err)
		}
	}
}

func TestHexDump(t *testing.T) { // cli.md 4
	got := hexDump([]byte("0123456789abcdef !\"\xff"))
	const want = "         +-------------------------------------------------+\n" +
		"         |  0  1  2  3  4  5  6  7  8  9  a  b  c  d  e  f |\n" +
		"+--------+-------------------------------------------------+----------------+\n" +
		"|00000000| 30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 |0123456789abcdef|\n" +
		"|00000010| 20 21 22 ff                                     | !\".            |\n" +
		"+--------+-------------------------------------------------+----------------+"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const connected = "\nWATCHER::\n\nWatchedEvent state:SyncConnected type:None path:null zxid: -1\n"

// runCLI runs one command line against s.
func runCLI(t *testing.T, s *clienttest.Server, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = Main(append([]string{"-server", s.Addr()}, args...), strings.NewReader(stdin), &out, &err)
	return strings.ReplaceAll(out.String(), s.Addr(), "HOST"), err.String(), code
}

func TestOneShot(t *testing.T) {
	t.Setenv("ZKCLI_COMPAT", "")
	s := clienttest.New(t)
	for _, c := range []struct {
		args           string
		stdout, stderr string
		code           int
	}{
		{"create /hello world", connected, "Created /hello\n", 0},
		{"create /hello world", connected, "Node already exists: /hello\n", 1},
		{"get /hello", connected + "world\n", "", 0},
		{"get -b /hello", connected + "d29ybGQ=\n", "", 0},
		{"get /nosuch", connected, "Node does not exist: /nosuch\n", 1},
		{"set /hello again", connected, "", 0},
		{"set -v 7 /hello x", connected, "version No is not valid : /hello\n", 1},
		{"create /hello/b", connected, "Created /hello/b\n", 0},
		{"create /hello/a", connected, "Created /hello/a\n", 0},
		{"get /hello/a", connected + "null\n", "", 0},
		{"ls /hello", connected + "[a, b]\n", "", 0},
		{"ls -R /hello", connected + "/hello\n/hello/a\n/hello/b\n", "", 0},
		{"getAcl /hello", connected + "'world,'anyone\n: cdrwa\n", "", 0},
		{"delete /hello", connected, "Node not empty: /hello\n", 1},
		{"sync /", connected + "Sync is OK\n", "", 0},
		{"deleteall /hello", connected, "", 0},
		{"stat /hello", connected, "Node does not exist: /hello\n", 1},
		{"whoami", connected, "KeeperErrorCode = Unimplemented\n", 1},
	} {
		stdout, stderr, code := runCLI(t, s, "", strings.Fields(c.args)...)
		if want := "Connecting to HOST\n" + c.stdout; stdout != want || stderr != c.stderr || code != c.code {
			t.Errorf("%s:\n got %q, %q, %d\nwant %q, %q, %d", c.args, stdout, stderr, code, want, c.stderr, c.code)
		}
	}
	if seen := s.Seen(); seen[len(seen)-1] != zk.OpCloseSession {
		t.Errorf("a one-shot command must close its session; the last request was %v", seen[len(seen)-1])
	}
}

func TestCompat34(t *testing.T) { // cli.md 9
	t.Setenv("ZKCLI_COMPAT", "3.4")
	s := clienttest.New(t)
	runCLI(t, s, "", "create", "/hello", "world")
	stdout, stderr, _ := runCLI(t, s, "", "get", "/hello")
	if !strings.HasSuffix(stdout, "type:None path:null\nworld\n") {
		t.Errorf("stdout = %q", stdout)
	}
	if !strings.HasPrefix(stderr, "cZxid = 0x1\n") || strings.Count(stderr, "\n") != 11 {
		t.Errorf("stderr = %q, want the stat block", stderr)
	}
	if _, stderr, _ = runCLI(t, s, "", "set", "/hello", "again"); !strings.Contains(stderr, "dataVersion = 1\n") {
		t.Errorf("stderr of set = %q, want the stat block", stderr)
	}
}

func TestInteractive(t *testing.T) {
	t.Setenv("ZKCLI_COMPAT", "")
	const stdin = "\n   \ncreate /w x\nget -w /w\nset /w y\nget /nosuch\nhistory\nredo 99\nprintwatches\nquit\n"
	const event = "\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/w zxid: 2\n"
	stdout, stderr, code := runCLI(t, clienttest.New(t), stdin)
	want := "Connecting to HOST\nWelcome to ZooKeeper!\nJLine support is disabled\n" + connected + "x\n" + event +
		"0 - create /w x\n1 - get -w /w\n2 - set /w y\n3 - get /nosuch\n4 - history\nprintwatches is on\n" +
		"\nWATCHER::\n\nWatchedEvent state:Closed type:None path:null zxid: -1\n"
	if stdout != want {
		t.Errorf("stdout (-want +got):\n%s", cmp.Diff(want, stdout))
	}
	if want := "Created /w\nNode does not exist: /nosuch\nCommand index out of range\n"; stderr != want {
		t.Errorf("stderr = %q, want %q", stderr, want)
	}
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

func TestExitCodeIsThatOfTheLastCommand(t *testing.T) {
	s := clienttest.New(t)
	for stdin, want := range map[string]int{
		"get /nosuch\nquit\n": 1, "get /nosuch\n": 1, "get /nosuch\nls /\n": 0, "foo\n": 127, "": 0,
		"close\nget /\n": 0,
	} {
		if _, _, code := runCLI(t, s, stdin); code != want {
			t.Errorf("%q: exit code %d, want %d", stdin, code, want)
		}
	}
}
