package main

import "syscall"

// childAttr detaches from the terminal's process group. Linux ends the child
// with the thread that made it, if asked to.
func childAttr(dies bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if dies {
		attr.Pdeathsig = syscall.SIGTERM
	}
	return attr
}
