//go:build interop

package differ

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"ostler/test/proc"
)

// A side is one of the two servers compared.
type side int

const (
	ostler side = iota
	apache
)

func (s side) String() string { return [...]string{"ostler", "apache"}[s] }

// superDigest lets super:test in as super user on both servers.
const superDigest = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

// A server is a running one.
type server struct {
	t       testing.TB
	addr    string
	dir     string
	process *proc.Process // nil for one that was running before
}

// startServer starts a standalone server in a directory of its own. Nothing may
// happen in it by itself: no session ends within a run, no container is reaped,
// no snapshot is taken.
func startServer(t testing.TB, kind proc.Kind) *server {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), string(kind))
	must(t, err)
	port := proc.FreePorts(t, 1)[0]
	s := &server{t: t, addr: fmt.Sprintf("127.0.0.1:%d", port), dir: dir}
	config := filepath.Join(dir, "zoo.cfg")
	must(t, os.WriteFile(config, fmt.Appendf(nil, "tickTime=2000\ndataDir=%s\nclientPort=%d\n"+
		"minSessionTimeout=%d\nmaxSessionTimeout=%d\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n"+
		"admin.enableServer=false\nforceSync=no\nsnapCount=100000000\npreAllocSize=1024\nextendedTypesEnabled=true\n"+
		"DigestAuthenticationProvider.superDigest=%s\n", dir, port, timeoutMin, timeoutMax, superDigest), 0o644))
	s.process = proc.Start(t, proc.Server(t, kind, config, "znode.container.checkIntervalMs=100000000"), s.log())
	t.Cleanup(s.stop)
	proc.Eventually(t, string(kind)+" serves", func() bool {
		return proc.Field(proc.Word(s.addr, "srvr"), "Mode: ") == "standalone"
	}, s.tail)
	return s
}

func (s *server) log() string { return filepath.Join(s.dir, "log.txt") }

func (s *server) tail() string { return proc.Tail(s.log()) }

func (s *server) stop() {
	if s.process != nil {
		s.process.End(syscall.SIGKILL)
		s.process = nil
	}
}

// The bounds of session timeouts, in ms: no session may end by itself.
const (
	timeoutMin = 600_000
	timeoutMax = 1_200_000
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
