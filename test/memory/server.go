package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"

	"ostler/internal/config"
	"ostler/internal/host"
	"ostler/internal/node"
)

// A usage is the memory of the server's process, in bytes.
type usage struct {
	Live       uint64 // heap objects that a collection left, and stacks
	Resident   uint64 // after the collection, with free memory given back
	AsItRan    uint64 // resident before it
	Goroutines int
}

// serve is the server's process: it says where its port is, then answers each
// line of its input with its usage, and ends with its input.
func serve(dir string) {
	file := filepath.Join(dir, "zoo.cfg")
	fatal(os.WriteFile(file, fmt.Appendf(nil, "dataDir=%s\nclientPort=2181\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0\n"+
		"maxSessionTimeout=3600000\nsnapCount=100000000\nadmin.enableServer=false\n", dir), 0o644))
	h := host.New(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	e := h.Env()
	cfg, _, err := config.Loader{FS: e.FS}.Load(file)
	fatal(err)
	cfg.ClientAddr = "127.0.0.1:0"
	n, err := node.New(e, cfg, node.Options{})
	fatal(err)
	fatal(n.Start())
	fmt.Println(n.ClientAddr())
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fatal(out.Encode(measure()))
	}
	n.Stop()
	h.Close()
}

// measure collects garbage and looks what is left. Stacks shrink in the course
// of a collection, by half at most.
func measure() usage {
	u := usage{AsItRan: resident(), Goroutines: runtime.NumGoroutine()}
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.Live, u.Resident = m.HeapAlloc+m.StackInuse, resident()
	return u
}

// resident returns VmRSS of this process.
func resident() uint64 {
	b, err := os.ReadFile("/proc/self/status")
	fatal(err)
	_, b, _ = bytes.Cut(b, []byte("VmRSS:"))
	var kib uint64
	_, err = fmt.Sscan(string(b), &kib)
	fatal(err)
	return kib << 10
}

// A server is a running one.
type server struct {
	addr string
	dir  string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// startServer starts one with an empty data directory, and waits until it serves.
func startServer() *server {
	self, err := os.Executable()
	fatal(err)
	dir, err := os.MkdirTemp("", "memory")
	fatal(err)
	s := &server{dir: dir, cmd: exec.Command(self, "-serve", dir)}
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.in, err = s.cmd.StdinPipe()
	fatal(err)
	out, err := s.cmd.StdoutPipe()
	fatal(err)
	s.out = bufio.NewReader(out)
	fatal(s.cmd.Start())
	fatal(s.read(&s.addr, func(line []byte, v any) error {
		*v.(*string) = string(bytes.TrimSpace(line))
		return nil
	}))
	for start := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := open(s.addr)
		if err == nil {
			c.Close()
			return s
		}
		if time.Since(start) > 10*time.Second {
			fatal(err)
		}
	}
}

// read reads a line.
func (s *server) read(v any, decode func([]byte, any) error) error {
	line, err := s.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("server ended: %w", err)
	}
	return decode(line, v)
}

func (s *server) measure() usage {
	_, err := io.WriteString(s.in, "\n")
	fatal(err)
	var u usage
	fatal(s.read(&u, json.Unmarshal))
	return u
}

// stop ends the server and removes its data.
func (s *server) stop() {
	s.in.Close()
	fatal(s.cmd.Wait())
	fatal(os.RemoveAll(s.dir))
}
