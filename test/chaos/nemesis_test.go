package chaos

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"ostler/test/proc"
)

// A nemesis draws faults and carries them out. It alone touches the processes.
type nemesis struct {
	c      *cluster
	m      *monitor
	rng    *rand.Rand
	wanted proc.Kind // who is to lead, "" for anybody
	hasty  bool      // faults are short and follow soon, for a short run

	active []*fault
	busy   map[int]bool // seats, by index, that a fault has in hand
	next   time.Time
	gap    time.Duration // between the beginnings of faults, at least
	count  map[string]int
	due    []int // kinds that are still to come in this round of a short run
	rounds int
	exits  []string // servers that ended of themselves
}

// A fault is under way until its end, which undoes it.
type fault struct {
	name  string
	seats []int
	until time.Time
	undo  func()
}

func newNemesis(c *cluster, m *monitor, o options) *nemesis {
	n := &nemesis{
		c: c, gap: 200 * time.Millisecond, m: m, rng: rand.New(rand.NewPCG(o.seed, 0)), wanted: o.leader, hasty: o.length <= hasty,
		busy: map[int]bool{}, count: map[string]int{}, next: time.Now().Add(2 * time.Second),
	}
	if o.leader != "" {
		n.gap = 2 * time.Second // a server in Java takes its time to start
	}
	return n
}

// run injects faults until over says so, and then undoes them all.
func (n *nemesis) run(over func() bool) {
	for !over() {
		n.turn(time.Now())
		time.Sleep(20 * time.Millisecond)
	}
	for len(n.active) > 0 {
		n.end(n.active[0])
	}
}

func (n *nemesis) turn(now time.Time) {
	for _, f := range slices.Clone(n.active) {
		if now.After(f.until) {
			n.end(f)
		}
	}
	n.revive()
	n.depose(now)
	if now.After(n.next) {
		n.begin()
		n.next = now.Add(n.between(n.gap, 5*time.Second))
	}
}

// hasty is the length of a run in which all must go faster.
const hasty = 45 * time.Second

// between draws a time; short ones are as likely as long ones.
func (n *nemesis) between(low, high time.Duration) time.Duration {
	if n.hasty {
		high = max(low, high/4)
	}
	return time.Duration(float64(low) * math.Pow(float64(high)/float64(low), n.rng.Float64()))
}

func (n *nemesis) end(f *fault) {
	f.undo()
	n.c.journal.note("ends: %s", f.name)
	n.active = slices.DeleteFunc(n.active, func(g *fault) bool { return g == f })
	for _, i := range f.seats {
		delete(n.busy, i)
	}
}

func (n *nemesis) start(kind string, seats []int, length time.Duration, undo func()) {
	var names []string
	for _, i := range seats {
		n.busy[i] = true
		names = append(names, n.c.seats[i].String())
	}
	f := &fault{name: kind + " " + strings.Join(names, ", "), seats: seats, until: time.Now().Add(length), undo: undo}
	n.active = append(n.active, f)
	n.count[kind]++
	n.c.journal.note("begins: %s for %v", f.name, length.Round(time.Millisecond))
}

// revive starts servers that ended of themselves.
func (n *nemesis) revive() {
	for i, s := range n.c.seats {
		if s.process == nil || n.busy[i] || !s.process.Ended() {
			continue
		}
		code := s.stop()
		text := fmt.Sprintf("%v ended of itself with %d after %v", s, code, time.Since(s.started).Round(time.Millisecond))
		n.c.journal.note("%s", text)
		n.exits = append(n.exits, text)
		n.start("rest after an exit of", []int{i}, time.Second, s.start)
	}
}

// depose kills a leader of the kind that is not to lead.
func (n *nemesis) depose(time.Time) {
	leader, length := n.m.reign()
	if n.wanted == "" || leader < 0 || length < 3*time.Second || n.busy[leader] || n.c.seats[leader].kind == n.wanted || n.down() > 0 {
		return
	}
	s := n.c.seats[leader]
	s.kill()
	n.start("depose", []int{leader}, n.between(300*time.Millisecond, 2*time.Second), s.start)
}

// down counts the voters that a fault has in hand.
func (n *nemesis) down() (count int) {
	for i := range n.busy {
		if !n.c.seats[i].observer {
			count++
		}
	}
	return count
}

// A kind is a kind of fault, and how often it is drawn.
type kind struct {
	weight int
	do     func()
}

func (n *nemesis) kinds() []kind {
	kinds := []kind{{20, n.kill}, {8, n.killYoung}, {20, n.pause}, {10, n.stop}, {6, n.wipe}, {3, n.blackout}, {4, n.roll}}
	if n.c.net.cuts() {
		kinds = append(kinds, kind{10, n.cutPair}, kind{16, n.isolate}, kind{5, n.cutClients})
	}
	return kinds
}

// begin starts one fault, if it is possible now. In a short run each kind has its turn.
func (n *nemesis) begin() {
	kinds := n.kinds()
	if !n.hasty {
		kinds[n.draw(kinds)].do()
		return
	}
	if len(n.due) == 0 {
		n.due = n.rng.Perm(len(kinds))
		n.rounds++
	}
	for i, k := range n.due {
		before := n.faults()
		if kinds[k].do(); n.faults() > before {
			n.due = slices.Delete(n.due, i, i+1)
			return
		}
	}
}

// draw draws a kind by its weight.
func (n *nemesis) draw(kinds []kind) int {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	draw, i := n.rng.IntN(total), 0
	for ; draw >= kinds[i].weight; i++ {
		draw -= kinds[i].weight
	}
	return i
}

// faults counts all that has been begun.
func (n *nemesis) faults() (sum int) {
	for _, c := range n.count {
		sum += c
	}
	return sum
}

// tried reports whether a short run has had every kind of fault.
func (n *nemesis) tried() bool { return n.rounds > 1 || n.rounds == 1 && len(n.due) == 0 }

// target draws a seat that no fault has, the leader more often. At times the voters
// that are left are no majority.
func (n *nemesis) target() (int, bool) {
	var free []int
	room := n.down() < len(n.voters())-n.c.majority() || n.rng.IntN(12) == 0
	for i, s := range n.c.seats {
		if !n.busy[i] && s.process != nil && (s.observer || room) {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return 0, false
	}
	if leader, _ := n.m.reign(); slices.Contains(free, leader) && n.rng.IntN(3) == 0 {
		return leader, true
	}
	return free[n.rng.IntN(len(free))], true
}

func (n *nemesis) voters() (list []int) {
	for i, s := range n.c.seats {
		if !s.observer {
			list = append(list, i)
		}
	}
	return list
}
