package election

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A hall runs the cores of an ensemble on virtual time. Messages may be lost, and a
// newer one to the same server overtakes what was not delivered yet, as the
// election port does it (quorum.md 2.7).
type hall struct {
	t      testing.TB
	rand   *rand.Rand
	now    time.Time
	config *ensemble.Config
	cores  map[zk.ServerID]*member
	queue  []letter
	loss   int // of 100
}

type letter struct {
	at       time.Time
	from, to zk.ServerID
	n        peerwire.Notification
}

type member struct {
	core    *Core
	up      bool
	out     Output
	settled *Vote
	wakeAt  time.Time
}

func testConfig(voters, observers int) *ensemble.Config {
	c := &ensemble.Config{Members: make(map[zk.ServerID]ensemble.Member)}
	for i := 1; i <= voters+observers; i++ {
		m := ensemble.Member{ID: zk.ServerID(i), QuorumAddr: ensemble.Addrs(fmt.Sprintf("h%d:2888", i)), ElectionAddr: ensemble.Addrs(fmt.Sprintf("h%d:3888", i))}
		if i > voters {
			m.Role = ensemble.Observer
		}
		c.Members[m.ID] = m
	}
	return c
}

func testOptions(c *ensemble.Config, id zk.ServerID) Options {
	return Options{
		Self: id, Observer: !c.IsVoter(id), Config: c,
		Finalize: 200 * time.Millisecond, MinInterval: 200 * time.Millisecond, MaxInterval: time.Minute,
	}
}

func newHall(t testing.TB, seed uint64, voters, observers int) *hall {
	h := &hall{t: t, rand: rand.New(rand.NewPCG(seed, 3)), now: time.Unix(1000, 0), config: testConfig(voters, observers), cores: make(map[zk.ServerID]*member)}
	for _, id := range h.config.IDs() {
		h.cores[id] = &member{core: New(testOptions(h.config, id))}
	}
	return h
}

// start begins an election at a server.
func (h *hall) start(id zk.ServerID, epoch zk.Epoch, last zk.Zxid, trusted bool) {
	m := h.cores[id]
	m.up, m.settled = true, nil
	m.core.SetRole(peerwire.Looking)
	m.core.Start(h.now, last, epoch, trusted, &m.out)
	h.collect(id)
}

// link tells all others that there is a link to a server, or none any more.
func (h *hall) link(to zk.ServerID, up bool) {
	for _, id := range h.config.IDs() {
		if m := h.cores[id]; id != to {
			m.core.Link(h.now, to, up, &m.out)
			h.collect(id)
		}
	}
}

func (h *hall) collect(id zk.ServerID) {
	m := h.cores[id]
	for _, s := range m.out.Send {
		if s.To == id {
			h.t.Fatalf("server %d sends to itself", id)
		}
		if h.rand.IntN(100) < h.loss {
			continue
		}
		h.queue = slices.DeleteFunc(h.queue, func(l letter) bool { return l.from == id && l.to == s.To })
		h.queue = append(h.queue, letter{h.now.Add(time.Duration(1+h.rand.IntN(9)) * time.Millisecond), id, s.To, s.Notification})
	}
	if m.out.Settled != nil {
		m.settled = m.out.Settled
		m.core.SetRole(m.core.State())
	}
	m.wakeAt = m.out.WakeAt
	m.out = Output{}
}

// run lets d pass, or less if everybody has settled.
func (h *hall) run(d time.Duration) {
	end := h.now.Add(d)
	for h.now.Before(end) {
		h.now = h.now.Add(time.Millisecond)
		due := slices.Clone(h.queue)
		slices.SortStableFunc(due, func(a, b letter) int { return a.at.Compare(b.at) })
		for _, l := range due {
			if l.at.After(h.now) {
				break
			}
			h.queue = slices.DeleteFunc(h.queue, func(o letter) bool { return o.from == l.from && o.to == l.to && o.at.Equal(l.at) })
			if m := h.cores[l.to]; m.up {
				m.core.Notify(h.now, l.from, l.n, &m.out)
				h.collect(l.to)
			}
		}
		done := true
		for _, id := range h.config.IDs() {
			m := h.cores[id]
			if m.up && m.settled == nil {
				done = false
				if !m.wakeAt.IsZero() && !h.now.Before(m.wakeAt) {
					m.core.Tick(h.now, &m.out)
					h.collect(id)
				}
			}
		}
		if done {
			return
		}
	}
}

// expect checks who settled on whom; 0 stands for still looking.
func (h *hall) expect(want map[zk.ServerID]zk.ServerID) {
	h.t.Helper()
	for _, id := range h.config.IDs() {
		leader, ok := want[id]
		if !ok {
			continue
		}
		var got zk.ServerID
		if v := h.cores[id].settled; v != nil {
			got = v.Leader
		}
		if got != leader {
			h.t.Errorf("server %d settled on %d, want %d", id, got, leader)
		}
	}
}

// TestRandomElections: whoever takes part, with lost messages and servers that start
// at any time, in the end all settle on one leader, and it has the newest history of
// a quorum (INV-Z13).
func TestRandomElections(t *testing.T) {
	for seed := uint64(1); seed <= 300; seed++ {
		voters := []int{1, 3, 4, 5, 7}[seed%5]
		h := newHall(t, seed, voters, int(seed%3))
		h.loss = int(seed%4) * 10
		var up []zk.ServerID
		epochs := make(map[zk.ServerID]zk.Epoch)
		zxids := make(map[zk.ServerID]zk.Zxid)
		for _, id := range h.config.IDs() {
			epochs[id] = zk.Epoch(1 + h.rand.IntN(3))
			zxids[id] = zk.MakeZxid(zk.Epoch(1+h.rand.IntN(int(epochs[id]))), uint32(h.rand.IntN(3)))
		}
		for _, id := range h.config.Voters() {
			if len(up) <= voters/2 || h.rand.IntN(2) == 0 {
				up = append(up, id)
				h.start(id, epochs[id], zxids[id], true)
				h.run(time.Duration(h.rand.IntN(50)) * time.Millisecond)
			}
		}
		for _, id := range h.config.IDs() {
			if !h.config.IsVoter(id) {
				h.start(id, epochs[id], zxids[id], true)
			}
		}
		h.run(10 * time.Minute)
		for range 20 {
			// Who settled on a server that does not lead finds no open port there,
			// and looks again (quorum.md 3.14).
			for _, id := range h.config.IDs() {
				if v := h.cores[id].settled; v != nil && h.cores[v.Leader].core.State() != peerwire.Leading {
					h.start(id, epochs[id], zxids[id], true)
				}
			}
			h.run(10 * time.Minute)
		}
		var leader zk.ServerID
		for _, id := range h.config.IDs() {
			if v := h.cores[id].settled; v != nil && leader == 0 {
				leader = v.Leader
			}
		}
		want := make(map[zk.ServerID]zk.ServerID)
		for _, id := range h.config.IDs() {
			if h.cores[id].up {
				want[id] = leader
			}
		}
		h.expect(want)
		if leader == 0 || h.cores[leader].core.State() != peerwire.Leading {
			t.Errorf("server %d was elected, but does not lead", leader)
		}
		newest := h.config.ContainsQuorum(func(id zk.ServerID) bool {
			return epochs[id] < epochs[leader] || epochs[id] == epochs[leader] && zxids[id] <= zxids[leader]
		})
		if !newest {
			t.Errorf("no quorum has a history as old as that of leader %d", leader)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %d voters, up %v, epochs %v, zxids %v", seed, voters, up, epochs, zxids)
		}
	}
}
