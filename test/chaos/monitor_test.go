package chaos

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"ostler/internal/zk"
	"ostler/test/proc"
)

// A status is what a server says of itself.
type status struct {
	mode string // "" while it does not serve
	zxid zk.Zxid
	at   time.Time
}

// ask asks a server for its status, and gives up after patience.
func (s *seat) ask(word string, patience time.Duration) status {
	text := ask(s.addr, word, patience)
	z, _ := strconv.ParseInt(strings.TrimPrefix(proc.Field(text, "Zxid: "), "0x"), 16, 64)
	return status{mode: proc.Field(text, "Mode: "), zxid: zk.Zxid(z), at: time.Now()}
}

// ask asks a four-letter word; "" is no answer.
func ask(addr, word string, patience time.Duration) string {
	deadline := time.Now().Add(patience)
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return ""
	}
	defer c.Close()
	c.SetDeadline(deadline)
	io.WriteString(c, word)
	b, _ := io.ReadAll(c)
	return string(b)
}

// How often the servers are asked, and how long an answer counts.
const (
	askEvery   = 200 * time.Millisecond
	freshness  = 900 * time.Millisecond
	pollBudget = 600 * time.Millisecond
)

// A monitor watches who leads and who serves.
type monitor struct {
	c    *cluster
	quit chan struct{}
	wg   sync.WaitGroup

	mu        sync.Mutex
	statuses  []status
	leader    int // index of the leader, -1 for none
	since     time.Time
	elections int
	pairs     map[string]time.Duration    // role pair times
	led       map[proc.Kind]time.Duration // of those, with a follower or observer of the other kind
	last      time.Time
}

func watch(c *cluster) *monitor {
	m := &monitor{
		c: c, quit: make(chan struct{}), statuses: make([]status, len(c.seats)), leader: -1,
		pairs: map[string]time.Duration{}, led: map[proc.Kind]time.Duration{}, last: time.Now(),
	}
	for i := range c.seats {
		m.wg.Go(func() { m.poll(i) })
	}
	m.wg.Go(m.account)
	return m
}

func (m *monitor) stop() {
	close(m.quit)
	m.wg.Wait()
}

func (m *monitor) every(d time.Duration, f func()) {
	for {
		select {
		case <-m.quit:
			return
		case <-time.After(d):
			f()
		}
	}
}

func (m *monitor) poll(i int) {
	m.every(askEvery, func() {
		s := m.c.seats[i].ask("srvr", pollBudget)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.statuses[i] = s
	})
}

// serving returns the status of a seat, without a mode when it does not serve or does
// not answer any more.
func (m *monitor) serving(i int) status {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fresh(i)
}

func (m *monitor) fresh(i int) status {
	if s := m.statuses[i]; time.Since(s.at) < freshness {
		return s
	}
	return status{}
}

// reign returns the leader's index, or -1, and how long it has led.
func (m *monitor) reign() (leader int, length time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.leader, time.Since(m.since)
}

// exercised returns how long a kind has led others.
func (m *monitor) exercised(k proc.Kind) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.led[k]
}

// account adds up who led whom.
func (m *monitor) account() {
	m.every(100*time.Millisecond, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		now := time.Now()
		dt := now.Sub(m.last)
		m.last = now
		leader, voters, others := m.roles()
		if leader != m.leader {
			m.leader, m.since = leader, now
			if leader >= 0 {
				m.elections++
				m.c.journal.note("leads: %v", m.c.seats[leader])
			} else {
				m.c.journal.note("leads: nobody")
			}
		}
		if leader < 0 || voters < m.c.majority() {
			return
		}
		m.pairs[m.company(leader)] += dt
		if others {
			m.led[m.c.seats[leader].kind] += dt
		}
	})
}

// roles returns the leader, of several the one with the newest zxid, how many voters
// serve, and whether servers of the other kind do.
func (m *monitor) roles() (leader, voters int, others bool) {
	leader = -1
	for i, s := range m.c.seats {
		st := m.fresh(i)
		if st.mode == "leader" && (leader < 0 || st.zxid > m.statuses[leader].zxid) {
			leader = i
		}
		if st.mode != "" && !s.observer {
			voters++
		}
	}
	for i, s := range m.c.seats {
		others = others || leader >= 0 && m.fresh(i).mode != "" && s.kind != m.c.seats[leader].kind
	}
	return leader, voters, others
}

// company names the leader's kind and those that serve with it.
func (m *monitor) company(leader int) string {
	count := map[string]int{}
	for i, s := range m.c.seats {
		if mode := m.fresh(i).mode; i != leader && mode != "" {
			count[fmt.Sprintf("%s %s", s.kind, mode)]++
		}
	}
	text := fmt.Sprintf("%s leader", m.c.seats[leader].kind)
	for _, k := range slices.Sorted(maps.Keys(count)) {
		text += fmt.Sprintf(", %d %s", count[k], k)
	}
	return text
}

// report lists the role pair times, longest first.
func (m *monitor) report() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(m.pairs), func(a, b string) int { return cmp.Compare(m.pairs[b], m.pairs[a]) })
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "\n  %8s  %s", m.pairs[k].Round(100*time.Millisecond), k)
	}
	return b.String()
}
