package sim

import "ostler/internal/env"

// An event is something that will happen at a moment of virtual time.
type event struct {
	at   int64  // nanoseconds since the start of the world
	tie  uint64 // drawn: orders events of one moment
	seq  uint64 // the order of scheduling, should even ties be equal
	proc *process
	kind kind
	what string
	// Exactly one of the two is set. A timer has a waker, so that it needs no
	// closure.
	run   func()
	waker env.Waker
}

func (e *event) before(o *event) bool {
	if e.at != o.at {
		return e.at < o.at
	}
	if e.tie != o.tie {
		return e.tie < o.tie
	}
	return e.seq < o.seq
}

// A heap keeps events so that the earliest is first. Popped events are reused.
type heap struct {
	items []*event
	free  []*event
}

// get returns an event to be filled and pushed.
func (h *heap) get() *event {
	if n := len(h.free); n > 0 {
		e := h.free[n-1]
		h.free = h.free[:n-1]
		return e
	}
	return &event{}
}

// put gives an event back after it was popped and used.
func (h *heap) put(e *event) {
	*e = event{}
	h.free = append(h.free, e)
}

func (h *heap) push(e *event) {
	h.items = append(h.items, e)
	i := len(h.items) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !h.items[i].before(h.items[parent]) {
			return
		}
		h.items[i], h.items[parent] = h.items[parent], h.items[i]
		i = parent
	}
}

func (h *heap) pop() *event {
	top := h.items[0]
	last := len(h.items) - 1
	h.items[0] = h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if h.items[child].before(h.items[least]) {
				least = child
			}
		}
		if least == i {
			return top
		}
		h.items[i], h.items[least] = h.items[least], h.items[i]
		i = least
	}
}
