package host

import (
	"container/heap"
	"sync"
	"time"

	"ostler/internal/env"
)

// A clock keeps all wake-ups in one heap behind one timer, so that Close can
// drop them.
type clock struct {
	mu     sync.Mutex
	alarms alarms
	timer  *time.Timer
	set    time.Time // when the timer goes off; zero: it is not set
	closed bool
}

// An alarm wakes a loop.
type alarm struct {
	at    time.Time
	waker env.Waker
}

// alarms is a heap, earliest first.
type alarms []alarm

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a alarms) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *alarms) Push(x any)        { *a = append(*a, x.(alarm)) }
func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = alarm{}
	*a = (*a)[:len(*a)-1]
	return last
}

func newClock() *clock { return &clock{} }

// Now implements env.Clock.
func (c *clock) Now() time.Time { return time.Now() }

// Wall implements env.Clock. The monotonic reading is cut off, so that
// differences follow the wall clock.
func (c *clock) Wall() time.Time { return time.Now().Round(0) }

// WakeAt implements env.Clock.
func (c *clock) WakeAt(t time.Time, w env.Waker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	heap.Push(&c.alarms, alarm{t, w})
	c.arm()
}

// arm sets the timer to the earliest alarm.
func (c *clock) arm() {
	if len(c.alarms) == 0 {
		c.set = time.Time{}
		return
	}
	at := c.alarms[0].at
	if !c.set.IsZero() && !at.Before(c.set) {
		return
	}
	c.set = at
	d := time.Until(at)
	if c.timer == nil {
		c.timer = time.AfterFunc(d, c.ring)
		return
	}
	c.timer.Reset(d)
}

// ring wakes everyone whose time has come.
func (c *clock) ring() {
	c.mu.Lock()
	var due []env.Waker
	for now := time.Now(); len(c.alarms) > 0 && !c.alarms[0].at.After(now); {
		due = append(due, heap.Pop(&c.alarms).(alarm).waker)
	}
	c.set = time.Time{}
	c.arm()
	c.mu.Unlock()
	for _, w := range due {
		w.Wake()
	}
}

// close drops all alarms.
func (c *clock) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.alarms = nil
	if c.timer != nil {
		c.timer.Stop()
	}
}
