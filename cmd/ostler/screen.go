package main

import (
	"fmt"
	"io"
	"os"
)

// A screen writes lines for people, in colour on a terminal.
type screen struct {
	w      io.Writer
	colour bool
}

// newScreen uses colour when w is a terminal and NO_COLOR is not set.
func newScreen(w io.Writer) screen {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return screen{w: w}
	}
	info, err := f.Stat()
	return screen{w: w, colour: err == nil && info.Mode()&os.ModeCharDevice != 0}
}

func (s screen) print(code, sign, format string, args []any) {
	text := fmt.Sprintf(format, args...)
	if s.colour && code != "" {
		fmt.Fprintf(s.w, "\x1b[%sm%s\x1b[0m%s\n", code, sign, text)
		return
	}
	fmt.Fprintf(s.w, "%s%s\n", sign, text)
}

func (s screen) title(format string, args ...any) {
	if s.colour {
		format = "\x1b[1m" + format + "\x1b[0m"
	}
	s.print("", "", format, args)
}
func (s screen) plain(format string, args ...any) { s.print("", "", format, args) }
func (s screen) good(format string, args ...any)  { s.print("32", "  + ", format, args) }
func (s screen) warn(format string, args ...any)  { s.print("33", "  ~ ", format, args) }
func (s screen) bad(format string, args ...any)   { s.print("31", "  - ", format, args) }
