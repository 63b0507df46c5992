package watch

import (
	"sync"

	"ostler/internal/invariant"
)

// A registry gives watchers numbers and remembers the entries each is in. A
// number goes to another watcher only after it has left all entries.
type registry struct {
	mu    sync.RWMutex
	ids   map[Watcher]uint32
	slots []*slot  // by number; nil when free
	free  []uint32 // numbers to use again
}

// A slot is one watcher.
type slot struct {
	w Watcher

	mu   sync.Mutex
	refs index // of the entries it is in
}

// find returns the number of w, if it has one.
func (r *registry) find(w Watcher) (uint32, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	id, ok := r.ids[w]
	return id, ok
}

// id returns the number of w, a new one if it has none.
func (r *registry) id(w Watcher) uint32 {
	if id, ok := r.find(w); ok {
		return id
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.ids[w]; ok {
		return id
	}
	id := r.take(&slot{w: w})
	r.ids[w] = id
	return id
}

// take puts s into a free place and returns its number. The mutex is held.
func (r *registry) take(s *slot) uint32 {
	if n := len(r.free); n > 0 {
		id := r.free[n-1]
		r.free = r.free[:n-1]
		r.slots[id] = s
		return id
	}
	invariant.Check(len(r.slots) <= idMax, "fewer than %d watchers", idMax)
	r.slots = append(r.slots, s)
	return uint32(len(r.slots) - 1)
}

// forget makes w unknown. It keeps its number until release, and only one caller
// gets it.
func (r *registry) forget(w Watcher) (id uint32, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id, ok = r.ids[w]
	delete(r.ids, w)
	return id, ok
}

// release makes a number free. Its watcher is in no entry any more.
func (r *registry) release(id uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[id] = nil
	r.free = append(r.free, id)
}

func (r *registry) slot(id uint32) *slot {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.slots[id]
}

// watcher returns the watcher with the given number, nil if it has gone.
func (r *registry) watcher(id uint32) Watcher {
	if s := r.slot(id); s != nil {
		return s.w
	}
	return nil
}

// link notes that the watcher is in an entry now.
func (r *registry) link(id uint32, e ref) {
	s := r.slot(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs.add(uint32(e), hashOfRef)
}

// unlink notes that the watcher is not in an entry any more.
func (r *registry) unlink(id uint32, e ref) {
	s := r.slot(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refs.remove(uint32(e), hashOfRef)
}

// refsOf returns the entries that the watcher is in, in no order.
func (r *registry) refsOf(id uint32) []uint32 {
	s := r.slot(id)
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refs.appendTo(make([]uint32, 0, s.refs.len()))
}
