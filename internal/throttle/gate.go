package throttle

import (
	"container/list"
	"time"
)

// A Gate keeps the number of requests in process below a limit; the others wait
// in one line (operations.md 8.3).
type Gate[T any] struct {
	limit  int
	inside int
	line   list.List // of *Place[T], longest wait first
}

// NewGate returns a gate for limit requests at once, at least one.
func NewGate[T any](limit int) *Gate[T] { return &Gate[T]{limit: max(limit, 1)} }

// A Place is one request's place in the line.
type Place[T any] struct {
	Who   T
	Since time.Time

	at *list.Element // nil: it is not in the line any more
}

// Called reports whether the place's turn has come.
func (p *Place[T]) Called() bool { return p.at == nil }

// Enter lets a request in, unless as many as the limit are inside or others wait.
func (g *Gate[T]) Enter() bool {
	if g.line.Len() > 0 || g.inside >= g.limit {
		return false
	}
	g.inside++
	return true
}

// Wait puts who at the end of the line.
func (g *Gate[T]) Wait(who T, now time.Time) *Place[T] {
	p := &Place[T]{Who: who, Since: now}
	p.at = g.line.PushBack(p)
	return p
}

// Next calls the first in the line if there is room, and counts it as inside.
func (g *Gate[T]) Next() (*Place[T], bool) {
	if g.inside >= g.limit {
		return nil, false
	}
	p, ok := g.First()
	if ok {
		g.Call(p)
	}
	return p, ok
}

// Call lets a place in the line in, even beyond the limit.
func (g *Gate[T]) Call(p *Place[T]) {
	g.line.Remove(p.at)
	p.at = nil
	g.inside++
}

// First returns the place that has waited longest.
func (g *Gate[T]) First() (*Place[T], bool) {
	e := g.line.Front()
	if e == nil {
		return nil, false
	}
	return e.Value.(*Place[T]), true
}

// Leave says that n requests are no longer inside.
func (g *Gate[T]) Leave(n int) { g.inside -= n }

// Remove gives a place up: it leaves the line, or, if it was called, the inside.
func (g *Gate[T]) Remove(p *Place[T]) {
	if p.Called() {
		g.Leave(1)
		return
	}
	g.line.Remove(p.at)
	p.at = nil
}

// Inside and Waiting are how many requests are in process and in the line.
func (g *Gate[T]) Inside() int { return g.inside }

// Waiting is the length of the line.
func (g *Gate[T]) Waiting() int { return g.line.Len() }
