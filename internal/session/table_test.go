package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"pgregory.net/rapid"

	"ostler/internal/zk"
)

// TestConversations runs testdata/*.txt. Times are ms since the start:
//
//	tick ms=500            a new, empty table
//	add id=1 timeout=1000 owner=2 at=0
//	touch, owner, close, remove, check, expire, reset: as named
//	next                   the earliest deadline
//	credit, joined, reported, parted, await, stalls: as named
func TestConversations(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, file string) {
		c := &conversation{t: t, start: time.Unix(1_700_000_000, 123_456_789)}
		datadriven.RunTest(t, file, c.run)
	})
}

type conversation struct {
	t     *testing.T
	start time.Time
	table *Table
	links map[int64]*Source
}

func (c *conversation) run(t *testing.T, d *datadriven.TestData) string {
	num := func(key string) int64 {
		var v int64
		d.ScanArgs(t, key, &v)
		return v
	}
	ms := func(key string) time.Duration { return time.Duration(num(key)) * time.Millisecond }
	at := func() time.Time { return c.start.Add(ms("at")) }
	id := func() zk.SessionID { return zk.SessionID(num("id")) }
	switch d.Cmd {
	case "tick":
		c.table = New(ms("ms"))
		c.links = make(map[int64]*Source)
	case "credit":
		c.table.CreditStalls()
	case "joined":
		c.links[num("link")] = c.table.Joined(zk.ServerID(num("server")), at())
	case "reported":
		c.table.Reported(c.links[num("link")], at())
	case "parted":
		c.table.Parted(c.links[num("link")], at())
	case "await":
		c.table.Await(num("doors") > 0, at())
	case "stalls":
		s := c.table.Stalls()
		return fmt.Sprintf("%d, lost %v, silence %v\n", s.Count, s.Lost, s.Silence)
	case "add":
		c.table.Add(id(), ms("timeout"), zk.ServerID(num("owner")), at())
	case "touch":
		return fmt.Sprintf("%v\n", c.table.Touch(id(), ms("timeout"), at()))
	case "owner":
		c.table.SetOwner(id(), zk.ServerID(num("server")))
	case "close":
		c.table.MarkClosing(id())
	case "remove":
		c.table.Remove(id())
	case "check":
		if code := c.table.Check(id(), zk.ServerID(num("from"))); code != zk.OK {
			return code.Error() + "\n"
		}
	case "expire":
		return c.list(c.table.Expire(at()))
	case "next":
		if c.table.NextExpiry().IsZero() {
			return "never\n"
		}
		return fmt.Sprintf("%d\n", c.table.NextExpiry().Sub(c.start).Milliseconds())
	case "reset":
		sessions := map[zk.SessionID]int32{}
		for line := range strings.Lines(d.Input) {
			var id, timeout int64
			if _, err := fmt.Sscan(line, &id, &timeout); err != nil {
				d.Fatalf(t, "%q: %v", line, err)
			}
			sessions[zk.SessionID(id)] = int32(timeout)
		}
		c.table.Reset(sessions, at())
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
	return "ok\n"
}

func (c *conversation) list(ids []zk.SessionID) string {
	if len(ids) == 0 {
		return "none\n"
	}
	var b strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&b, "%d closing=%v\n", id, c.table.Closing(id))
	}
	return b.String()
}

// TestTableAgainstModel compares the table with a map of deadlines, and so checks
// INV-S4 and INV-S5: a session ends between timeout and timeout plus a tick
// after its last sign of life.
func TestTableAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tick := time.Duration(rapid.IntRange(1, 50).Draw(t, "tick")) * time.Millisecond
		start := time.Unix(1, 0)
		now := start
		table := New(tick)
		deadline := map[zk.SessionID]time.Time{} // of sessions that live
		closing := map[zk.SessionID]bool{}
		anyID := func() zk.SessionID { return zk.SessionID(rapid.IntRange(1, 6).Draw(t, "id")) }
		rounded := func(timeout time.Duration) time.Time {
			ticks := (now.Sub(start) + timeout) / tick
			return start.Add((ticks + 1) * tick)
		}
		timeout := func() time.Duration {
			return time.Duration(rapid.IntRange(0, 300).Draw(t, "timeout")) * time.Millisecond
		}
		table.Expire(now) // sets the origin
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				id, d := anyID(), timeout()
				table.Add(id, d, 1, now)
				if !closing[id] {
					deadline[id] = rounded(d)
				}
			},
			"touch": func(t *rapid.T) {
				id, d := anyID(), timeout()
				_, lives := deadline[id]
				if got := table.Touch(id, d, now); got != lives {
					t.Fatalf("Touch(%d) = %v, want %v", id, got, lives)
				}
				if lives {
					deadline[id] = rounded(d)
				}
			},
			"close": func(t *rapid.T) {
				id := anyID()
				table.MarkClosing(id)
				if _, lives := deadline[id]; lives {
					closing[id] = true
					delete(deadline, id)
				}
			},
			"remove": func(t *rapid.T) {
				id := anyID()
				table.Remove(id)
				delete(deadline, id)
				delete(closing, id)
			},
			"pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 200).Draw(t, "ms")) * time.Millisecond)
				var want []zk.SessionID
				for id, at := range deadline {
					if !at.After(now) {
						want = append(want, id)
						closing[id] = true
						delete(deadline, id)
					}
				}
				slices.Sort(want)
				if got := table.Expire(now); !slices.Equal(got, want) {
					t.Fatalf("Expire = %v, want %v", got, want)
				}
			},
			"": func(t *rapid.T) {
				if got, want := table.Len(), len(deadline)+len(closing); got != want {
					t.Fatalf("Len = %d, want %d", got, want)
				}
				var first time.Time
				for _, at := range deadline {
					if first.IsZero() || at.Before(first) {
						first = at
					}
				}
				if got := table.NextExpiry(); !got.Equal(first) {
					t.Fatalf("NextExpiry = %v, want %v", got, first)
				}
			},
		})
	})
}

// A moment long gone must not be walked to tick by tick.
func TestExpireAfterAVeryLongPause(t *testing.T) {
	start := time.Unix(1, 0)
	table := New(time.Millisecond)
	table.Add(7, time.Second, 1, start)
	if got := table.Expire(start.AddDate(200, 0, 0)); !slices.Equal(got, []zk.SessionID{7}) {
		t.Errorf("Expire = %v, want [7]", got)
	}
}
