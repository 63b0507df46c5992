package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A cluster is three running servers of one product.
type cluster struct {
	dir   string
	addrs []string
	cmds  []*exec.Cmd
}

const firstPort = 21810

// startCluster starts three servers with empty data directories.
func startCluster(p product) *cluster {
	dir, err := os.MkdirTemp("", "compare")
	fatal(err)
	c := &cluster{dir: dir}
	servers := ""
	for i := 1; i <= 3; i++ {
		servers += fmt.Sprintf("server.%d=127.0.0.1:%d:%d\n", i, firstPort+10*i+1, firstPort+10*i+2)
	}
	for i := 1; i <= 3; i++ {
		home := filepath.Join(dir, strconv.Itoa(i))
		fatal(os.MkdirAll(home, 0o755))
		cfg := filepath.Join(home, "zoo.cfg")
		port := firstPort + 10*i
		fatal(os.WriteFile(cfg, fmt.Appendf(nil, "tickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=%s\nclientPort=%d\n"+
			"maxClientCnxns=0\nadmin.enableServer=false\n4lw.commands.whitelist=*\n%s", home, port, servers), 0o644))
		fatal(os.WriteFile(filepath.Join(home, "myid"), fmt.Appendln(nil, i), 0o644))
		cmd := p.command(cfg)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		log, err := os.Create(filepath.Join(home, "log.txt"))
		fatal(err)
		cmd.Stdout, cmd.Stderr = log, log
		fatal(cmd.Start())
		log.Close()
		c.cmds = append(c.cmds, cmd)
		c.addrs = append(c.addrs, fmt.Sprintf("127.0.0.1:%d", port))
	}
	for _, addr := range c.addrs {
		c.await(addr)
	}
	return c
}

// await waits until a server serves.
func (c *cluster) await(addr string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			continue
		}
		io.WriteString(conn, "srvr")
		b, _ := io.ReadAll(conn)
		conn.Close()
		if strings.Contains(string(b), "Mode: ") {
			return
		}
	}
	fatal(fmt.Errorf("%s does not serve; see %s", addr, c.dir))
}

// stop kills the servers and removes their data.
func (c *cluster) stop() {
	for _, cmd := range c.cmds {
		cmd.Process.Kill()
		cmd.Wait()
	}
	os.RemoveAll(c.dir)
}

// cpu is the processor time that all servers have used.
func (c *cluster) cpu() time.Duration {
	var total time.Duration
	for _, cmd := range c.cmds {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		fatal(err)
		// The fields after the command's closing bracket; user and system time
		// are the 12th and 13th, in hundredths of a second.
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
		for _, s := range f[11:13] {
			n, err := strconv.Atoi(s)
			fatal(err)
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total
}

// memory is the sum of the servers' peak resident bytes.
func (c *cluster) memory() int64 {
	var total int64
	for _, cmd := range c.cmds {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		fatal(err)
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				fatal(err)
				total += kib << 10
			}
		}
	}
	return total
}
