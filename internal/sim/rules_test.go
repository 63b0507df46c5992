package sim

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ostler/internal/env"
	"ostler/internal/zk"
)

// The tests here are rules of quorum.md 7.6 and scenarios of 7.5.1 on whole servers;
// they bear the names given there. Those that need no disk are in internal/zab.

const versionDir = DataDir + "/version-2"

// global has only sessions that wait for a leader, and learners that get DIFF.
func global(s *Settings) { s.Local, s.ReadOnly = false, false }

// keepAll keeps so much in memory that learners get DIFF or TRUNC.
func (e *Ensemble) keepAll() {
	for _, m := range e.Members {
		m.setup.CommitLog = 100_000
	}
}

// logEnd is the last transaction in a server's log.
func (m *Member) logEnd() zk.Zxid {
	recs := readLog(m.M.disk.FS(), versionDir, 0)
	if len(recs) == 0 {
		return 0
	}
	return recs[len(recs)-1].Zxid
}

// epoch reads an epoch file; 0 if there is none.
func (m *Member) epoch(name string) zk.Epoch {
	b, err := env.ReadFile(m.M.disk.FS(), versionDir+"/"+name, 100)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	return zk.Epoch(n)
}

// snapshots lists the snapshots of a server by their zxids.
func (m *Member) snapshots() []zk.Zxid {
	var all []zk.Zxid
	infos, _ := m.M.disk.FS().List(versionDir)
	for _, f := range infos {
		if hex, ok := strings.CutPrefix(f.Name, "snapshot."); ok {
			if z, err := strconv.ParseInt(hex, 16, 64); err == nil {
				all = append(all, zk.Zxid(z))
			}
		}
	}
	slices.Sort(all)
	return all
}

// end comes to rest, and reports what a checker found.
func (e *Ensemble) end(t *testing.T, what any) {
	t.Helper()
	e.W.HealAll()
	for _, m := range e.Members {
		m.M.Boot()
	}
	e.silence(false)
	e.recover()
	e.Load.steady = true
	e.W.Run(time.Second)
	e.rest()
	e.finish()
	if f := e.W.Failure(); f != nil {
		t.Errorf("seed %d: %v: %.600s\n%s", e.W.Seed(), what, f.Error(), e.W.TraceTail())
	}
}

// part cuts two servers off from each other.
func (e *Ensemble) part(a, b *Member) {
	e.W.Cut(a.M, b.M)
	e.W.Cut(b.M, a.M)
}

// runUntil lets time pass until cond holds, at most d.
func (e *Ensemble) runUntil(d time.Duration, cond func() bool) bool {
	for until := e.W.Now() + d; e.W.Now() < until && e.W.Failure() == nil; {
		if cond() {
			return true
		}
		e.W.Run(200 * time.Microsecond)
	}
	return cond()
}

// T-2845, R11: of three servers one lacks the last transaction, one has it on disk and
// never heard that it is committed, and the leader, who answered its client, is
// gone. The one that has it must lead the other.
//
// R5b: it must do so also when the other one had promised a later epoch, as the leader
// of an attempt that came to nothing: a promise says nothing about history.
func TestT2845TheLongerLogLeads(t *testing.T) {
	for seed := uint64(1); seed <= 16; seed++ {
		e := calmEnsembleWith(seed, realNode, global)
		leader, rest := e.leads(t)
		longer, shorter := rest[0], rest[1] // a tie would go to the larger id
		writer := e.Clients[0]
		e.settleAt(writer, leader)
		e.recover()
		e.silence(true)
		e.W.Run(500 * time.Millisecond)
		e.part(leader, shorter)
		writer.ask(&call{op: zk.OpCreate, path: queueDir + "/n-", mode: zk.ModePersistentSequential, acl: zk.OpenACL()})
		if !e.runUntil(time.Second, func() bool { return longer.logEnd() > shorter.logEnd() }) {
			t.Fatalf("seed %d: nothing was logged", seed)
		}
		leader.M.PowerOff()
		writer.servers = []string{ClientAddr(longer.ID), ClientAddr(shorter.ID)}
		if seed%2 == 0 {
			shorter.M.PowerOff()
			if err := env.WriteFileAtomic(shorter.M.disk.FS(), versionDir+"/acceptedEpoch", []byte("7")); err != nil {
				t.Fatal(err)
			}
			longer.M.PowerOff()
			longer.M.Boot()
			shorter.M.Boot()
		}
		if !e.runUntil(10*time.Second, func() bool { return e.leader() != nil && e.leader() != leader }) {
			t.Errorf("seed %d: nobody leads: %s", seed, e.state())
		} else if e.leader() != longer {
			t.Errorf("seed %d: server %d leads, want %d, whose log is longer", seed, e.leader().ID, longer.ID)
		}
		e.end(t, "")
	}
}

