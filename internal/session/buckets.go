package session

import "container/heap"

// buckets are the sessions by deadline: a list per tick, and a heap to find the
// earliest. Lists go through the sessions themselves, so moving one between
// buckets allocates nothing once the bucket exists.
type buckets struct {
	heads map[int64]*session
	order numbers // of every bucket in heads, and of some that emptied since
}

func newBuckets() buckets { return buckets{heads: make(map[int64]*session)} }

// move puts s into bucket n, wherever it was.
func (b *buckets) move(s *session, n int64) {
	if s.inBucket && s.bucket == n {
		return
	}
	b.remove(s)
	head, known := b.heads[n]
	if !known {
		heap.Push(&b.order, n)
	}
	s.bucket, s.inBucket = n, true
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
		b.heads[s.bucket] = s.next
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
