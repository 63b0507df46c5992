package chaos

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ostler/internal/zk"
	"ostler/test/chaos/history"
	"ostler/test/proc"
)

// An options says what a run does.
type options struct {
	layout  string
	leader  proc.Kind // who is to lead, "" for anybody
	length  time.Duration
	seed    uint64
	clients int
	cuts    bool
}

// run plays one run and judges it.
func run(t *testing.T, o options) {
	layout, err := parseLayout(o.layout)
	must(t, err)
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	t.Logf("layout %s, leader %q, cuts %v; repeat with -chaos.seed=%d", o.layout, o.leader, o.cuts, o.seed)
	dir, err := os.MkdirTemp("", "chaos")
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("data, logs and history are kept in %s", dir)
			return
		}
		os.RemoveAll(dir)
	})
	c := newCluster(t, dir, layout, o.cuts)
	c.startAll()
	m := watch(c)
	n := newNemesis(c, m, o)
	h := play(t, c, m, n, o)
	m.stop()
	report(t, c, m, n, h, dir)
}

// play lets clients and faults loose, calms down, and returns what was seen.
func play(t *testing.T, c *cluster, m *monitor, n *nemesis, o options) *history.History {
	load, calm := context.WithCancel(t.Context())
	kept, release := context.WithCancel(t.Context())
	defer release()
	setUp := newClient(load, c, 0, o.seed)
	proc.Eventually(t, "a client is served", setUp.connect)
	must(t, setUp.prepare())
	setUp.abandon()
	clients := []*client{setUp}
	var loaded, ended sync.WaitGroup
	for i := range o.clients {
		l := newClient(load, c, i+1, o.seed)
		clients = append(clients, l)
		loaded.Add(1)
		ended.Go(func() {
			l.run()
			loaded.Done()
			l.finish(kept)
		})
	}
	n.run(func() bool { return o.over(c, m, n) })
	awaitCalm(t, c)
	calm()
	loaded.Wait()
	keepers := 0
	for _, l := range clients[1:] {
		if l.keeps() {
			keepers++
		}
	}
	trees := readTrees(t, c, keepers)
	release()
	ended.Wait()
	return gather(t, clients, trees)
}

// over reports whether a run has had its time, and a short one every kind of fault; where
// one kind is to lead, its time as the leader counts. No run takes more than some four
// times as long in all.
func (o options) over(c *cluster, m *monitor, n *nemesis) bool {
	switch late := c.now() > 4*o.length+10*time.Second; {
	case late:
		return true
	case o.leader != "":
		return m.exercised(o.leader) > o.length
	}
	return c.now() > o.length && (!n.hasty || n.tried())
}

// awaitCalm waits until all servers serve.
func awaitCalm(t *testing.T, c *cluster) {
	t.Helper()
	for _, s := range c.seats {
		proc.Eventually(t, s.String()+" serves", func() bool {
			if s.process.Ended() {
				t.Errorf("%v ended of itself at the end:\n%s", s, s.tail())
				s.stop()
				s.start()
			}
			return s.ask("srvr", time.Second).mode != ""
		}, s.tail)
	}
}

func gather(t *testing.T, clients []*client, trees []history.Tree) *history.History {
	h := &history.History{Trees: trees, Bank: bank, Total: accounts * deposit}
	for _, l := range clients {
		h.Ops = append(h.Ops, l.ops...)
		h.Sessions = append(h.Sessions, l.sessions...)
		for _, err := range l.protocol {
			t.Errorf("client %d: %v", l.index, err)
		}
	}
	return h
}

// report prints what happened and fails the test for what may not.
func report(t *testing.T, c *cluster, m *monitor, n *nemesis, h *history.History, dir string) {
	h.Lax = laxEpochs(t, c)
	r := history.Check(h)
	outcomes, kinds, ends := map[history.Outcome]int{}, map[zk.OpCode]int{}, map[history.End]int{}
	for i := range h.Ops {
		outcomes[h.Ops[i].Outcome]++
		kinds[h.Ops[i].Kind]++
	}
	for _, s := range h.Sessions {
		ends[s.End]++
	}
	var faults []string
	for _, k := range slices.Sorted(maps.Keys(n.count)) {
		faults = append(faults, fmt.Sprintf("%s %d", k, n.count[k]))
	}
	t.Logf("%v; faults: %s; %d elections", c.now().Round(time.Second), strings.Join(faults, ", "), m.elections)
	t.Logf("requests %d: acknowledged %d, refused %d, outcome unknown %d; %v",
		len(h.Ops), outcomes[history.Acked], outcomes[history.Refused], outcomes[history.Lost], kinds)
	t.Logf("sessions %d: kept %d, closed %d, abandoned %d, expired %d; syncs behind under an Apache leader: %d",
		len(h.Sessions), ends[history.Kept], ends[history.Closed], ends[history.Abandoned], ends[history.Expired], r.StaleSyncs)
	t.Logf("role pair times:%s", m.report())
	for _, e := range n.exits {
		t.Error(e)
	}
	if len(h.Trees) != len(c.seats) || outcomes[history.Acked] == 0 {
		t.Errorf("%d trees were read, %d requests acknowledged", len(h.Trees), outcomes[history.Acked])
	}
	for i, v := range r.Violations {
		if i == 20 {
			t.Errorf("and %d more", len(r.Violations)-i)
			break
		}
		t.Error(v)
	}
	checkLogs(t, c)
	if t.Failed() {
		writeHistory(t, h, r, dir)
	}
}

// writeHistory leaves all ops, and those about each violation, for diagnosis.
func writeHistory(t *testing.T, h *history.History, r history.Report, dir string) {
	var all, about strings.Builder
	for i := range h.Ops {
		fmt.Fprintln(&all, &h.Ops[i])
	}
	for _, v := range r.Violations {
		fmt.Fprintf(&about, "\n%v\n", v)
		for _, o := range h.About(v) {
			fmt.Fprintln(&about, "  ", o)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "history.txt"), []byte(all.String()), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "violations.txt"), []byte(about.String()), 0o644))
}
