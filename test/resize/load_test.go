package resize

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ostler/test/proc"
)

// A load is all clients that write.
type load struct {
	t       *testing.T
	e       *ensemble
	writers []*writer
	acked   atomic.Int64
	retried atomic.Int64
	stop    chan struct{}
	wg      sync.WaitGroup
	// quiet holds the writers back: each has it for reading while it does one thing,
	// whose answer counts.
	quiet  sync.RWMutex
	paused atomic.Bool

	mu   sync.Mutex
	last time.Time // of the last acknowledgement; zero after a pause
	gap  time.Duration
}

// startLoad starts clients of both kinds, each with an ephemeral node.
func startLoad(t *testing.T, e *ensemble) *load {
	t.Helper()
	l := &load{t: t, e: e, stop: make(chan struct{})}
	for i := range 6 {
		var s store
		if i%2 == 0 {
			s = newRaw(e.addrs(), i)
		} else {
			s = newLibrary(t, e.addrs())
		}
		w := &writer{l: l, store: s, path: fmt.Sprintf("/load-%d", i)}
		must(t, s.reconnect())
		must(t, s.create(w.path, "", false))
		must(t, s.create(w.path+"-lives", "", true))
		w.session = s.session()
		l.writers = append(l.writers, w)
	}
	for _, w := range l.writers {
		l.wg.Go(w.run)
	}
	t.Cleanup(l.end)
	return l
}

// end stops the writers; more than once does no harm.
func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.wg.Wait()
	for _, w := range l.writers {
		w.store.close()
	}
}

// progress waits until each writer has had something acknowledged from now on, so
// that what comes next does not meet a client that is just trying for the second time.
func (l *load) progress(after string) {
	l.t.Helper()
	var before []int64
	for _, w := range l.writers {
		before = append(before, w.steps.Load())
	}
	proc.Eventually(l.t, "every client writes after "+after, func() bool {
		for i, w := range l.writers {
			// The one that was under way may be acknowledged by an earlier leader.
			if w.steps.Load() < before[i]+2 {
				return l.t.Failed()
			}
		}
		return true
	})
	if l.t.Failed() {
		l.t.Fatalf("after %s\n%s", after, l.e.tails())
	}
}

// pause waits until nothing is under way, and keeps it so; sessions are kept alive.
func (l *load) pause() {
	l.paused.Store(true)
	l.quiet.Lock() // whoever begins behind it sees paused
	defer l.quiet.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Time{}
}

func (l *load) resume() { l.paused.Store(false) }

func (l *load) ack() {
	l.acked.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.last.IsZero() {
		l.gap = max(l.gap, now.Sub(l.last))
	}
	l.last = now
}

func (l *load) gapMax() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gap.Round(time.Millisecond)
}

// check wants in a server's tree what was acknowledged. The writers are paused.
func (l *load) check(server int, got tree) {
	l.t.Helper()
	for _, w := range l.writers {
		if len(w.created) == 0 {
			l.t.Errorf("%s: nothing was acknowledged", w.path)
		}
		for _, n := range w.created {
			path := w.path + "/" + strconv.Itoa(n)
			if node, ok := got[path]; !ok || node.data != strconv.Itoa(n) {
				l.t.Errorf("server %d lost %s: %v %+v", server, path, ok, node)
			}
		}
		if node := got[w.path]; node.data != w.value {
			l.t.Errorf("server %d: %s holds %q, want %q", server, w.path, node.data, w.value)
		}
		if node, ok := got[w.path+"-lives"]; !ok || node.stat.EphemeralOwner != w.session {
			l.t.Errorf("server %d: the ephemeral node of session 0x%x: %v %+v", server, w.session, ok, node)
		}
	}
}

// clear removes the nodes that were written.
func (l *load) clear(members []*member) {
	l.t.Helper()
	l.pause()
	defer l.resume()
	for _, w := range l.writers {
		remove(l.t, members[0].addr(), w.path)
		w.created = w.created[:0]
	}
}
