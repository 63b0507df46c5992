//go:build interop

package interop

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"ostler/test/proc"
)

var rollingRounds = flag.Int("rolling.rounds", 1, "how often the servers are replaced, there and back")

// TestRollingReplacement replaces three Apache servers by Ostler one by one, on
// their own data directories, and goes back, while clients write (docs/migration.md).
// No acknowledged write may be lost, no session end, no digest differ, and only the
// replacement of a leader may cost an election, one.
//
// Followers of ZooKeeper 3.8.0 that lose their leader under load may log transactions
// twice or leave one out (disk.md A-20, quorum.md 7.5, 4394). What they find wrong in
// such a log of their own when they start does not count; an Ostler refuses one that
// lacks a transaction, and is then started empty, as docs/operating.md says.
func TestRollingReplacement(t *testing.T) {
	e := newEnsemble(t, apache, apache, apache)
	e.startAll()
	var expired atomic.Int64
	writers := make([]*writer, 4)
	setUp := dial(t, 20*time.Second, strings.Split(e.connect(), ",")...)
	_, err := setUp.Create("/load", nil, 0, open)
	must(t, err)
	for i := range writers {
		writers[i] = newWriter(t, e, fmt.Sprintf("/load/%d", i), &expired)
	}
	leaders, acked, began := 0, 0, epoch(t, e.leader())
	copied := 0
	for range *rollingRounds {
		stop := startWriting(writers)
		for _, kind := range []proc.Kind{ostler, apache} {
			known := e.mismatches()
			for _, m := range e.leaderLast() {
				if m.mode() == "leader" {
					leaders++
				}
				if m.replace(kind) {
					copied++
				}
				known[m.id] = m.mismatches()
			}
			if now := e.mismatches(); !maps.Equal(now, known) {
				t.Errorf("servers count %v digest mismatches, when they started %v", now, known)
			}
		}
		stop()
		for _, w := range writers {
			acked += len(w.acked)
			w.check(t, e)
		}
	}
	if n := expired.Load(); n != 0 {
		t.Errorf("%d sessions expired", n)
	}
	elections := epoch(t, e.leader()) - began
	if elections > leaders {
		t.Errorf("%d elections for %d leaders replaced", elections, leaders)
	}
	t.Logf("%d rounds: %d acknowledged writes, %d leaders replaced, %d elections, %d directories that ZooKeeper left damaged",
		*rollingRounds, acked, leaders, elections, copied)
}

// leaderLast returns the members in the order in which they are replaced.
func (e *ensemble) leaderLast() []*member {
	e.t.Helper()
	last := e.leader()
	order := slices.DeleteFunc(slices.Clone(e.members), func(m *member) bool { return m == last })
	return append(order, last)
}

// replace makes a member a server of a kind. It reports whether the data directory
// that an Apache server left was refused as damaged, and had to be copied from the
// others.
func (m *member) replace(kind proc.Kind) (copied bool) {
	m.t.Helper()
	from := m.kind
	m.stop()
	m.kind = kind
	m.start()
	proc.Eventually(m.t, fmt.Sprintf("server %d (%s) serves", m.id, m.kind), func() bool {
		if m.mode() != "" {
			return true
		}
		if m.process.Ended() && from == apache && !copied && refused(m.tail()) {
			copied = true
			m.stop()
			must(m.t, os.Rename(filepath.Join(m.dir, "version-2"), filepath.Join(m.dir, fmt.Sprint("damaged-", time.Now().UnixNano()))))
			m.start()
		}
		return false
	}, m.tail)
	return copied
}

// refused reports whether an Ostler's last words are that its data cannot be trusted.
func refused(tail string) bool {
	lines := strings.Split(strings.TrimSpace(tail), "\n")
	last := strings.Join(lines[max(0, len(lines)-2):], "\n")
	return strings.Contains(last, "data is damaged or incomplete: ") || strings.Contains(last, "this replica's state cannot be trusted")
}

