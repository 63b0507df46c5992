package sim

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// A kind says what sort of thing a line of the trace tells.
type kind uint8

const (
	kindStep kind = iota
	kindThen
	kindTimer
	kindNet
	kindData
	kindDisk
	kindFault
	kindLog
	kindClient
	kindCheck
)

var kindNames = [...]string{"step", "then", "timer", "net", "data", "disk", "fault", "log", "client", "check"}

// ringSize is how many of the newest lines a failure shows.
const ringSize = 400

// A line is one entry of the trace. What and text are kept as they are and put
// into words only when someone reads the trace.
type line struct {
	at      int64
	kind    kind
	machine string
	what    string
	n       int64
	text    string
}

func (l *line) write(w io.Writer) {
	fmt.Fprintf(w, "%12.6f %-8s %-6s %s", time.Duration(l.at).Seconds(), l.machine, kindNames[l.kind], l.what)
	if l.n != 0 {
		fmt.Fprintf(w, " %d", l.n)
	}
	if l.text != "" {
		fmt.Fprintf(w, " %s", l.text)
	}
	io.WriteString(w, "\n")
}

// A trace remembers the newest lines, hashes all, and writes all if asked to.
type trace struct {
	hash  uint64
	lines uint64
	ring  [ringSize]line
	out   io.Writer // nil: none
}

// add appends a line.
func (t *trace) add(l line) {
	t.ring[t.lines%ringSize] = l
	t.lines++
	h := t.hash
	h = mix(h, uint64(l.at))
	h = mix(h, uint64(l.kind)<<56^uint64(l.n))
	h = mixString(h, l.machine)
	h = mixString(h, l.what)
	if l.text != "" {
		h = mixString(h, l.text)
	}
	t.hash = h
	if t.out != nil {
		l.write(t.out)
	}
}

// tail returns the newest lines, oldest first.
func (t *trace) tail() string {
	var b strings.Builder
	from := uint64(0)
	if t.lines > ringSize {
		from = t.lines - ringSize
	}
	for i := from; i < t.lines; i++ {
		t.ring[i%ringSize].write(&b)
	}
	return b.String()
}

// mix folds v into h; any difference spreads over all bits.
func mix(h, v uint64) uint64 {
	h = (h ^ v) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

func mixString(h uint64, s string) uint64 {
	for len(s) >= 8 {
		h = mix(h, uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|
			uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56)
		s = s[8:]
	}
	v := uint64(len(s))
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
	}
	return mix(h, v)
}

// A logHandler puts what a machine logs into the trace.
type logHandler struct {
	m     *Machine
	attrs string
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || h.m.w.trace.out != nil && level >= h.m.w.logLevel
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		writeAttr(&b, a)
		return true
	})
	l := line{at: h.m.w.now, kind: kindLog, machine: h.m.name, what: r.Level.String() + " " + r.Message, text: b.String()}
	if r.Level < slog.LevelInfo {
		l.write(h.m.w.trace.out) // not part of the hash, which must not depend on options
		return nil
	}
	h.m.w.trace.add(l)
	h.m.w.overheard(h.m, r.Message, b.String())
	return nil
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var b strings.Builder
	b.WriteString(h.attrs)
	for _, a := range attrs {
		writeAttr(&b, a)
	}
	return &logHandler{m: h.m, attrs: b.String()}
}

// WithGroup implements slog.Handler; groups are not told apart.
func (h *logHandler) WithGroup(string) slog.Handler { return h }

func writeAttr(b *strings.Builder, a slog.Attr) {
	fmt.Fprintf(b, " %s=%v", a.Key, a.Value.Resolve())
}
