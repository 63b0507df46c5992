package session

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// What the time of a session is charged with is added up here step by step: all of a
// short step, half a tick of a long one. It ends when that reaches its timeout, a tick
// later at most (INV-S4, INV-S5): never before, and no stall is credited twice.
func TestStallsAreCreditedExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tick := time.Duration(rapid.IntRange(1, 50).Draw(t, "tick")) * 4 * time.Millisecond
		now := time.Unix(1, 0)
		table := New(tick)
		table.CreditStalls()
		table.Expire(now)
		charged := map[zk.SessionID]time.Duration{}
		timeouts := map[zk.SessionID]time.Duration{}
		var stalled time.Duration
		t.Repeat(map[string]func(*rapid.T){
			"sign of life": func(t *rapid.T) {
				id := zk.SessionID(rapid.IntRange(1, 4).Draw(t, "id"))
				timeout := time.Duration(rapid.IntRange(0, 20).Draw(t, "timeout")) * tick / 2
				if table.Closing(id) {
					table.Remove(id)
				}
				table.Add(id, timeout, 1, now)
				charged[id], timeouts[id] = 0, timeout
			},
			"step": func(t *rapid.T) {
				step := time.Duration(rapid.IntRange(0, 40).Draw(t, "quarters")) * tick / 4
				now = now.Add(step)
				if len(charged) == 0 {
					table.Expire(now)
					return
				}
				if step > tick*3/4 {
					stalled += step - tick/2
					step = tick / 2
				}
				expired := table.Expire(now)
				for _, id := range expired {
					if got := charged[id] + step; got < timeouts[id] {
						t.Fatalf("session %d ends %v after its last sign of life, want %v", id, got, timeouts[id])
					}
					delete(charged, id)
					table.Remove(id)
				}
				for id := range charged {
					if charged[id] += step; charged[id] >= timeouts[id]+tick {
						t.Fatalf("session %d lives %v after its last sign of life, with timeout %v", id, charged[id], timeouts[id])
					}
				}
			},
			"": func(t *rapid.T) {
				if got := table.Stalls().Lost; got != stalled {
					t.Fatalf("credited %v, want %v", got, stalled)
				}
			},
		})
	})
}

// Without the setting the table is ZooKeeper's: a stall costs sessions.
func TestStallsAreNotCreditedUnasked(t *testing.T) {
	now := time.Unix(1, 0)
	table := New(time.Second)
	table.Add(1, 4*time.Second, 1, now)
	table.Expire(now.Add(500 * time.Millisecond))
	if got := table.Expire(now.Add(10 * time.Second)); len(got) != 1 || table.Stalls() != (Stalls{}) {
		t.Errorf("after a stall of 9.5 s sessions %v end, credited %+v; want session 1, nothing", got, table.Stalls())
	}
}
