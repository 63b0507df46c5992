package host

import (
	"runtime"
	"sync"
	"sync/atomic"

	"ostler/internal/env"
)

// loops runs each loop on a goroutine of its own.
type loops struct {
	mu     sync.Mutex
	closed bool
	all    map[*loop]struct{}
}

func newLoops() *loops { return &loops{all: make(map[*loop]struct{})} }

// A loop waits on a channel of capacity one, so that wake-ups coalesce and a
// woken loop finds everything that has arrived.
type loop struct {
	owner *loops
	step  func() func()
	wake  chan struct{}
	quit  chan struct{}
	done  chan struct{}
	once  sync.Once
}

// Start implements env.Loops. The name is for the simulator's traces.
func (l *loops) Start(name string, step func() (then func())) env.Loop {
	lp := &loop{owner: l, step: step, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		close(lp.quit)
		lp.once.Do(func() {})
		close(lp.done)
		return lp
	}
	l.all[lp] = struct{}{}
	go lp.run()
	return lp
}

// run calls step after each wake-up until Stop.
func (l *loop) run() {
	defer close(l.done)
	for {
		select {
		case <-l.quit:
			return
		case <-l.wake:
		}
		select {
		case <-l.quit:
			return
		default:
		}
		if then := l.step(); then != nil {
			then()
		}
	}
}

// Wake implements env.Waker.
func (l *loop) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Stop implements env.Loop.
func (l *loop) Stop() {
	l.once.Do(func() { close(l.quit) })
	<-l.done
	l.owner.mu.Lock()
	defer l.owner.mu.Unlock()
	delete(l.owner.all, l)
}

// close stops all loops.
func (l *loops) close() {
	l.mu.Lock()
	l.closed = true
	var all []*loop
	for lp := range l.all {
		all = append(all, lp)
	}
	l.mu.Unlock()
	for _, lp := range all {
		lp.Stop()
	}
}

// Parallel implements env.Loops.
func (l *loops) Parallel(n int, f func(i int)) {
	workers := min(n, runtime.GOMAXPROCS(0))
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}
