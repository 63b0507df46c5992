package chaos

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ostler/test/proc"
)

func (n *nemesis) kill() {
	if i, ok := n.target(); ok {
		s := n.c.seats[i]
		s.kill()
		n.start("kill", []int{i}, n.between(50*time.Millisecond, 12*time.Second), s.start)
	}
}

// killYoung kills a server again while it starts and synchronises.
func (n *nemesis) killYoung() {
	i, ok := n.target()
	if !ok {
		return
	}
	s := n.c.seats[i]
	s.kill()
	s.start()
	n.start("kill again", []int{i}, n.between(50*time.Millisecond, 2*time.Second), func() {
		s.kill()
		s.start()
	})
}

func (n *nemesis) stop() {
	i, ok := n.target()
	if !ok {
		return
	}
	s := n.c.seats[i]
	// Right after its start a process ends as the system has it, by the signal.
	ready := n.m.serving(i).mode != "" && n.m.serving(i).at.After(s.started)
	if code := s.stop(); s.kind == proc.Ostler && ready && code != 0 {
		n.exits = append(n.exits, fmt.Sprintf("%v ended with %d after SIGTERM", s, code))
	}
	n.start("stop", []int{i}, n.between(50*time.Millisecond, 8*time.Second), s.start)
}

func (n *nemesis) pause() {
	if i, ok := n.target(); ok {
		s := n.c.seats[i]
		s.pause()
		n.start("pause", []int{i}, n.between(5*time.Millisecond, 15*time.Second), s.resume)
	}
}

// roll restarts all servers, one by one, each as soon as the one before serves.
func (n *nemesis) roll() {
	if len(n.active) > 0 || !n.allServe() {
		return
	}
	n.count["rolling restart"]++
	n.c.journal.note("begins: rolling restart")
	for _, i := range n.rng.Perm(len(n.c.seats)) {
		s := n.c.seats[i]
		s.stop()
		s.start()
		n.await(i)
	}
	n.c.journal.note("ends: rolling restart")
}

// await waits for a server to serve, but not for ever: what it lacks may be others.
func (n *nemesis) await(i int) bool {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if n.m.serving(i).mode != "" && n.m.serving(i).at.After(n.c.seats[i].started.Add(askEvery)) {
			return true
		}
	}
	return false
}

func (n *nemesis) allServe() bool {
	for i := range n.c.seats {
		if n.m.serving(i).mode == "" {
			return false
		}
	}
	return true
}

// wipe loses the disk of one server while all others are up and equal. ZooKeeper's
// voters are spared: they vote empty (quorum.md R15, decisions.md 2).
func (n *nemesis) wipe() {
	if len(n.active) > 0 || !n.allServe() {
		return
	}
	var list []int
	for i, s := range n.c.seats {
		if s.kind == proc.Ostler || s.observer {
			list = append(list, i)
		}
	}
	if len(list) == 0 {
		return
	}
	i := list[n.rng.IntN(len(list))]
	s := n.c.seats[i]
	s.kill()
	s.wipe()
	n.count["wipe"]++
	n.c.journal.note("begins: wipe %v", s)
	time.Sleep(n.between(10*time.Millisecond, 3*time.Second))
	s.start()
	for !n.await(i) {
		n.c.journal.note("a wiped server waits: %v", s)
	}
	n.c.journal.note("ends: wipe")
}

// blackout kills all servers at once.
func (n *nemesis) blackout() {
	if len(n.active) > 0 {
		return
	}
	n.c.killAll()
	n.count["blackout"]++
	n.c.journal.note("begins: blackout")
	for _, i := range n.rng.Perm(len(n.c.seats)) {
		time.Sleep(n.between(10*time.Millisecond, time.Second))
		n.c.seats[i].start()
	}
	n.c.journal.note("ends: blackout")
}

// cutPair cuts two servers off from each other, in both directions or one.
func (n *nemesis) cutPair() {
	i, ok := n.target()
	if !ok {
		return
	}
	j := n.rng.IntN(len(n.c.seats))
	if i == j {
		return
	}
	n.cutLinks("cut", []int{i}, [][2]int{{i, j}, {j, i}})
}

// isolate cuts a server off from all others, but not from clients: most often the leader,
// which must not go on alone.
func (n *nemesis) isolate() {
	i, ok := n.target()
	if !ok {
		return
	}
	if leader, _ := n.m.reign(); leader >= 0 && n.down() == 0 && n.rng.IntN(3) > 0 {
		i = leader
	}
	var links [][2]int
	for j := range n.c.seats {
		if j != i {
			links = append(links, [2]int{i, j}, [2]int{j, i})
		}
	}
	n.cutLinks("isolate", []int{i}, links)
}

// cutClients cuts the clients off from a server.
func (n *nemesis) cutClients() {
	i := n.rng.IntN(len(n.c.seats))
	if n.busy[i] {
		return
	}
	n.cutLinks("cut off the clients of", []int{i}, [][2]int{{outside, i}, {i, outside}})
}

func (n *nemesis) cutLinks(kind string, seats []int, links [][2]int) {
	if way := n.rng.IntN(4); way < 2 {
		kind += " one way"
		half := links[:0:0]
		for k, l := range links {
			if k%2 == way {
				half = append(half, l)
			}
		}
		links = half
	}
	slices.SortFunc(links, func(a, b [2]int) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	for _, l := range links {
		n.c.net.cut(l[0], l[1])
	}
	n.start(kind, seats, n.between(100*time.Millisecond, 15*time.Second), func() {
		for _, l := range links {
			n.c.net.heal(l[0], l[1])
		}
	})
}
