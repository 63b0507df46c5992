package zab

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"ostler/internal/election"
	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A world runs the election and Zab cores of an ensemble on virtual time, over FIFO
// links and modelled disks, and checks the invariants of quorum.md 8.3 as it goes.
// It stands in for the shell, and knows nothing of trees and clients.
type world struct {
	t      testing.TB
	rand   *rand.Rand
	now    time.Time
	start  time.Time
	seq    int
	events eventHeap
	config *ensemble.Config
	nodes  []*node // by id-1
	links  map[LinkID]*simLink
	nextID LinkID
	cut    map[[2]zk.ServerID]bool // partitions, smaller id first
	ops    int                     // unique payloads
	lines  []string                // trace

	diskMin, diskMax time.Duration
	netMin, netMax   time.Duration
	trim             bool
	arrived          func(n *node, l *simLink, p *peerwire.Packet) // a hook, may be nil
	chaos            bool                                          // elections may go wrong
	masters          bool                                          // observers follow followers

	leaders   map[zk.Epoch]zk.ServerID // Leadership2
	initials  map[zk.Epoch][]*txn.Record
	promises  map[promiseKey]zk.ServerID
	committed []*txn.Record // the global sequence
	stats     struct{ established, diffs, truncs, snaps, commits, crashes, wipes, relayed, handovers int }
}

type event struct {
	at  time.Time
	seq int
	run func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	*h = old[:len(old)-1]
	return e
}

// A simLink is one quorum connection. Each direction is FIFO.
type simLink struct {
	id              LinkID
	learner, leader *node
	down            bool
	toLeader        time.Time // last delivery, each way
	toLearner       time.Time
	held            []simPacket // behind a TRUNC or SNAP, until the learner goes on
	holding         bool
	views           [][]*txn.Record // opened for the next SNAP
}

type simPacket struct {
	packet peerwire.Packet
	view   []*txn.Record // of a SNAP
}

const simTick = 100 * time.Millisecond

func newWorld(t testing.TB, seed uint64, voters, observers int) *world {
	w := &world{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)), now: time.Unix(1000, 0), start: time.Unix(1000, 0),
		config: &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member)},
		links:  make(map[LinkID]*simLink), cut: make(map[[2]zk.ServerID]bool),
		diskMin: time.Millisecond, diskMax: 5 * time.Millisecond,
		netMin: time.Millisecond, netMax: 4 * time.Millisecond,
		leaders:  make(map[zk.Epoch]zk.ServerID),
		initials: make(map[zk.Epoch][]*txn.Record),
		promises: make(map[promiseKey]zk.ServerID),
	}
	for i := 1; i <= voters+observers; i++ {
		m := ensemble.Member{ID: zk.ServerID(i), QuorumAddr: ensemble.Addrs(fmt.Sprintf("h%d:2888", i)), ElectionAddr: ensemble.Addrs(fmt.Sprintf("h%d:3888", i))}
		if i > voters {
			m.Role = ensemble.Observer
		}
		w.config.Members[m.ID] = m
	}
	for _, id := range w.config.IDs() {
		w.nodes = append(w.nodes, &node{w: w, id: id, observer: !w.config.IsVoter(id)})
	}
	return w
}

func (w *world) between(lo, hi time.Duration) time.Duration {
	if hi <= lo {
		return lo
	}
	return lo + time.Duration(w.rand.Int64N(int64(hi-lo)))
}

func (w *world) after(d time.Duration, run func()) { w.at(w.now.Add(d), run) }

func (w *world) at(at time.Time, run func()) {
	w.seq++
	heap.Push(&w.events, event{at, w.seq, run})
}

// run lets d of virtual time pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for len(w.events) > 0 && !w.events[0].at.After(end) {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.run()
	}
	w.now = end
}

// until runs until cond holds, at most d.
func (w *world) until(d time.Duration, what string, cond func() bool) {
	w.t.Helper()
	end := w.now.Add(d)
	for !cond() {
		if len(w.events) == 0 || w.events[0].at.After(end) {
			w.fail("after %v: %s did not happen", d, what)
		}
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.run()
	}
}

func (w *world) logf(format string, args ...any) {
	w.lines = append(w.lines, fmt.Sprintf("%8.1fms ", float64(w.now.Sub(w.start).Microseconds())/1000)+fmt.Sprintf(format, args...))
}

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	lines := w.lines
	if len(lines) > 150 {
		lines = lines[len(lines)-150:]
	}
	w.t.Fatalf("%s\ntrace:\n%s", fmt.Sprintf(format, args...), strings.Join(lines, "\n"))
}

func (w *world) node(id zk.ServerID) *node { return w.nodes[id-1] }

func pair(a, b zk.ServerID) [2]zk.ServerID {
	if a > b {
		a, b = b, a
	}
	return [2]zk.ServerID{a, b}
}

