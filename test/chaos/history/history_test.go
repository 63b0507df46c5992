package history

import (
	"slices"
	"testing"
	"time"

	"ostler/internal/zk"
)

// The sessions of the honest history: two that are kept, one that is closed, one that
// expires and one that is abandoned.
const (
	anna zk.SessionID = iota + 1
	bert
	carl
	dora
	emil
)

// at is a zxid of the first epoch.
func at(counter uint32) zk.Zxid { return zk.MakeZxid(1, counter) }

// ms is a time of the history.
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// A book writes a history down, an op every ten milliseconds.
type book struct {
	h     History
	clock int
}

func (b *book) op(s zk.SessionID, kind zk.OpCode, outcome Outcome, z zk.Zxid, parts ...Part) {
	b.clock += 10
	o := Op{Session: s, Seat: 1, Call: ms(b.clock), Return: ms(b.clock + 5), Kind: kind, Outcome: outcome, Zxid: z, Parts: parts}
	if outcome == Lost {
		o.Return, o.Zxid = Never, 0
	}
	b.h.Ops = append(b.h.Ops, o)
}

func stat(born, changed zk.Zxid, version int32) zk.Stat {
	return zk.Stat{Czxid: born, Mzxid: changed, Version: version}
}

func create(path, data string, z zk.Zxid) Part {
	return Part{Kind: zk.OpCreate2, Path: path, Data: data, Version: -1, Stat: stat(z, z, 0)}
}

func set(path, data string, condition int32, s zk.Stat) Part {
	return Part{Kind: zk.OpSetData, Path: path, Data: data, Version: condition, Stat: s}
}

func get(path, data string, s zk.Stat) Part {
	return Part{Kind: zk.OpGetData, Path: path, Data: data, Stat: s}
}

func ephemeral(path, data string, z zk.Zxid, s zk.SessionID) Part {
	p := create(path, data, z)
	p.Ephemeral, p.Stat.EphemeralOwner = true, s
	return p
}

func numbered(path, data string, z zk.Zxid) Part {
	p := create(path, data, z)
	p.Sequential = true
	return p
}

func sync() Part { return Part{Kind: zk.OpSync, Path: "/r"} }

func absent(path string) Part { return Part{Kind: zk.OpGetData, Path: path, Code: zk.NoNode} }

// Places of ops in the honest history.
const (
	createR = iota
	createAccounts
	setR1
	getR1
	setR2Lost
	refusedR
	setR3
	syncDora
	getR3
	createOwn
	deleteOwn
	goneOwn
	number0
	number1
	liveAnna
	liveCarl
	closeCarl
	goneCarl
	liveDora
	transfer
	transferLost
	readBank
	goneDora
	opCount
)