// T-EPOCH, T-4643, R2, R19, and the split points of quorum.md 8.4 caveat 2: a learner is
// brought up to date by DIFF, in an epoch that has transactions, and its process or
// machine ends at each file call in turn: while it appends, syncs, and writes the
// epochs. What is on disk then never says that it took the epoch without all of its
// history, and it starts again. All the states in between are met.
func TestTEpochCrashAtEveryStepOfJoining(t *testing.T) {
	met := map[string]int{}
	for n := 1; ; n++ {
		if n < 36 && n%6 != 0 {
			continue // it starts: most of that is the same
		}
		e := newCalm(uint64(n), realNode, 3, global)
		e.keepAll()
		e.begin()
		first, rest := e.leads(t)
		learner := rest[0]
		learner.M.Kill()
		e.W.Run(200 * time.Millisecond)
		first.M.Kill()
		first.M.Boot()
		if !e.runUntil(20*time.Second, func() bool { return e.O.Last().Epoch() > learner.logEnd().Epoch() }) {
			t.Fatalf("no transaction of a new epoch: %s", e.state())
		}
		e.silence(true)
		e.W.Run(300 * time.Millisecond)
		began, last := learner.logEnd(), e.O.Last()
		learner.M.CrashAtFileCall(n, n%3 > 0)
		earlier := e.O.views[learner.ID]
		joined := func() bool { v := e.O.views[learner.ID]; return v != earlier && v.established }
		learner.M.Boot()
		e.runUntil(5*time.Second, func() bool { return !learner.M.Running() || joined() })
		if learner.M.Running() {
			if e.W.Failure() == nil && joined() {
				break // it takes no more file calls than that
			}
			t.Fatalf("file call %d: neither a crash nor up to date: %s", n, e.state())
		}
		end, current := learner.logEnd(), learner.epoch("currentEpoch")
		switch {
		case current >= last.Epoch() && end < last:
			t.Errorf("file call %d: current epoch %d with history up to %v, want %v", n, current, end, last)
		case learner.epoch("acceptedEpoch") < last.Epoch():
			met["before the promise"]++
		case end <= began:
			met["promised, nothing appended"]++
		case end < last:
			met["a part appended"]++
		case current < last.Epoch():
			met["all on disk, epoch not taken"]++ // T-EPOCH: 3.9.5 would not start
		default:
			met["epoch taken, not acknowledged"]++
		}
		e.end(t, n)
	}
	t.Logf("%v", met)
	for _, state := range []string{"before the promise", "promised, nothing appended", "all on disk, epoch not taken"} {
		if met[state] == 0 {
			t.Errorf("no crash left %q: %v", state, met)
		}
	}
}

// T-ENOSPC, R16: the disk of the leader, or of a follower, is full while clients write.
// It stops, and does not come back before there is room; the others go on, under
// another leader if need be.
func TestTENOSPCAFullDisk(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		e := calmEnsembleWith(seed, realNode, global)
		leader, rest := e.leads(t)
		victim, others := leader, rest
		if seed%2 == 0 {
			victim, others = rest[0], []*Member{leader, rest[1]}
		}
		for _, c := range e.Clients {
			e.settleAt(c, others...)
		}
		e.recover()
		victim.M.disk.Full = true
		if !e.runUntil(10*time.Second, func() bool { return victim.lastErr != nil }) {
			t.Fatalf("seed %d: server %d with a full disk goes on", seed, victim.ID)
		}
		before := e.Load.acked
		e.W.Run(5 * time.Second)
		if now := e.leader(); now == nil || now == victim || e.Load.acked == before {
			t.Errorf("seed %d: nothing was acknowledged beside a full disk: %s", seed, e.state())
		}
		victim.M.disk.repair()
		e.end(t, victim == leader)
	}
}

