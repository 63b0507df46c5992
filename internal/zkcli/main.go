package zkcli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// The exit codes.
const (
	exitOK       = 0
	exitFailed   = 1
	exitConfig   = 2
	exitNotFound = 127
)

// settings are the options in front of the command.
type settings struct {
	server     string
	timeout    time.Duration
	readOnly   bool
	wait       bool // -waitforconnection
	clientConf string
	compat34   bool
}

// Main runs the command line with the words behind the program's name and
// returns the exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o := settings{server: "localhost:2181", timeout: 30 * time.Second}
	o.compat34 = os.Getenv("ZKCLI_COMPAT") == "3.4"
	words, err := o.parse(args, stderr)
	sh := newShell(o, stdout, stderr)
	defer sh.out.Flush()
	sh.out.printf("Connecting to %s\n", o.server)
	if err != nil {
		return report(sh.out, err)
	}
	if o.clientConf != "" {
		if sh.secure, err = clientTLS(o.clientConf); err != nil {
			return report(sh.out, &failure{text: err.Error(), code: exitConfig})
		}
	}
	if len(words) > 0 {
		return sh.oneShot(words)
	}
	return sh.interact(stdin, stdout)
}

// parse takes the options from the front of args, by the rules of cli.md 1, and
// returns the command. Unknown options are ignored.
func (o *settings) parse(args []string, stderr io.Writer) (words []string, err error) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0]
		args = args[1:]
		switch name {
		case "-r":
			o.readOnly = true
			continue
		case "-waitforconnection":
			o.wait = true
			continue
		case "-server", "-timeout", "-client-configuration", "-compat":
		default:
			continue
		}
		if len(args) == 0 {
			fmt.Fprintf(stderr, "Error: no argument found for option %s\n", name)
			break
		}
		value := args[0]
		args = args[1:]
		switch name {
		case "-server":
			o.server = value
		case "-client-configuration":
			o.clientConf = value
		case "-compat":
			o.compat34 = value == "3.4"
		case "-timeout":
			ms, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("-timeout must be a number of milliseconds: %q", value)
			}
			o.timeout = time.Duration(ms) * time.Millisecond
		}
	}
	return args, nil
}

// A failure is a command that failed: what is printed and the exit code.
type failure struct {
	text string
	code int
}

func (f *failure) Error() string { return f.text }

func failf(format string, args ...any) error {
	return &failure{text: fmt.Sprintf(format, args...), code: exitFailed}
}

// A note is printed like a failure and leaves the exit code 0 ("soft errors").
type note string

func (n note) Error() string { return string(n) }

// report prints err and returns the exit code.
func report(out *output, err error) int {
	if err == nil {
		return exitOK
	}
	out.errorf("%s\n", err)
	var n note
	var f *failure
	switch {
	case errors.As(err, &n):
		return exitOK
	case errors.As(err, &f):
		return f.code
	}
	return exitFailed
}
