package zkcli

import (
	"bufio"
	"fmt"
	"io"
	"sync"
)

// An output is standard output and standard error, shared by the commands and
// by events, which arrive while a command runs. What goes to one is written out
// before anything goes to the other, so a terminal shows both in order.
type output struct {
	mu  sync.Mutex
	out *bufio.Writer
	err io.Writer
}

func newOutput(stdout, stderr io.Writer) *output {
	return &output{out: bufio.NewWriter(stdout), err: stderr}
}

// printf writes to standard output; Flush must follow.
func (o *output) printf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fmt.Fprintf(o.out, format, args...)
}

// errorf writes to standard error.
func (o *output) errorf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.out.Flush()
	fmt.Fprintf(o.err, format, args...)
}

// Flush writes out what was printed.
func (o *output) Flush() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.out.Flush()
}
