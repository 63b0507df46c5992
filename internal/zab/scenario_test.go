package zab

import (
	"fmt"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// The tests here are the scenarios of quorum.md 7.5.1 that concern the cores; they
// bear the names given there. Those of one conversation are in testdata/traces.

// ensembleOf prepares three servers that took part in epoch 1 and have histories.
func ensembleOf(t *testing.T, logs ...[]*txn.Record) *world {
	w := newWorld(t, 1, len(logs), 0)
	for i, n := range w.nodes {
		n.log, n.accepted, n.current = logs[i], 1, 1
	}
	return w
}

// span is the history from counter 1 to n of epoch 1.
func span(n int) []*txn.Record {
	var recs []*txn.Record
	for i := 1; i <= n; i++ {
		recs = append(recs, records(zk.MakeZxid(1, uint32(i)))...)
	}
	return recs
}

func (w *world) begin(ids ...zk.ServerID) {
	for _, id := range ids {
		w.node(id).begin()
	}
}

// untilLeader runs until id leads, with that many others up to date.
func (w *world) untilLeader(id zk.ServerID, others int) {
	w.t.Helper()
	w.until(20*time.Second, fmt.Sprintf("%d leading %d others", id, others), func() bool {
		n := w.node(id)
		return n.up && n.leader != nil && n.leader.Established() && n.w.syncedCount(n.leader) >= others
	})
}

// T-3911/4646: the followers got what they lacked by DIFF and acknowledged NEWLEADER.
// All lose power at once, the leader for ever.
func TestT3911AcknowledgedHistorySurvives(t *testing.T) {
	w := ensembleOf(t, span(2), span(2), span(5))
	w.begin(1, 2, 3)
	w.untilLeader(3, 2)
	if len(w.committed) != 5 {
		t.Fatalf("%d committed, want 5", len(w.committed))
	}
	for _, n := range w.nodes {
		n.crash()
	}
	w.begin(1, 2)
	w.until(20*time.Second, "a leader", func() bool { return w.leader() != nil })
	if got := w.leader().history.Last(); got != 0x100000005 {
		t.Errorf("the new leader's history ends with %v, want 0x100000005", got)
	}
}

// T-4643, T-4785: a follower whose log is stuck must not take the epoch, so that its
// short history never wins against the whole one.
func TestT4643EpochComesAfterHistory(t *testing.T) {
	w := ensembleOf(t, span(2), span(5), span(5))
	w.node(1).frozen[logDisk] = true
	w.begin(1, 2, 3)
	w.untilLeader(3, 1)
	w.run(200 * time.Millisecond)
	if got := w.node(1).current; got != 1 {
		t.Fatalf("server 1 took epoch %d while its history was not on disk, want 1", got)
	}
	for _, n := range w.nodes {
		n.crash()
	}
	w.node(1).thaw()
	w.begin(1, 2)
	w.untilLeader(2, 1)
}

// T-2845: a server logged a proposal and never saw its COMMIT. Without a restart,
// it reports the proposal in the next election, and wins with it.
func TestT2845WhatIsLoggedIsReported(t *testing.T) {
	w := ensembleOf(t, span(1), span(1), span(1))
	w.begin(1, 2, 3)
	w.untilLeader(3, 2)
	w.arrived = func(n *node, l *simLink, p *peerwire.Packet) {
		if n.id == 2 && p.Type == peerwire.Proposal {
			w.dropLink(l)
		}
	}
	w.node(3).frozen[logDisk] = true
	w.propose(w.node(3), 1)
	w.until(time.Second, "server 1 logging it", func() bool { return len(w.node(1).log) == 2 })
	w.arrived = nil
	w.node(3).crash()
	w.untilLeader(1, 1)
	if got := lastOf(w.committed).Epoch(); got != 2 || len(w.committed) != 2 {
		t.Errorf("%d committed, the last of epoch %d; want 2, the last of epoch 2", len(w.committed), got)
	}
}

// T-4925: a server that joined by DIFF becomes leader and serves a third one: its
// history has no hole.
func TestT4925HistoryHasNoHole(t *testing.T) {
	w := ensembleOf(t, span(1), span(3), span(8))
	w.begin(2, 3)
	w.untilLeader(3, 1)
	w.propose(w.node(3), 3)
	w.run(100 * time.Millisecond)
	w.node(3).crash()
	w.begin(1)
	w.untilLeader(2, 1)
	w.run(100 * time.Millisecond)
	if got := len(w.node(1).log); got != 11 {
		t.Errorf("server 1 has %d transactions on disk, want 11", got)
	}
}

// T-261: a voter comes back with an empty directory, while the other one lacks the
// last commit. It must not help to elect that one.
func TestT261AWipedServerDoesNotElect(t *testing.T) {
	w := ensembleOf(t, span(2), span(2), span(2))
	w.begin(2, 3)
	w.untilLeader(3, 1)
	w.propose(w.node(3), 2) // 1 lacks this
	w.run(100 * time.Millisecond)
	w.node(2).crash()
	w.node(3).crash()
	w.node(2).wipe()
	w.begin(1, 2)
	w.run(20 * time.Second)
	if l := w.leader(); l != nil {
		t.Fatalf("server %d leads with half of what is committed", l.id)
	}
	w.begin(3)
	w.untilLeader(3, 2)
	w.run(100 * time.Millisecond)
	if got := len(w.node(2).log); got != 4 {
		t.Errorf("the wiped server has %d transactions, want 4", got)
	}
}

// Scale-up from one to three: the two newcomers do not outvote the one with data.
func TestNewcomersDoNotOutvoteTheData(t *testing.T) {
	w := newWorld(t, 1, 3, 0)
	w.node(1).log, w.node(1).accepted, w.node(1).current = span(5), 1, 1
	w.begin(2, 3)
	w.run(10 * time.Second)
	w.begin(1)
	w.run(10 * time.Second)
	if l := w.leader(); l != nil {
		t.Errorf("server %d leads epoch %d, want nobody until a quorum counts", l.id, l.leader.Epoch())
	}
}

// A promise that leads nowhere: two servers accepted an epoch whose leader died. They
// can follow again without anybody's help.
func TestBurntPromiseHeals(t *testing.T) {
	w := ensembleOf(t, span(2), span(2), span(2))
	w.node(1).accepted = 9
	w.begin(2, 3)
	w.untilLeader(3, 1)
	w.begin(1)
	w.until(20*time.Second, "all together", func() bool {
		l := w.leader()
		return l != nil && w.syncedCount(l.leader) == 2
	})
	if got := w.leader().leader.Epoch(); got != 10 {
		t.Errorf("epoch %d, want 10", got)
	}
}

// T-3642, T-5094, T-2355, T-2872, INV-Z14: a learner is brought up by DIFF, TRUNC or
// SNAP, and at every packet in turn the link is cut, or one of the two crashes.
// What is on its disk then is the old history or a consistent new one; in the end it
// has everything.
func TestCutAtEveryPacket(t *testing.T) {
	kinds := map[string]func() *world{
		"diff":  func() *world { return ensembleOf(t, span(5), span(5), span(2)) },
		"trunc": func() *world { return ensembleOf(t, span(5), span(5), span(7)) },
		"snap":  func() *world { return ensembleOf(t, span(5), span(5), span(7)) },
	}
	faults := map[string]func(n *node, l *simLink){
		"cut":           func(n *node, l *simLink) { n.w.dropLink(l) },
		"learner crash": func(n *node, l *simLink) { n.crash() },
		"leader crash":  func(n *node, l *simLink) { l.leader.crash() },
	}
	for kind, build := range kinds {
		for fault, strike := range faults {
			for at := 1; ; at++ {
				w := build()
				w.begin(1, 2)
				w.untilLeader(2, 1)
				if kind == "snap" {
					w.propose(w.node(2), 2)
					w.run(50 * time.Millisecond)
				}
				count := 0
				w.arrived = func(n *node, l *simLink, p *peerwire.Packet) {
					if l.learner.id != 3 || p.Type == peerwire.Ping {
						return
					}
					if count++; count == at {
						strike(l.learner, l)
					}
				}
				w.begin(3)
				w.run(300 * time.Millisecond)
				w.arrived = nil
				w.recover()
				w.run(50 * time.Millisecond) // its disk may come after the commit
				if got, want := len(w.node(3).log), len(w.committed); got != want {
					t.Fatalf("%s, %s at packet %d: server 3 has %d transactions, want %d", kind, fault, at, got, want)
				}
				if count < at {
					if at < 8 {
						t.Errorf("%s: only %d packets", kind, at)
					}
					break
				}
			}
		}
	}
}

// T-EPOCH, R19: the history of an epoch reached the disk, the crash came before the
// epoch did. The server starts, and takes the epoch that its history proves.
func TestTEpochIsAdoptedFromHistory(t *testing.T) {
	w := ensembleOf(t, span(2), span(2), span(2))
	n := w.node(3)
	n.log = append(n.log, records(0x200000001)...)
	n.accepted = 2
	w.node(2).log, w.node(2).accepted, w.node(2).current = append(span(2), records(0x200000001)...), 2, 2
	w.begin(1, 2, 3)
	w.untilLeader(3, 2)
	if n.current != 3 {
		t.Errorf("current epoch %d, want 3", n.current)
	}
}
