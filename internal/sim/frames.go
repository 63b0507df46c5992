package sim

// An arena makes copies of small slices in large pieces of memory.
type arena struct{ free []byte }

// arenaSize is one piece of memory.
const arenaSize = 64 << 10

// copy returns a copy of b that nobody else has.
func (a *arena) copy(b []byte) []byte {
	if len(b) > arenaSize/8 {
		return append([]byte(nil), b...)
	}
	if len(b) > len(a.free) {
		a.free = make([]byte, arenaSize)
	}
	n := copy(a.free, b)
	c := a.free[:n:n]
	a.free = a.free[n:]
	return c
}

// A frames is a queue of frames. Its memory is used again when it runs empty.
type frames struct {
	items [][]byte
	taken int
}

func (f *frames) len() int { return len(f.items) - f.taken }

func (f *frames) put(frame []byte) { f.items = append(f.items, frame) }

// take takes the oldest frame, or its first bytes if it has more than limit.
func (f *frames) take(limit int) []byte {
	frame := f.items[f.taken]
	if len(frame) > limit {
		f.items[f.taken] = frame[limit:]
		return frame[:limit]
	}
	f.items[f.taken] = nil
	if f.taken++; f.taken == len(f.items) {
		f.items, f.taken = f.items[:0], 0
	}
	return frame
}
