// Package resize has an ensemble grow from one server to three and five, and shrink
// to three and one, while clients write (quorum.md section 5, docs/operating.md). No
// acknowledged write may be lost, no session end, and no client be turned away: what
// failed because a connection broke has to succeed when it is tried once more.
//
//	go test ./test/resize -resize.rounds=20        (make resize)
package resize

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"testing"
)

var rounds = flag.Int("resize.rounds", 1, "how often the ensemble grows and shrinks")

func TestResize(t *testing.T) {
	e := newEnsemble(t)
	e.startFirst()
	l := startLoad(t, e)
	began, led := e.epoch(), 0
	for round := range *rounds {
		// Half of the rounds join directories that hold what the server had when it
		// left, and half join empty ones.
		s := step{e: e, l: l, round: round, wipe: round%2 == 1}
		s.grow(3)
		s.grow(5)
		led += s.shrink(3)
		led += s.shrink(1)
		l.clear(e.present())
	}
	l.end()
	t.Logf("%d rounds: %d acknowledged writes, %d tried once more, %d leaders removed, %d elections, longest time without an acknowledgement %v",
		*rounds, l.acked.Load(), l.retried.Load(), led, e.epoch()-began, l.gapMax())
}

// A step changes the members, and looks what became of the data.
type step struct {
	e     *ensemble
	l     *load
	round int
	wipe  bool
}

// grow adds members up to n: one at a time, or in every second round all at once.
func (s *step) grow(n int) {
	s.e.t.Helper()
	var joining []*member
	for _, m := range s.e.members {
		if m.process == nil && len(s.e.present())+len(joining) < n {
			joining = append(joining, m)
		}
	}
	each := 1 + s.round/2%2*(len(joining)-1)
	for some := range slices.Chunk(joining, each) {
		var lines, ids []string
		for _, m := range some {
			m.join(s.e.present(), s.wipe)
			lines = append(lines, m.line())
			ids = append(ids, strconv.Itoa(m.id))
		}
		before := s.e.epoch()
		s.e.reconfig(lines, nil)
		s.l.progress(fmt.Sprintf("servers %v were added", ids))
		s.elections(before, 0, fmt.Sprintf("servers %v joined", ids))
	}
	s.check(n)
}

// shrink removes members down to n, and stops them. The leader is among them but for
// the last step of every second round. It returns how many leaders went.
func (s *step) shrink(n int) (led int) {
	s.e.t.Helper()
	leader := s.e.leader()
	leaving := slices.DeleteFunc(s.e.present(), func(m *member) bool { return m == leader })[:len(s.e.present())-n]
	if n > 1 || s.round%2 == 0 {
		leaving[0] = leader
	}
	each := 1 + s.round/2%2*(len(leaving)-1)
	for some := range slices.Chunk(leaving, each) {
		var ids []string
		may := 0
		// Who took over from a leader that was removed may be the next to go.
		now := s.e.leader()
		for _, m := range some {
			ids = append(ids, strconv.Itoa(m.id))
			if m == now {
				may = 1
			}
		}
		led += may
		before := s.e.epoch()
		s.e.reconfig(nil, ids)
		s.l.progress(fmt.Sprintf("servers %v were removed", ids))
		for _, m := range some {
			m.stop()
			s.l.progress(fmt.Sprintf("server %d was stopped", m.id))
		}
		s.elections(before, may, fmt.Sprintf("servers %v left", ids))
	}
	s.check(n)
	return led
}

// elections wants no more new epochs since before than there may be: only the removal
// of a leader costs one.
func (s *step) elections(before, may int, what string) {
	s.e.t.Helper()
	if n := s.e.epoch() - before; n > may {
		s.e.t.Fatalf("round %d: %d elections when %s, want at most %d\n%s", s.round, n, what, may, s.e.tails())
	}
}

// check wants n members with one and the same tree that has what was acknowledged.
func (s *step) check(n int) {
	t := s.e.t
	t.Helper()
	if len(s.e.present()) != n {
		t.Fatalf("round %d: %d members, want %d", s.round, len(s.e.present()), n)
	}
	s.l.pause()
	defer s.l.resume()
	var first tree
	for i, m := range s.e.present() {
		got := read(t, m.addr())
		if i == 0 {
			first = got
		} else if diff := first.diff(got); diff != "" {
			t.Fatalf("round %d, %d members: servers %d and %d differ: %s", s.round, n, s.e.present()[0].id, m.id, diff)
		}
		s.l.check(m.id, got)
	}
	if t.Failed() {
		t.Fatalf("round %d, %d members\n%s", s.round, n, s.e.tails())
	}
}
