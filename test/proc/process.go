package proc

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// A Process is a program that a test has started.
type Process struct {
	t      testing.TB
	cmd    *exec.Cmd
	log    *os.File
	exited chan struct{}
}

// Start starts cmd with its output at the end of the file log. The process dies
// with the test program if nothing ends it before.
func Start(t testing.TB, cmd *exec.Cmd, log string) *Process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{t: t, cmd: cmd, log: out, exited: make(chan struct{})}
	go func() {
		cmd.Wait()
		close(p.exited)
	}()
	return p
}

// End sends a signal that ends the process, waits for the exit, and returns the
// exit code, -1 after a kill.
func (p *Process) End(s syscall.Signal) int {
	p.cmd.Process.Signal(s)
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.t.Errorf("%s did not end after %v", p.cmd.Path, s)
		p.cmd.Process.Kill()
		<-p.exited
	}
	p.log.Close()
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal that does not end the process, such as SIGSTOP.
func (p *Process) Signal(s syscall.Signal) { p.cmd.Process.Signal(s) }

// Ended reports whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}