// honest is a history that a correct ensemble may show. The second transfer was not
// answered, and half of what it did is seen in the trees alone.
func honest() *History {
	b := &book{h: History{Bank: "/b", Total: 20, Lax: map[zk.Epoch]int{}}}
	r := at(1)
	b.op(anna, zk.OpCreate2, Acked, r, create("/r", "r0", r))
	b.op(anna, zk.OpMulti, Acked, at(2), create("/b/0", "10 a0", at(2)), create("/b/1", "10 b0", at(2)))
	b.op(anna, zk.OpSetData, Acked, at(3), set("/r", "r1", -1, stat(r, at(3), 1)))
	b.op(bert, zk.OpGetData, Acked, at(3), get("/r", "r1", stat(r, at(3), 1)))
	b.op(bert, zk.OpSetData, Lost, 0, set("/r", "r2", -1, zk.Stat{}))
	b.op(anna, zk.OpSetData, Refused, at(5), Part{Kind: zk.OpSetData, Path: "/r", Data: "never", Version: 1, Code: zk.BadVersion})
	b.op(anna, zk.OpSetData, Acked, at(6), set("/r", "r3", 2, stat(r, at(6), 3)))
	b.op(dora, zk.OpSync, Acked, at(6), sync())
	b.op(dora, zk.OpGetData, Acked, at(6), get("/r", "r3", stat(r, at(6), 3)))
	b.op(anna, zk.OpCreate2, Acked, at(7), create("/own", "o", at(7)))
	b.op(anna, zk.OpDelete, Acked, at(8), Part{Kind: zk.OpDelete, Path: "/own", Version: -1})
	b.op(anna, zk.OpGetData, Refused, at(8), absent("/own"))
	b.op(anna, zk.OpCreate2, Acked, at(9), numbered("/q/n-0000000000", "n0", at(9)))
	b.op(bert, zk.OpCreate2, Acked, at(10), numbered("/q/n-0000000001", "n1", at(10)))
	b.op(anna, zk.OpCreate2, Acked, at(11), ephemeral("/live/a", "la", at(11), anna))
	b.op(carl, zk.OpCreate2, Acked, at(12), ephemeral("/live/c", "lc", at(12), carl))
	b.op(carl, zk.OpCloseSession, Acked, at(13))
	b.op(anna, zk.OpGetData, Refused, at(13), absent("/live/c"))
	b.op(dora, zk.OpCreate2, Acked, at(14), ephemeral("/live/d", "ld", at(14), dora))
	b.op(anna, zk.OpMulti, Acked, at(15), set("/b/0", "7 a1", 0, stat(at(2), at(15), 1)), set("/b/1", "13 b1", 0, stat(at(2), at(15), 1)))
	b.op(bert, zk.OpMulti, Lost, 0, set("/b/0", "9 a2", 1, zk.Stat{}), set("/b/1", "11 b2", 1, zk.Stat{}))
	b.op(anna, zk.OpMultiRead, Acked, at(15), get("/b/0", "7 a1", stat(at(2), at(15), 1)), get("/b/1", "13 b1", stat(at(2), at(15), 1)))
	b.op(anna, zk.OpGetData, Refused, at(16), absent("/live/d"))
	b.h.Sessions = []Session{
		{ID: anna, Timeout: ms(1000), End: Kept, Ended: ms(9000)},
		{ID: bert, Timeout: ms(1000), End: Kept, Ended: ms(9000)},
		{ID: carl, Timeout: ms(1000), End: Closed, Ended: ms(200)},
		{ID: dora, Timeout: ms(1000), End: Expired, Ended: ms(1500)},
		{ID: emil, Timeout: ms(1000), End: Abandoned, Ended: ms(100)},
	}
	for seat := 1; seat <= 3; seat++ {
		live := stat(at(11), at(11), 0)
		live.EphemeralOwner = anna
		b.h.Trees = append(b.h.Trees, Tree{Seat: seat, Nodes: map[string]Node{
			"/":                {},
			"/zookeeper":       {},
			"/r":               {"r3", stat(r, at(6), 3)},
			"/b/0":             {"9 a2", stat(at(2), at(17), 2)},
			"/b/1":             {"11 b2", stat(at(2), at(17), 2)},
			"/q/n-0000000000":  {"n0", stat(at(9), at(9), 0)},
			"/q/n-0000000001":  {"n1", stat(at(10), at(10), 0)},
			"/live/a":          {"la", live},
			"/zookeeper/extra": {Data: "each server's own " + string(rune('0'+seat))},
		}})
	}
	return &b.h
}

func TestHonestHistoryPasses(t *testing.T) {
	h := honest()
	if len(h.Ops) != opCount {
		t.Fatalf("%d ops have %d names", len(h.Ops), opCount)
	}
	if r := Check(h); len(r.Violations) != 0 || r.StaleSyncs != 0 {
		t.Errorf("violations %v, %d stale syncs", r.Violations, r.StaleSyncs)
	}
}

// everywhere changes all trees.
func (h *History) everywhere(f func(nodes map[string]Node)) {
	for _, t := range h.Trees {
		f(t.Nodes)
	}
}

// later appends an op after all others.
func (h *History) later(s zk.SessionID, kind zk.OpCode, outcome Outcome, z zk.Zxid, parts ...Part) {
	b := &book{h: *h, clock: 2000}
	b.op(s, kind, outcome, z, parts...)
	*h = b.h
}

// TestLiesAreFound tells the checker one lie at a time, and wants it to name the
// invariant that is broken.
func TestLiesAreFound(t *testing.T) {
	for _, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			h := honest()
			lie.tell(h)
			r := Check(h)
			if !slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Invariant == lie.want }) {
				t.Errorf("want %s to be violated, got %v", lie.want, r.Violations)
			}
		})
	}
}

// TestSyncUnderLaxLeaderIsCounted: what ZooKeeper does not promise is no violation.
func TestSyncUnderLaxLeaderIsCounted(t *testing.T) {
	const leader = 1 // where the sync was called
	own, deposed := honest(), honest()
	own.Ops[syncDora].Zxid, own.Lax[1] = at(5), leader
	deposed.Ops[syncDora].Zxid, deposed.Lax[0] = zk.MakeZxid(0, 7), 2
	for _, h := range []*History{own, deposed} {
		if r := Check(h); len(r.Violations) != 0 || r.StaleSyncs != 1 {
			t.Errorf("violations %v, %d stale syncs, want none and 1", r.Violations, r.StaleSyncs)
		}
	}
}

// TestAboutFindsTheOps: what is printed with a violation are the ops on its nodes and
// of its session.
func TestAboutFindsTheOps(t *testing.T) {
	h := honest()
	if n := len(h.About(Violation{Paths: []string{"/r"}})); n != 8 {
		t.Errorf("%d ops are about /r, want 8", n)
	}
	if n := len(h.About(Violation{Session: carl})); n != 2 {
		t.Errorf("%d ops are of session carl, want 2", n)
	}
}
