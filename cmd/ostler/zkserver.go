package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ostler/internal/admin"
	"ostler/internal/config"
)

const zkServerUsage = "Usage: %s [--config <conf-dir>] {start|start-foreground|stop|version|restart|status|print-cmd} [<config file>]\n"

// A control is one call of zkServer.sh: its outputs and exit codes are those that
// scripts know (operations.md 6.2).
type control struct {
	std    stdio
	file   string            // the configuration file
	values map[string]string // keys of the configuration file
}

// zkServer runs one verb of zkServer.sh.
func zkServer(ctx context.Context, std stdio, args []string) int {
	dir := cmp.Or(os.Getenv("ZOOCFGDIR"), defaultConfDir())
	if len(args) >= 2 && args[0] == "--config" {
		dir, args = args[1], args[2:]
	}
	if len(args) == 0 {
		fmt.Fprintf(std.err, zkServerUsage, "zkServer.sh")
		return 0 // as the script does
	}
	verb, args := args[0], args[1:]
	if verb == "version" {
		fmt.Fprintf(std.out, "Apache ZooKeeper, version %s\n", admin.VersionLine())
		return 0
	}
	run, ok := verbs[verb]
	if !ok {
		fmt.Fprintf(std.err, zkServerUsage, "zkServer.sh")
		return 0
	}
	c := &control{std: std, file: configFile(dir, args)}
	fmt.Fprintf(std.err, "Using config: %s\n", c.file)
	readEnvFiles(dir)
	c.values = readKeys(c.file)
	return run(ctx, c)
}

var verbs = map[string]func(ctx context.Context, c *control) int{
	"start-foreground": func(ctx context.Context, c *control) int { return runServer(ctx, c.std, []string{c.file}) },
	"start":            func(_ context.Context, c *control) int { return c.start() },
	"stop":             func(_ context.Context, c *control) int { return c.stop() },
	"restart": func(_ context.Context, c *control) int {
		c.stop()
		return c.start()
	},
	"status": func(ctx context.Context, c *control) int { return c.status(ctx) },
	"print-cmd": func(_ context.Context, c *control) int {
		fmt.Fprintf(c.std.out, "%s server %s\n", self(), c.file)
		return 0
	},
}

// defaultConfDir is ../conf beside the binary, else the system's.
func defaultConfDir() string {
	if dir := filepath.Join(filepath.Dir(self()), "..", "conf"); isDir(dir) {
		return dir
	}
	return "/etc/zookeeper"
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// self is the path of this binary.
func self() string {
	name, err := os.Executable()
	if err != nil {
		return "ostler"
	}
	return name
}

// configFile takes a bare name in the configuration directory, a path as it is.
func configFile(dir string, args []string) string {
	name := cmp.Or(os.Getenv("ZOOCFG"), "zoo.cfg")
	if len(args) > 0 {
		name = args[0]
	}
	if strings.Contains(name, "/") {
		return name
	}
	return filepath.Join(dir, name)
}

// readEnvFiles takes plain assignments from the files that zkEnv.sh sources, for
// variables that are not set (operations.md 6.1).
func readEnvFiles(dir string) {
	for _, name := range []string{"zookeeper-env.sh", "java.env"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(text), "\n") {
			key, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
			if !ok || strings.ContainsAny(key, "# \t") || os.Getenv(key) != "" {
				continue
			}
			// A name that the system refuses is none that a server would read.
			_ = os.Setenv(key, strings.Join(splitWords(value), " "))
		}
	}
}

// readKeys reads a configuration file as far as the script needs it; what cannot
// be read is the server's to complain about.
func readKeys(name string) map[string]string {
	values := map[string]string{}
	text, err := os.ReadFile(name)
	if err != nil {
		return values
	}
	properties, err := config.ParseProperties(text)
	if err != nil {
		return values
	}
	for _, p := range properties {
		values[strings.TrimSpace(p.Key)] = strings.TrimSpace(p.Value)
	}
	return values
}

func (c *control) pidFile() string {
	return cmp.Or(os.Getenv("ZOOPIDFILE"), filepath.Join(c.values["dataDir"], "zookeeper_server.pid"))
}