// T-ENOSPC, R3, R16: a leader that was cut off comes back with a tail, and is told to
// truncate. Its disk fails from then on, or it dies about that time. No half
// truncation counts.
func TestTENOSPCWhileTruncating(t *testing.T) {
	failed := 0
	for n := 1; n <= 24; n++ {
		e := newCalm(uint64(n), realNode, 3, global)
		e.keepAll()
		e.begin()
		old, rest := e.withTail(t, n%2 == 0)
		if n%2 == 0 {
			e.W.trace.out = &tripwire{"by=TRUNC", func() { old.M.disk.Full, old.M.disk.FailSync = true, 1 }}
		} else {
			old.M.CrashAtFileCall(30+2*n, n%4 == 1)
			old.M.Boot()
		}
		e.W.Run(time.Second)
		if old.lastErr != nil && strings.Contains(old.lastErr.Error(), "truncate the history") {
			failed++
		}
		e.W.trace.out = nil
		old.M.disk.repair()
		for _, m := range append(rest, old) {
			m.M.Boot()
		}
		e.end(t, n)
	}
	if failed < 4 {
		t.Errorf("%d truncations of 12 failed", failed)
	}
}

// A tripwire does something as soon as a text is in the trace.
type tripwire struct {
	text string
	then func()
}

func (w *tripwire) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(w.text)) {
		w.then()
	}
	return len(b), nil
}

// T-5094, R3, R11: a leader that was cut off, and has its tail in its log and on its
// tree, is told to truncate. The tail is gone from both, without a restart, what
// comes next is logged where the cut was, and a restart finds it.
func TestTTRUNCWithoutARestart(t *testing.T) {
	truncated := 0
	for seed := uint64(1); seed <= 24; seed++ {
		var trace bytes.Buffer
		e := newCalm(seed, realNode, 3, global)
		e.W.trace.out = &trace
		e.keepAll()
		e.begin()
		old, _ := e.withTail(t, true)
		e.runUntil(20*time.Second, func() bool { v := e.O.views[old.ID]; return v.established && v.epoch == e.O.newest })
		e.W.HealAll()
		e.recover()
		e.W.Run(time.Second)
		old.M.PowerOff()
		e.W.Run(time.Second)
		e.end(t, "")
		if strings.Contains(trace.String(), "by=TRUNC") {
			truncated++
		}
	}
	if truncated < 5 {
		t.Errorf("%d of 24 runs came to a TRUNC", truncated)
	}
}

// withTail cuts the leader off and gives it a tail that nobody else has, while the
// others elect another and have nothing to commit: clients reach nobody. It is
// without power then, unless it is kept.
func (e *Ensemble) withTail(t *testing.T, keep bool) (old *Member, rest []*Member) {
	t.Helper()
	old, rest = e.leads(t)
	rest = slices.DeleteFunc(rest, func(m *Member) bool { return !m.M.Running() })
	for _, m := range rest {
		e.part(old, m)
	}
	for had, n := old.logEnd(), 0; old.logEnd() < had+3 && n < 100; n++ {
		e.W.Run(2 * time.Millisecond)
	}
	cutClients(e)
	if !keep {
		old.M.PowerOff()
	}
	if !e.runUntil(20*time.Second, func() bool { return e.succeeded(old, rest) }) {
		t.Fatalf("no other leader: %s", e.state())
	}
	for _, m := range rest {
		e.W.Heal(old.M, m.M)
		e.W.Heal(m.M, old.M)
	}
	return old, rest
}

// succeeded reports whether one of some servers leads the others in place of old.
func (e *Ensemble) succeeded(old *Member, rest []*Member) bool {
	l := e.leader()
	return l != nil && l != old && e.established(rest)
}

// T-2846/2832, T-2872, R3: a leader with a tail is brought up by SNAP, since the others
// have gone on in another epoch. The tail is never replayed, nor sent to one that was
// away since before it, whoever restarts and leads then.
func TestT2846AStaleTailNeverComesBack(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		e := newCalm(seed, realNode, 5, global)
		for _, m := range e.Members {
			m.setup.CommitLog = 5
		}
		e.begin()
		away := e.Members[seed%5]
		if away == e.leader() {
			away = e.Members[(seed+1)%5]
		}
		away.M.PowerOff()
		e.W.Run(time.Second)
		old, rest := e.withTail(t, false)
		epoch := e.leader()
		e.W.HealAll()
		e.runUntil(5*time.Second, func() bool { return e.O.Last().Epoch() > old.logEnd().Epoch() })
		old.M.Boot()
		if !e.runUntil(10*time.Second, func() bool { return e.established([]*Member{old}) }) {
			t.Fatalf("seed %d: the old leader does not come back: %s", seed, e.state())
		}
		// A plain restart; then whoever has been here all the time is gone.
		old.M.PowerOff()
		old.M.Boot()
		e.W.Run(3 * time.Second)
		away.M.Boot()
		epoch.M.PowerOff()
		e.W.Run(5 * time.Second)
		for _, m := range rest {
			m.M.Boot()
		}
		e.end(t, "")
	}
}
