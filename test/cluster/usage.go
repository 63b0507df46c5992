package cluster

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is the processor time that all servers have used.
func (c *Cluster) CPU() (time.Duration, error) {
	var total time.Duration
	for _, s := range c.Servers {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		// The fields after the command's closing bracket; user and system time
		// are the 12th and 13th, in hundredths of a second.
		f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
		for _, field := range f[11:13] {
			n, err := strconv.Atoi(field)
			if err != nil {
				return 0, err
			}
			total += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return total, nil
}

// Memory is the sum of the servers' peak resident bytes.
func (c *Cluster) Memory() (int64, error) {
	var total int64
	for _, s := range c.Servers {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
				if err != nil {
					return 0, err
				}
				total += kib << 10
			}
		}
	}
	return total, nil
}

// Machine names the processors.
func Machine() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	model, n := "unknown processor", 0
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
			n++
		}
	}
	return fmt.Sprintf("%d x %s", n, model)
}
