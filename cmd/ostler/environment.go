package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"

	"ostler/internal/admin"
)

// environment is what envi prints of this process: ZooKeeper's keys, with the values
// that a Go process has for them (operations.md 2.9).
func environment(ctx context.Context) []admin.Variable {
	host, err := fullHostname(ctx)
	if err != nil {
		host = "<NA>"
	}
	name, home := os.Getenv("USER"), os.Getenv("HOME")
	if u, err := user.Current(); err == nil {
		name, home = u.Username, u.HomeDir
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "<NA>"
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	limit := debug.SetMemoryLimit(-1)
	return []admin.Variable{
		{Name: "host.name", Value: host},
		{Name: "java.version", Value: runtime.Version()},
		{Name: "java.vendor", Value: "Ostler"},
		{Name: "java.home", Value: ""},
		{Name: "java.class.path", Value: ""},
		{Name: "java.library.path", Value: ""},
		{Name: "java.io.tmpdir", Value: os.TempDir()},
		{Name: "java.compiler", Value: "<NA>"},
		{Name: "os.name", Value: osName()},
		{Name: "os.arch", Value: runtime.GOARCH},
		{Name: "os.version", Value: osVersion()},
		{Name: "user.name", Value: name},
		{Name: "user.home", Value: home},
		{Name: "user.dir", Value: dir},
		{Name: "os.memory.free", Value: megabytes(mem.HeapIdle)},
		{Name: "os.memory.max", Value: megabytes(uint64(limit))},
		{Name: "os.memory.total", Value: megabytes(mem.Sys)},
	}
}

func megabytes(n uint64) string { return fmt.Sprintf("%dMB", n>>20) }

func osName() string {
	if runtime.GOOS == "linux" {
		return "Linux"
	}
	return runtime.GOOS
}

// osVersion is the kernel's release.
func osVersion() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "<NA>"
	}
	for len(b) > 0 && b[len(b)-1] == '\n' {
		b = b[:len(b)-1]
	}
	return string(b)
}
