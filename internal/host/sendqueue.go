package host

// shareFrom is the length from which a shared slice is referenced, not copied.
const shareFrom = 1 << 10

// writeMax is how many slices one system call is given at most.
const writeMax = 64

// A sendQueue is what a stream has yet to send: pooled chunks that frames are
// copied into, and slices that others own. It is guarded by the stream's mutex.
type sendQueue struct {
	parts []part
	head  int // parts before it have been sent
	size  int // bytes not sent
}

// A part is a run of bytes to send.
type part struct {
	b     []byte
	chunk *chunk // what b is part of; nil when b is shared
}

// copyIn queues a copy of b.
func (q *sendQueue) copyIn(b []byte) {
	q.size += len(b)
	for len(b) > 0 {
		p := q.room(len(b))
		n := min(len(b), cap(p.b)-len(p.b))
		p.b = append(p.b, b[:n]...)
		b = b[n:]
	}
}

// room returns a part that takes at least one byte, best all of n.
func (q *sendQueue) room(n int) *part {
	if len(q.parts) > q.head {
		if last := &q.parts[len(q.parts)-1]; last.chunk != nil && len(last.b) < cap(last.b) {
			return last
		}
	}
	c := newChunk(min(max(n, q.size-n), largestChunk))
	q.parts = append(q.parts, part{b: c.b[:0], chunk: c})
	return &q.parts[len(q.parts)-1]
}

// share queues b itself.
func (q *sendQueue) share(b []byte) {
	if len(b) < shareFrom {
		q.copyIn(b)
		return
	}
	q.size += len(b)
	q.parts = append(q.parts, part{b: b})
}

// gather appends the first slices to send to bufs, at most writeMax.
func (q *sendQueue) gather(bufs [][]byte) [][]byte {
	for i := q.head; i < len(q.parts) && len(bufs) < writeMax; i++ {
		bufs = append(bufs, q.parts[i].b)
	}
	return bufs
}

// sent drops the first n bytes.
func (q *sendQueue) sent(n int) {
	q.size -= n
	for n > 0 {
		p := &q.parts[q.head]
		if n < len(p.b) {
			p.b = p.b[n:]
			return
		}
		n -= len(p.b)
		q.drop(p)
		q.head++
	}
	if q.head == len(q.parts) {
		q.parts, q.head = q.parts[:0], 0
		if cap(q.parts) > writeMax {
			q.parts = nil
		}
	} else if q.head > writeMax {
		q.compact()
	}
}

// compact moves what is left to the front.
func (q *sendQueue) compact() {
	n := copy(q.parts, q.parts[q.head:])
	clear(q.parts[n:])
	q.parts, q.head = q.parts[:n], 0
}

// drop gives a part's chunk back.
func (q *sendQueue) drop(p *part) {
	if p.chunk != nil {
		p.chunk.free()
	}
	*p = part{}
}

// clear drops everything.
func (q *sendQueue) clear() {
	for i := q.head; i < len(q.parts); i++ {
		q.drop(&q.parts[i])
	}
	q.parts, q.head, q.size = nil, 0, 0
}
