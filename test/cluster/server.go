package cluster

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A Server is one member of a cluster.
type Server struct {
	ID   int
	Addr string // of clients
	Dir  string

	product Product
	cmd     *exec.Cmd // nil while it does not run
}

// configure writes zoo.cfg and myid.
func (s *Server) configure(port int, members string) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	cfg := fmt.Appendf(nil, "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=%s\nclientPort=%d\n"+
		"maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n%s", s.Dir, port, members)
	if err := os.WriteFile(s.config(), cfg, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.Dir, "myid"), fmt.Appendln(nil, s.ID), 0o644)
}

func (s *Server) config() string { return filepath.Join(s.Dir, "zoo.cfg") }

// Log is the file that has what the server prints.
func (s *Server) Log() string { return filepath.Join(s.Dir, "log.txt") }

// Start starts the process. It dies with this program.
func (s *Server) Start() error {
	cmd := s.product.Command(s.config())
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.OpenFile(s.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	return nil
}

// Signal sends the process a signal, without waiting for what comes of it.
func (s *Server) Signal(sig syscall.Signal) error { return s.cmd.Process.Signal(sig) }

// Wait waits for the end of a process that was sent a signal.
func (s *Server) Wait() {
	s.cmd.Wait()
	s.cmd = nil
}

// Kill is kill -9, also of a server that does not run.
func (s *Server) Kill() {
	if s.cmd != nil {
		s.Signal(syscall.SIGKILL)
		s.Wait()
	}
}

// Mode is the role that srvr tells; "" while the server does not serve.
func (s *Server) Mode() string {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return ""
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	io.WriteString(conn, "srvr")
	b, _ := io.ReadAll(conn)
	for line := range strings.Lines(string(b)) {
		if mode, ok := strings.CutPrefix(line, "Mode: "); ok {
			return strings.TrimSpace(mode)
		}
	}
	return ""
}

// Await waits until the server serves.
func (s *Server) Await(limit time.Duration) error {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if s.Mode() != "" {
			return nil
		}
	}
	return fmt.Errorf("%s at %s does not serve", s.product.Name, s.Addr)
}