// mismatches returns how many digests that differ each member has met.
func (e *ensemble) mismatches() map[int]string {
	e.t.Helper()
	counts := map[int]string{}
	for _, m := range e.members {
		counts[m.id] = m.mismatches()
	}
	return counts
}

func (m *member) mismatches() (n string) {
	m.t.Helper()
	proc.Eventually(m.t, fmt.Sprintf("server %d (%s) serves", m.id, m.kind), func() bool {
		n = proc.Field(m.word("mntr"), "zk_digest_mismatches_count\t")
		return n != ""
	}, m.tail)
	return n
}

// epoch returns the epoch of a member's last transaction.
func epoch(t *testing.T, m *member) int {
	t.Helper()
	zxid, err := strconv.ParseUint(strings.TrimPrefix(proc.Field(m.word("srvr"), "Zxid: "), "0x"), 16, 64)
	must(t, err)
	return int(zxid >> 32)
}

// A writer creates nodes 0, 1, … below a node of its own, and remembers which were
// acknowledged. Its ephemeral node lives as long as its session.
type writer struct {
	conn  *zk.Conn
	path  string
	next  int
	acked []int
}

func newWriter(t *testing.T, e *ensemble, path string, expired *atomic.Int64) *writer {
	t.Helper()
	conn, events, err := zk.Connect(strings.Split(e.connect(), ","), 20*time.Second, zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	must(t, err)
	t.Cleanup(conn.Close)
	go func() {
		for event := range events {
			if event.State == zk.StateExpired {
				expired.Add(1)
			}
		}
	}()
	_, err = conn.Create(path, nil, 0, open)
	must(t, err)
	_, err = conn.Create(path+"-lives", nil, zk.FlagEphemeral, open)
	must(t, err)
	return &writer{conn: conn, path: path}
}

// startWriting lets writers write until stop is called, which waits for them.
func startWriting(writers []*writer) (stop func()) {
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, w := range writers {
		wg.Go(func() { w.write(done) })
	}
	return func() {
		close(done)
		wg.Wait()
	}
}

// write writes until done is closed. A write whose connection broke may have been
// carried out or not.
func (w *writer) write(done <-chan struct{}) {
	for ; ; w.next++ {
		select {
		case <-done:
			return
		case <-time.After(2 * time.Millisecond):
		}
		if _, err := w.conn.Create(fmt.Sprintf("%s/%d", w.path, w.next), nil, 0, open); err == nil {
			w.acked = append(w.acked, w.next)
		}
	}
}

// check wants what was acknowledged on every member, and clears it away.
func (w *writer) check(t *testing.T, e *ensemble) {
	t.Helper()
	if len(w.acked) == 0 {
		t.Errorf("%s: no write was acknowledged", w.path)
	}
	var children []string
	for _, m := range e.members {
		c := dial(t, 20*time.Second, m.addr())
		_, err := c.Sync(w.path)
		must(t, err)
		children, _, err = c.Children(w.path)
		must(t, err)
		there := make(map[string]bool, len(children))
		for _, child := range children {
			there[child] = true
		}
		for _, n := range w.acked {
			if !there[strconv.Itoa(n)] {
				t.Errorf("server %d (%s) lost %s/%d", m.id, m.kind, w.path, n)
			}
		}
		if exists, stat, err := c.Exists(w.path + "-lives"); err != nil || !exists || stat.EphemeralOwner != w.conn.SessionID() {
			t.Errorf("server %d (%s): the ephemeral node of session %#x: %v %+v %v", m.id, m.kind, w.conn.SessionID(), exists, stat, err)
		}
		c.Close()
	}
	w.acked = w.acked[:0]
	c := dial(t, 20*time.Second, strings.Split(e.connect(), ",")...)
	defer c.Close()
	for some := range slices.Chunk(children, 500) {
		ops := make([]any, len(some))
		for i, child := range some {
			ops[i] = &zk.DeleteRequest{Path: w.path + "/" + child, Version: -1}
		}
		if _, err := c.Multi(ops...); err != nil && !errors.Is(err, zk.ErrNoNode) {
			t.Fatal(err)
		}
	}
}
