package sim

import "ostler/internal/env"

// An event is something that will happen at a moment of virtual time.
type event struct {
	proc *process
	kind kind
	what string
	// Exactly one of the two is set. A timer has a waker, so that it needs no
	// closure.
	run   func()
	waker env.Waker
}

// An item is an event on the heap, beside what orders it.
type item struct {
	at    int64  // nanoseconds since the start of the world
	tie   uint64 // drawn: orders events of one moment
	seq   uint64 // the order of scheduling, should even ties be equal
	event *event
}

func (i *item) before(o *item) bool {
	if i.at != o.at {
		return i.at < o.at
	}
	if i.tie != o.tie {
		return i.tie < o.tie
	}
	return i.seq < o.seq
}

// A heap keeps events so that the earliest is first. Popped events are reused.
type heap struct {
	items []item
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

func (h *heap) push(n item) {
	h.items = append(h.items, n)
	i := len(h.items) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !n.before(&h.items[parent]) {
			break
		}
		h.items[i] = h.items[parent]
		i = parent
	}
	h.items[i] = n
}

func (h *heap) pop() item {
	top := h.items[0]
	last := len(h.items) - 1
	moved := h.items[last]
	h.items[last] = item{}
	h.items = h.items[:last]
	if last == 0 {
		return top
	}
	i := 0
	for child := 1; child < last; child = 2*i + 1 {
		if right := child + 1; right < last && h.items[right].before(&h.items[child]) {
			child = right
		}
		if !h.items[child].before(&moved) {
			break
		}
		h.items[i] = h.items[child]
		i = child
	}
	h.items[i] = moved
	return top
}
