package session

import (
	"slices"
	"time"

	"ostler/internal/zk"
)

// A Deadline is the sessions that expire at one time.
type Deadline struct {
	At       time.Time
	Sessions []zk.SessionID // sorted
}

// deadlinesMax bounds how many sessions Deadlines lists: it is for people.
const deadlinesMax = 10_000

// Deadlines lists the sessions by the time at which they expire, earliest first;
// nothing when there are too many to look at.
func (t *Table) Deadlines() []Deadline {
	if len(t.sessions) > deadlinesMax {
		return nil
	}
	var numbers []int64
	for n, head := range t.buckets.heads {
		if head != nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	list := make([]Deadline, len(numbers))
	for i, n := range numbers {
		list[i].At = t.timeOf(time.Duration(n) * t.tick)
		for s := t.buckets.heads[n]; s != nil; s = s.next {
			list[i].Sessions = append(list[i].Sessions, s.id)
		}
		slices.Sort(list[i].Sessions)
	}
	return list
}
