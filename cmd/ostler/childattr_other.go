//go:build !linux

package main

import "syscall"

// childAttr detaches from the terminal's process group.
func childAttr(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
