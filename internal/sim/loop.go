package sim

import (
	"time"

	"ostler/internal/env"
)

// A clock shows a process the time.
type clock struct{ p *process }

// Now implements env.Clock.
func (c *clock) Now() time.Time { return start.Add(c.p.m.w.Now() + c.p.m.mono) }

// Wall implements env.Clock.
func (c *clock) Wall() time.Time { return start.Add(c.p.m.w.Now() + c.p.m.wall) }

// WakeAt implements env.Clock. Timers are a little late, as on a real machine.
func (c *clock) WakeAt(t time.Time, wk env.Waker) {
	w := c.p.m.w
	at := int64(t.Sub(start) - c.p.m.mono)
	l, ok := wk.(*loop)
	if !ok || w.cur.what != l.name {
		w.telling("sets a timer of another loop")
	}
	if ok {
		l.checkLate(w.now - at)
	}
	if !c.p.alive {
		return
	}
	e := w.heap.get()
	e.waker = wk
	w.push(e, max(at, w.now+w.cur.blocked)+w.sched.Int64N(100_000), c.p, kindTimer, "")
}

// loops starts the loops of a process.
type loops struct{ p *process }

// A loop runs the steps of one owner.
type loop struct {
	p       *process
	name    string
	step    func() func()
	runs    func() // run as a value, made once
	then    func() // what the last step left to do
	finish  func()
	wanted  bool // woken since the last step began
	planned bool // a step is on the heap
	busy    bool // its file calls take their time
	stopped bool
	late    int // how often in a row it wanted to be woken at a time that had passed
}

// A loop that wants to be woken at times that are long over, again and again, spins:
// what it waits for is not a matter of time.
const (
	lateBy    = 1_000_000_000 // ns
	lateTimes = 200
)

func (l *loop) checkLate(by int64) {
	if by < lateBy {
		l.late = 0
		return
	}
	if l.late++; l.late == lateTimes {
		l.p.m.w.Failf("%s: loop %s spins: it wants to be woken %v ago", l.p.m.name, l.name, time.Duration(by))
	}
}

// Start implements env.Loops.
func (s *loops) Start(name string, step func() (then func())) env.Loop {
	l := &loop{p: s.p, name: name, step: step}
	l.runs, l.finish = l.run, l.finished
	s.p.loops = append(s.p.loops, l)
	return l
}

// Parallel implements env.Loops; one after the other is one of the allowed orders.
func (s *loops) Parallel(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

// Stop implements env.Loop.
func (l *loop) Stop() { l.stopped = true }

// Wake implements env.Waker.
func (l *loop) Wake() {
	w := l.p.m.w
	if w.cur.blocked > 0 && (w.cur.proc != l.p || w.cur.what != l.name) {
		w.telling("wakes " + l.name)
	}
	l.wanted = true
	l.plan()
}

// plan puts the next step on the heap when there is to be one.
func (l *loop) plan() {
	if !l.wanted || l.planned || l.busy || l.stopped || !l.p.alive {
		return
	}
	l.planned = true
	l.p.m.w.schedule(l.p.m.w.hiccup(), l.p, kindStep, l.name, l.runs)
}

// hiccup is the time until a loop that was woken runs: short, seldom not.
func (w *World) hiccup() int64 {
	r := w.sched.Uint64()
	if r&0xff == 0 {
		return int64(r >> 8 % 3_000_000)
	}
	return int64(r >> 8 % 20_000)
}

// run is one step. exec has made it the present activity, under the loop's name.
func (l *loop) run() {
	l.planned = false
	if l.stopped {
		return
	}
	l.wanted = false
	w := l.p.m.w
	w.cur.loop = l
	then := l.step()
	if w.cur.blocked == 0 {
		if then != nil {
			then()
		}
		if w.cur.blocked == 0 {
			return
		}
		then = nil // its own file calls keep the loop busy
	}
	l.busy, l.then = true, then
	w.schedule(0, l.p, kindThen, l.name, l.finish)
}

// finished is when the file calls of a step have taken their time.
func (l *loop) finished() {
	then := l.then
	l.busy, l.then = false, nil
	l.p.m.w.cur.loop = l
	if then != nil && !l.stopped {
		then()
	}
	if w := l.p.m.w; w.cur.blocked > 0 {
		l.busy = true
		w.schedule(0, l.p, kindThen, l.name, l.finish)
		return
	}
	l.plan()
}

var (
	_ env.Clock = (*clock)(nil)
	_ env.Loops = (*loops)(nil)
)
