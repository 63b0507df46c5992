//go:build interop

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ostler/test/proc"
)

// fill creates nodes name/0 … on a server.
func fill(t *testing.T, m *member, name string, n int) {
	t.Helper()
	c := dial(t, 20*time.Second, m.addr())
	defer c.Close()
	_, err := c.Create(name, nil, 0, open)
	must(t, err)
	for i := range n {
		_, err := c.Create(fmt.Sprintf("%s/%d", name, i), fmt.Appendf(nil, "%s %d", name, i), 0, open)
		must(t, err)
	}
}

// wantFilled reads what fill created, after a sync.
func wantFilled(t *testing.T, m *member, name string, n int) {
	t.Helper()
	c := dial(t, 20*time.Second, m.addr())
	defer c.Close()
	_, err := c.Sync("/")
	must(t, err)
	for i := range n {
		data, _, err := c.Get(fmt.Sprintf("%s/%d", name, i))
		if err != nil {
			t.Fatalf("server %d (%s): %s/%d: %v\n%s", m.id, m.kind, name, i, err, m.tail())
		}
		if want := fmt.Sprintf("%s %d", name, i); string(data) != want {
			t.Fatalf("server %d (%s): %s/%d holds %q, want %q", m.id, m.kind, name, i, data, want)
		}
	}
}

// mixed starts two servers of one kind with a third of another kind not running.
func mixed(t *testing.T, two, third proc.Kind) *ensemble {
	t.Helper()
	e := newEnsemble(t, two, two, third)
	// The third is to find a formed ensemble, which would else wait for it
	// (decisions.md 2).
	e.extra = "db.autocreate=true\n"
	e.configure()
	e.members[0].start()
	e.members[1].start()
	e.members[0].waitMode()
	e.members[1].waitMode()
	return e
}

// TestOstlerJoinsApacheByDiff: the joiner was away for a few transactions.
func TestOstlerJoinsApacheByDiff(t *testing.T) {
	e := mixed(t, apache, ostler)
	joiner := e.members[2]
	joiner.start()
	if mode := joiner.waitMode(); mode != "follower" {
		t.Fatalf("the joiner is %s, want follower", mode)
	}
	fill(t, joiner, "/before", 10)
	joiner.stop()
	fill(t, e.members[0], "/away", 20)
	joiner.start()
	joiner.waitMode()
	wantFilled(t, joiner, "/before", 10)
	wantFilled(t, joiner, "/away", 20)
	fill(t, joiner, "/through", 10)
	for _, m := range e.members {
		wantFilled(t, m, "/through", 10)
	}
	if log := joiner.tail(); !strings.Contains(log, "DIFF") {
		t.Errorf("the joiner was not brought up to date by DIFF:\n%s", log)
	}
}

// TestOstlerJoinsApacheBySnap: the joiner is new, and the ensemble has more than
// the leader keeps in memory.
func TestOstlerJoinsApacheBySnap(t *testing.T) {
	e := mixed(t, apache, ostler)
	fill(t, e.members[0], "/old", 700)
	joiner := e.members[2]
	joiner.start()
	if mode := joiner.waitMode(); mode != "follower" {
		t.Fatalf("the joiner is %s, want follower", mode)
	}
	wantFilled(t, joiner, "/old", 700)
	fill(t, joiner, "/through", 10)
	for _, m := range e.members {
		wantFilled(t, m, "/through", 10)
	}
	if log := joiner.tail(); !strings.Contains(log, "SNAP") {
		t.Errorf("the joiner was not brought up to date by SNAP:\n%s", log)
	}
}

// TestApacheJoinsOstler: an Apache follower behind an Ostler leader.
func TestApacheJoinsOstler(t *testing.T) {
	e := mixed(t, ostler, apache)
	fill(t, e.members[0], "/old", 30)
	joiner := e.members[2]
	joiner.start()
	if mode := joiner.waitMode(); mode != "follower" {
		t.Fatalf("the joiner is %s, want follower", mode)
	}
	wantFilled(t, joiner, "/old", 30)
	fill(t, joiner, "/through", 10)
	for _, m := range e.members {
		wantFilled(t, m, "/through", 10)
	}
	// It goes away and comes back, by DIFF.
	joiner.kill()
	fill(t, e.members[1], "/away", 20)
	joiner.start()
	joiner.waitMode()
	wantFilled(t, joiner, "/away", 20)
	if n := joiner.mismatches(); n != "0" {
		t.Errorf("the Apache follower counted %s digest mismatches, want 0", n)
	}
}

// TestDirectoriesAreExchangeable: a directory goes from Apache to Ostler and back.
func TestDirectoriesAreExchangeable(t *testing.T) {
	e := newEnsemble(t, apache)
	m := e.members[0]
	m.start()
	m.waitMode()
	fill(t, m, "/by-apache", 20)
	m.kill()

	m.kind = ostler
	m.start()
	m.waitMode()
	wantFilled(t, m, "/by-apache", 20)
	fill(t, m, "/by-ostler", 20)
	m.kill()

	m.kind = apache
	m.start()
	m.waitMode()
	wantFilled(t, m, "/by-apache", 20)
	wantFilled(t, m, "/by-ostler", 20)
	if n := m.mismatches(); n != "0" {
		t.Errorf("Apache counted %s digest mismatches on Ostler's log, want 0", n)
	}
	m.stop()
	entries, err := os.ReadDir(filepath.Join(m.dir, "version-2"))
	must(t, err)
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".tmp") {
			t.Errorf("left over: %s", entry.Name())
		}
	}
}
