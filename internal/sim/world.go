package sim

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// start is when every world begins.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Options say how a world is made.
type Options struct {
	Seed uint64
	// Trace, when not nil, gets every line of the trace as it happens.
	Trace io.Writer
	// LogLevel is the lowest level of log messages written to Trace. Messages
	// from Info up are part of every trace.
	LogLevel slog.Level
}

// A Failure is a property that did not hold.
type Failure struct {
	At   time.Duration // virtual time
	What string
}

// Error tells the failure in one line.
func (f *Failure) Error() string { return fmt.Sprintf("at %.6f s: %s", f.At.Seconds(), f.What) }

// ErrCrashed is told to Machine.Exited after a crash that CrashAtFileCall planned.
var ErrCrashed = errors.New("crashed in a file call")

// A World is a set of machines, the network between them, and time. It belongs
// to one goroutine.
type World struct {
	seed     uint64
	now      int64
	heap     heap
	seq      uint64
	events   uint64
	trace    trace
	logLevel slog.Level

	sched *rand.Rand // ties and small delays of the scheduler
	net   *rand.Rand // latencies, cuts
	// Rand is for those who drive the world: faults and workload.
	Rand *rand.Rand

	machines []*Machine
	names    map[string]*Machine
	book     addressBook
	links    [][]link // by index of sender and receiver
	ends     []*end   // every open end of a connection
	frames   arena    // what is sent
	nextConn uint64

	cur     activity
	failure *Failure
	stopped bool
}

// An activity is the code that runs right now: a step, a callback.
type activity struct {
	proc    *process
	what    string
	blocked int64 // nanoseconds of blocking file calls so far
	// boot: a server that starts may do as it likes, nobody knows it yet.
	boot bool
	loop *loop // whose step this is, or nil
	// frozen: the process ends before the file call under way is done, so
	// neither it nor what follows it happens.
	frozen bool
}

// New returns a world without machines.
func New(o Options) *World {
	w := &World{seed: o.Seed, logLevel: o.LogLevel, names: make(map[string]*Machine), book: newAddressBook()}
	w.trace.out = o.Trace
	w.sched = w.dice(1)
	w.net = w.dice(2)
	w.Rand = w.dice(3)
	return w
}

// dice returns the numbered random source of this world's seed.
func (w *World) dice(n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(w.seed, n*0x9e3779b97f4a7c15))
}

// Seed is what the world was made from.
func (w *World) Seed() uint64 { return w.seed }

// Now is the virtual time since the start of the world.
func (w *World) Now() time.Duration { return time.Duration(w.now + w.cur.blocked) }

// Events is the number of events so far.
func (w *World) Events() uint64 { return w.events }

// TraceHash is a hash of everything that has happened.
func (w *World) TraceHash() uint64 { return w.trace.hash }

// TraceTail is the newest part of the trace in words.
func (w *World) TraceTail() string { return w.trace.tail() }

// Failure is the first property that did not hold, or nil.
func (w *World) Failure() *Failure { return w.failure }

// Failf reports that a property does not hold. The first one ends the run.
func (w *World) Failf(format string, args ...any) {
	if w.failure != nil {
		return
	}
	w.failure = &Failure{At: w.Now(), What: fmt.Sprintf(format, args...)}
	w.note(kindCheck, nil, "FAILED", 0, w.failure.What)
}

// Note puts a line of the workload or a fault into the trace.
func (w *World) Note(what, text string) { w.note(kindFault, nil, what, 0, text) }

func (w *World) note(k kind, m *Machine, what string, n int64, text string) {
	name := ""
	if m != nil {
		name = m.name
	}
	w.trace.add(line{at: w.now + w.cur.blocked, kind: k, machine: name, what: what, n: n, text: text})
}

// After calls f in d of virtual time, outside of any machine.
func (w *World) After(d time.Duration, f func()) {
	w.schedule(int64(d), nil, kindFault, "", f)
}

// schedule plans f in delay nanoseconds, counted from the end of the blocking
// calls of the present activity. It is dropped if proc ends before.
func (w *World) schedule(delay int64, proc *process, k kind, what string, f func()) {
	e := w.heap.get()
	e.run = f
	w.push(e, w.now+w.cur.blocked+max(delay, 0), proc, k, what)
}

func (w *World) push(e *event, at int64, proc *process, k kind, what string) {
	w.seq++
	e.proc, e.kind, e.what = proc, k, what
	w.heap.push(item{at, w.sched.Uint64(), w.seq, e})
}

// Stop ends Run after the present event.
func (w *World) Stop() { w.stopped = true }

// Run lets d of virtual time pass, or less if something fails or Stop is called.
func (w *World) Run(d time.Duration) {
	w.stopped = false
	until := w.now + int64(d)
	for len(w.heap.items) > 0 && w.failure == nil && !w.stopped {
		if w.heap.items[0].at > until {
			break
		}
		w.step()
	}
	if w.failure == nil && !w.stopped {
		w.now = until
	}
}

// step runs the next event.
func (w *World) step() {
	top := w.heap.pop()
	e := top.event
	if top.at > w.now {
		w.now = top.at
	}
	if p := e.proc; p != nil {
		if !p.alive {
			w.heap.put(e)
			return
		}
		if p.m.pausedUntil > w.now {
			p.m.deferred = append(p.m.deferred, e)
			return
		}
	}
	w.events++
	if e.what != "" {
		var m *Machine
		if e.proc != nil {
			m = e.proc.m
		}
		w.note(e.kind, m, e.what, 0, "")
	}
	run, waker, proc, what := e.run, e.waker, e.proc, e.what
	w.heap.put(e)
	if waker != nil {
		waker.Wake()
		return
	}
	w.exec(proc, what, false, run)
}

// exec runs f as an activity of proc and returns for how long its file calls
// blocked. A panic in it is a failure.
func (w *World) exec(proc *process, what string, boot bool, f func()) (blocked int64) {
	saved := w.cur
	w.cur = activity{proc: proc, what: what, boot: boot}
	done := false
	defer func() {
		blocked = w.cur.blocked
		l := w.cur.loop
		w.cur = saved
		if done {
			return
		}
		v := recover()
		if _, planned := v.(frozen); planned {
			if l != nil {
				l.stopped = true
			}
			return
		}
		w.Failf("%s in %s of %s\n%s", triggered(v), what, proc.machineName(), debug.Stack())
	}()
	f()
	done = true
	return w.cur.blocked
}

// telling is called before anything that others can notice.
func (w *World) telling(what string) {
	if w.cur.blocked > 0 && !w.cur.boot && w.cur.proc != nil && w.cur.proc.alive {
		w.Failf("%s: %s %s after blocking file calls in the same step", w.cur.proc.m.name, w.cur.what, what)
	}
}
