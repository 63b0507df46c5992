package resize

import (
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"ostler/internal/zk"
)

// A store is a client of either kind. What broke with the connection is errBroken;
// any other error is an answer.
type store interface {
	create(path, data string, ephemeral bool) error
	set(path, data string) error
	// look is a read, which keeps the session alive.
	look(path string) error
	// reconnect waits until the session is attached somewhere, at most for the
	// session's timeout.
	reconnect() error
	session() zk.SessionID
	close()
}

var errBroken = errors.New("the connection broke")

// A writer creates nodes 0, 1, … below a node of its own, whose value it sets to the
// same numbers, and remembers what was acknowledged.
type writer struct {
	l       *load
	store   store
	path    string
	session zk.SessionID
	steps   atomic.Int64

	// Owned by run, and by others while the load is paused.
	next    int
	created []int
	value   string // acknowledged last
}

// run writes until the load ends, or something is wrong.
func (w *writer) run() {
	for {
		select {
		case <-w.l.stop:
			return
		case <-time.After(2 * time.Millisecond):
		}
		w.l.quiet.RLock()
		ok := w.step()
		w.l.quiet.RUnlock()
		if !ok {
			return
		}
		if w.l.paused.Load() {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func (w *writer) step() bool {
	if w.l.paused.Load() {
		return w.do("look", func() error { return w.store.look(w.path) })
	}
	n, value := w.next, strconv.Itoa(w.next)
	w.next++
	path, again := w.path+"/"+value, false
	ok := w.do("create "+path, func() error {
		err := w.store.create(path, value, false)
		if again && errors.Is(err, zk.NodeExists) {
			err = nil // the first attempt was carried out
		}
		again = true
		return err
	})
	if !ok {
		return false
	}
	w.created = append(w.created, n)
	w.l.ack()
	if !w.do("set "+w.path, func() error { return w.store.set(w.path, value) }) {
		return false
	}
	w.value = value
	w.l.ack()
	w.steps.Add(1)
	return true
}

// do does something, and once more when the connection broke. It reports whether it
// was done.
func (w *writer) do(what string, f func() error) bool {
	err := f()
	if errors.Is(err, errBroken) {
		w.l.retried.Add(1)
		first := err
		if err = w.store.reconnect(); err == nil {
			err = f()
		}
		if errors.Is(err, errBroken) {
			w.l.t.Errorf("%s: turned away twice: first %v, then %v", what, first, err)
			return false
		}
	}
	if err != nil {
		w.l.t.Errorf("%s, session 0x%x: %v", what, int64(w.session), err)
		return false
	}
	if now := w.store.session(); now != w.session {
		w.l.t.Errorf("%s: session 0x%x became 0x%x", what, int64(w.session), int64(now))
		return false
	}
	return true
}