// runningPID is the process of the pid file, if it lives.
func (c *control) runningPID() (int, bool) {
	text, err := os.ReadFile(c.pidFile())
	if err != nil {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid, err == nil && pid > 0 && syscall.Kill(pid, 0) == nil
}

// start runs the server in the background and sees that it survives a second.
func (c *control) start() int {
	fmt.Fprint(c.std.out, "Starting zookeeper ... ")
	if pid, ok := c.runningPID(); ok {
		fmt.Fprintf(c.std.out, " already running as process %d.\n", pid)
		return 1
	}
	logDir := cmp.Or(os.Getenv("ZOO_LOG_DIR"), filepath.Join(filepath.Dir(self()), "..", "logs"))
	if err := os.MkdirAll(logDir, 0o755); err != nil {
		return c.notStarted("SERVER DID NOT START", err)
	}
	child := &child{args: []string{"server", c.file}, log: filepath.Join(logDir, logName())}
	if err := child.start(); err != nil {
		return c.notStarted("SERVER DID NOT START", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.pidFile()), 0o755); err != nil {
		return c.notStarted("FAILED TO WRITE PID", err)
	}
	if err := os.WriteFile(c.pidFile(), []byte(strconv.Itoa(child.pid())), 0o644); err != nil {
		return c.notStarted("FAILED TO WRITE PID", err)
	}
	select {
	case <-child.done:
		_ = os.Remove(c.pidFile()) // it names nobody
		return c.notStarted("FAILED TO START", fmt.Errorf("see %s", child.log))
	case <-time.After(time.Second):
	}
	fmt.Fprintln(c.std.out, "STARTED")
	return 0
}

func (c *control) notStarted(text string, err error) int {
	fmt.Fprintln(c.std.out, text)
	fmt.Fprintln(c.std.err, err)
	return 1
}

func logName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return cmp.Or(os.Getenv("ZOO_LOG_FILE"), fmt.Sprintf("zookeeper-%s-server-%s.log", cmp.Or(os.Getenv("USER"), "ostler"), host))
}

// stop asks the server to end and waits until it has.
func (c *control) stop() int {
	fmt.Fprint(c.std.out, "Stopping zookeeper ... ")
	if _, err := os.Stat(c.pidFile()); errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(c.std.out, "no zookeeper to stop (could not find file %s)\n", c.pidFile())
		return 0
	}
	if pid, ok := c.runningPID(); ok {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return c.notStarted("FAILED", err)
		}
		for deadline := time.Now().Add(10 * time.Second); syscall.Kill(pid, 0) == nil && time.Now().Before(deadline); {
			time.Sleep(20 * time.Millisecond)
		}
	}
	if err := os.Remove(c.pidFile()); err != nil {
		return c.notStarted("FAILED", err)
	}
	fmt.Fprintln(c.std.out, "STOPPED")
	return 0
}

// status prints the mode of the server that the file describes.
func (c *control) status(ctx context.Context) int {
	host, port, ok := c.clientAddr()
	if !ok {
		return 1
	}
	fmt.Fprintf(c.std.out, "Client port found: %s. Client address: %s. Client SSL: false.\n", port, host)
	answer, err := ask(ctx, net.JoinHostPort(host, port), "srvr", 5*time.Second)
	if err == nil {
		for _, line := range strings.Split(answer, "\n") {
			if strings.Contains(line, "Mode") {
				fmt.Fprintln(c.std.out, line)
				return 0
			}
		}
	}
	fmt.Fprintln(c.std.out, "Error contacting service. It is probably not running.")
	return 1
}

// clientAddr finds the client port in the static or the dynamic file.
func (c *control) clientAddr() (host, port string, ok bool) {
	if port := c.values["clientPort"]; port != "" {
		return cmp.Or(c.values["clientPortAddress"], "localhost"), port, true
	}
	fmt.Fprintln(c.std.out, "Client port not found in static config file. Looking in dynamic config file.")
	values := c.values
	if name := c.values["dynamicConfigFile"]; name != "" {
		values = readKeys(name)
	}
	id, err := os.ReadFile(filepath.Join(c.values["dataDir"], "myid"))
	if err != nil {
		fmt.Fprintln(c.std.out, "myid could not be determined, will not able to locate clientPort in the server configs.")
		return "", "", false
	}
	_, client, found := strings.Cut(values["server."+strings.TrimSpace(string(id))], ";")
	if !found {
		fmt.Fprintln(c.std.out, "Client port not found in the server configs")
		return "", "", false
	}
	host, port, err = net.SplitHostPort(client)
	if err != nil {
		return "localhost", client, true
	}
	if host == "0.0.0.0" || host == "::" {
		host = "localhost"
	}
	return host, port, true
}