// partition cuts the connection of two servers.
func (w *world) partition(a, b zk.ServerID) {
	w.cut[pair(a, b)] = true
	for _, id := range w.linkIDs() {
		if l := w.links[id]; pair(l.learner.id, l.leader.id) == pair(a, b) {
			w.dropLink(l)
		}
	}
}

func (w *world) heal() { clear(w.cut) }

func (w *world) linkIDs() []LinkID {
	ids := make([]LinkID, 0, len(w.links))
	for id := range w.links {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// dropLink ends a link; what is under way is lost, and both sides hear of it.
func (w *world) dropLink(l *simLink) {
	if l.down {
		return
	}
	l.down = true
	delete(w.links, l.id)
	for _, n := range []*node{l.learner, l.leader} {
		n := n
		boot, term := n.boot, n.term
		w.after(w.between(w.netMin, w.netMax), func() {
			if n.boot == boot && n.term == term && n.links[l.id] == l {
				delete(n.links, l.id)
				n.step(LinkDown{Link: l.id, Err: fmt.Errorf("reset")})
			}
		})
	}
}

// leader returns the established leader of the highest epoch, or nil.
func (w *world) leader() *node {
	var best *node
	for _, n := range w.nodes {
		if n.up && n.leader != nil && n.leader.Established() && (best == nil || n.leader.Epoch() > best.leader.Epoch()) {
			best = n
		}
	}
	return best
}

// propose makes the leader propose count transactions.
func (w *world) propose(n *node, count int) {
	for range count {
		if n.leader == nil || !n.leader.Established() || n.leader.HandingOver() {
			return
		}
		w.ops++
		n.step(Propose{Record: record(n.leader.NextZxid(), w.ops)})
	}
}

// record is a transaction that can be told from every other one.
func record(z zk.Zxid, n int) *txn.Record {
	return txn.NewRecord(txn.Txn{Header: txn.Header{Session: 1, Cxid: int32(n), Zxid: z, Time: 1, Type: zk.OpError}, Body: &txn.Error{Code: zk.NoNode}})
}

// records builds zxids into a history.
func records(zxids ...zk.Zxid) []*txn.Record {
	var recs []*txn.Record
	for _, z := range zxids {
		recs = append(recs, record(z, int(z)))
	}
	return recs
}

// deliverable checks PrefixConsistency, Agreement and TotalOrder for what a server
// delivers: a prefix of the global sequence, or an extension of all of it.
func (w *world) deliverable(n *node, recs []*txn.Record) {
	w.t.Helper()
	for i := range min(len(recs), len(w.committed)) {
		if recs[i].Zxid != w.committed[i].Zxid || recs[i].Cxid != w.committed[i].Cxid {
			w.fail("server %d delivers %v (op %d) at place %d, where %v (op %d) was delivered before",
				n.id, recs[i].Zxid, recs[i].Cxid, i, w.committed[i].Zxid, w.committed[i].Cxid)
		}
	}
	if n.leader == nil && len(recs) > len(w.committed) {
		w.fail("server %d delivers %v, which no leader has committed", n.id, lastOf(recs))
	}
	for i := len(w.committed); i < len(recs); i++ {
		if i > 0 && !recs[i].Zxid.Follows(recs[i-1].Zxid) {
			w.fail("server %d delivers %v after %v", n.id, recs[i].Zxid, recs[i-1].Zxid)
		}
		w.committed = append(w.committed, recs[i])
		w.stats.commits++
	}
}

// established checks Leadership and PrimaryIntegrity.
func (w *world) established(n *node) {
	w.t.Helper()
	e := n.leader.Epoch()
	if other, ok := w.leaders[e]; ok {
		w.fail("servers %d and %d are both established in epoch %d", other, n.id, e)
	}
	w.leaders[e] = n.id
	w.stats.established++
	hist := n.recs()
	if len(hist) < len(w.committed) {
		w.fail("leader %d of epoch %d begins with %d transactions, but %d are committed", n.id, e, len(hist), len(w.committed))
	}
	for i, rec := range w.committed {
		if hist[i].Zxid != rec.Zxid || hist[i].Cxid != rec.Cxid {
			w.fail("leader %d of epoch %d has %v at place %d, but %v is committed there", n.id, e, hist[i].Zxid, i, rec.Zxid)
		}
	}
}

// electionOptions are those of a test.
func (w *world) electionOptions(n *node) election.Options {
	return election.Options{
		Self: n.id, Observer: n.observer, Config: w.config,
		Finalize: 40 * time.Millisecond, MinInterval: 50 * time.Millisecond, MaxInterval: time.Second,
	}
}

// favourite is whom elections that go wrong settle on, the same for some time.
func (w *world) favourite() zk.ServerID {
	voters := w.config.Voters()
	window := uint64(w.now.Sub(w.start) / (300 * time.Millisecond))
	return voters[int(window*2654435761>>7)%len(voters)]
}
