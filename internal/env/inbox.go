package env

import "sync"

// An Inbox is how one owner tells another: Put from anywhere, Take by the
// owner, which gets all that has arrived. The zero Inbox needs Init.
type Inbox[T any] struct {
	mu    sync.Mutex
	items []T
	spare []T
	waker Waker
}

// Init sets the loop that Put wakes. It is called once, before the first Put.
func (b *Inbox[T]) Init(w Waker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waker = w
}

// Put adds v and wakes the owner. Who puts is responsible for a limit: what is
// put is bounded by outstanding requests or by a link's window.
func (b *Inbox[T]) Put(v T) {
	b.mu.Lock()
	b.items = append(b.items, v)
	first := len(b.items) == 1
	w := b.waker
	b.mu.Unlock()
	if first && w != nil {
		w.Wake()
	}
}

// Take returns all items, oldest first. The slice is valid until the next Take.
func (b *Inbox[T]) Take() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.items
	clear(b.spare)
	b.items, b.spare = b.spare[:0], taken
	return taken
}

// Len returns how many items wait.
func (b *Inbox[T]) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}
