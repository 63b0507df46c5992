package proc

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A Kind says whose server a process is.
type Kind string

// The kinds of server.
const (
	Ostler Kind = "ostler"
	Apache Kind = "apache"
)

// binary builds the product once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ostler-test")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "ostler")
	build := exec.Command("go", "build", "-o", path, "ostler/cmd/ostler")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %v\n%s", err, out)
	}
	return path, nil
})

// OstlerPath returns the path of the product's binary.
func OstlerPath(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// LogInfo is the property with which an Apache server logs all that it does, and not
// warnings and errors alone.
const LogInfo = "org.slf4j.simpleLogger.defaultLogLevel=info"

// apacheLog makes Apache servers log with the time.
var apacheLog = []string{
	"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
	"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
}

// Server returns the command that runs a server of the kind with a zoo.cfg and Java
// system properties, each name=value.
func Server(t testing.TB, k Kind, config string, properties ...string) *exec.Cmd {
	t.Helper()
	var flags []string
	for _, p := range properties {
		flags = append(flags, "-D"+p)
	}
	if k == Ostler {
		return exec.Command(OstlerPath(t), slices.Concat([]string{"server"}, flags, []string{config})...)
	}
	return exec.Command("java", slices.Concat([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"}, apacheLog, flags,
		[]string{"-cp", "/usr/share/java/zookeeper.jar:/usr/share/java/slf4j-simple.jar", "org.apache.zookeeper.server.quorum.QuorumPeerMain", config})...)
}

// Word asks the server at addr a four-letter word; "" is no answer.
func Word(addr, word string) string {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(c, word)
	b, _ := io.ReadAll(c)
	return string(b)
}

// Field returns the rest of the line of text that begins with prefix.
func Field(text, prefix string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// Tail returns the last lines of a log, for a failed test.
func Tail(log string) string {
	b, _ := os.ReadFile(log)
	if len(b) > 6000 {
		b = b[len(b)-6000:]
	}
	return string(b)
}
