package session

import (
	"container/heap"
	"time"
)

// buckets are the sessions by deadline: a list per tick, and a heap to find the
// earliest. Lists go through the sessions themselves, so moving one between
// buckets allocates nothing once the bucket exists.
type buckets struct {
	tick  time.Duration
	heads map[int64]*session
	order numbers // of every bucket in heads, and of some that emptied since
}

func newBuckets(tick time.Duration) buckets {
	return buckets{tick: tick, heads: make(map[int64]*session)}
}

// number returns the bucket of a deadline: bucket n ends n ticks after the origin. That
// is later than the deadline, by a tick at most.
func (b *buckets) number(deadline time.Duration) int64 { return floorDiv(deadline, b.tick) + 1 }

func floorDiv(d, by time.Duration) int64 {
	q := int64(d / by)
	if d%by < 0 {
		q--
	}
	return q
}

// move gives s a deadline, and puts it into the bucket of that, wherever it was.
func (b *buckets) move(s *session, deadline time.Duration) {
	n := b.number(deadline)
	if s.inBucket && b.number(s.deadline) == n {
		s.deadline = deadline
		return
	}
	b.remove(s)
	s.deadline, s.inBucket = deadline, true
	head, known := b.heads[n]
	if !known {
		heap.Push(&b.order, n)
	}
	s.prev, s.next = nil, head
	if head != nil {
		head.prev = s
	}
	b.heads[n] = s
}

// remove takes s out of its bucket, if it is in one. The emptied bucket stays
// until it is the first: at most one per tick that a deadline can lie ahead.
func (b *buckets) remove(s *session) {
	if !s.inBucket {
		return
	}
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		b.heads[b.number(s.deadline)] = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next, s.inBucket = nil, nil, false
}

// first returns the number of the earliest bucket that holds a session.
func (b *buckets) first() (n int64, ok bool) {
	for len(b.order) > 0 {
		n = b.order[0]
		if b.heads[n] != nil {
			return n, true
		}
		heap.Pop(&b.order)
		delete(b.heads, n)
	}
	return 0, false
}

// pop takes some session out of bucket n; nil when it is empty.
func (b *buckets) pop(n int64) *session {
	s := b.heads[n]
	if s != nil {
		b.remove(s)
	}
	return s
}

// numbers is a heap of bucket numbers.
type numbers []int64

func (h numbers) Len() int           { return len(h) }
func (h numbers) Less(i, j int) bool { return h[i] < h[j] }
func (h numbers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *numbers) Push(x any)        { *h = append(*h, x.(int64)) }
func (h *numbers) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
