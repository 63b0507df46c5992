package main

import (
	"os"
	"os/exec"
	"syscall"
)

// A child is this binary running as another process, in a process group of its
// own so that a Ctrl-C on the terminal does not reach it.
type child struct {
	args []string
	log  string // file its output is appended to
	// dies asks the system to end the child with its parent, where it can.
	dies bool

	cmd *exec.Cmd
	// done is closed when the process has ended; err is set before.
	done chan struct{}
	err  error
}

// start runs the process. A goroutine waits for its end and closes done.
func (c *child) start() error {
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	c.cmd = exec.Command(self(), c.args...)
	c.cmd.Args[0] = "ostler" // whatever name the binary has, it is no script now
	c.cmd.Stdout, c.cmd.Stderr = out, out
	c.cmd.SysProcAttr = childAttr(c.dies)
	if err := c.cmd.Start(); err != nil {
		return err
	}
	c.done = make(chan struct{})
	go func() {
		c.err = c.cmd.Wait()
		close(c.done)
	}()
	return nil
}

func (c *child) pid() int { return c.cmd.Process.Pid }

// ended reports whether the process is gone.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// signal sends s; a process that has ended meanwhile needs none.
func (c *child) signal(s syscall.Signal) { _ = c.cmd.Process.Signal(s) }
