//go:build interop

package interop

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"

	"ostler/test/proc"
)

// quiet drops what the client library would print.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// dial connects the Go client library to addresses and waits for a session.
func dial(t testing.TB, timeout time.Duration, addrs ...string) *zk.Conn {
	t.Helper()
	c, events, err := zk.Connect(addrs, timeout, zk.WithLogger(quiet{}), zk.WithLogInfo(false))
	must(t, err)
	t.Cleanup(c.Close)
	for deadline := time.After(startLimit); ; {
		select {
		case e := <-events:
			if e.State == zk.StateHasSession {
				go func() {
					for range events {
					}
				}()
				return c
			}
		case <-deadline:
			t.Fatalf("no session with %v", addrs)
		}
	}
}

var open = zk.WorldACL(zk.PermAll)

func TestGoClientAgainstThreeServers(t *testing.T) {
	e := newEnsemble(t, ostler, ostler, ostler)
	e.startAll()
	conns := make([]*zk.Conn, 3)
	for i, m := range e.members {
		conns[i] = dial(t, 10*time.Second, m.addr())
	}

	t.Run("what one writes all read", func(t *testing.T) {
		_, err := conns[0].Create("/a", []byte("one"), 0, open)
		must(t, err)
		for i, c := range conns {
			_, err := c.Sync("/a")
			must(t, err)
			data, stat, err := c.Get("/a")
			must(t, err)
			if string(data) != "one" || stat.Version != 0 {
				t.Errorf("server %d: data %q version %d, want one, 0", i+1, data, stat.Version)
			}
		}
	})

	t.Run("versions", func(t *testing.T) {
		_, err := conns[1].Set("/a", []byte("two"), 0)
		must(t, err)
		if _, err := conns[2].Set("/a", []byte("three"), 0); !errors.Is(err, zk.ErrBadVersion) {
			t.Errorf("set with an old version: %v, want bad version", err)
		}
	})

	t.Run("a watch fires on another server", func(t *testing.T) {
		_, _, events, err := conns[2].GetW("/a")
		must(t, err)
		_, err = conns[0].Set("/a", []byte("x"), -1)
		must(t, err)
		wantEvent(t, events, zk.EventNodeDataChanged, "/a")
	})

	t.Run("ephemerals end with their session", func(t *testing.T) {
		owner := dial(t, 10*time.Second, e.members[1].addr())
		_, err := owner.Create("/eph", nil, zk.FlagEphemeral, open)
		must(t, err)
		_, err = conns[0].Sync("/eph")
		must(t, err)
		exists, _, events, err := conns[0].ExistsW("/eph")
		must(t, err)
		if !exists {
			t.Fatal("the ephemeral node is not there")
		}
		owner.Close()
		wantEvent(t, events, zk.EventNodeDeleted, "/eph")
	})

	t.Run("sequential names rise", func(t *testing.T) {
		_, err := conns[0].Create("/seq", nil, 0, open)
		must(t, err)
		var names []string
		for i := range 12 {
			name, err := conns[i%3].Create("/seq/n-", nil, zk.FlagSequence, open)
			must(t, err)
			names = append(names, name)
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("names %v", names)
		}
	})

	t.Run("multi is all or nothing", func(t *testing.T) {
		_, err := conns[0].Multi(
			&zk.CreateRequest{Path: "/m1", Acl: open},
			&zk.SetDataRequest{Path: "/m1", Data: []byte("v"), Version: 0},
			&zk.CreateRequest{Path: "/m1/child", Acl: open})
		must(t, err)
		_, err = conns[0].Multi(
			&zk.CreateRequest{Path: "/m2", Acl: open},
			&zk.CheckVersionRequest{Path: "/m1", Version: 7})
		if !errors.Is(err, zk.ErrBadVersion) {
			t.Errorf("a multi with a wrong check: %v, want bad version", err)
		}
		if exists, _, err := conns[0].Exists("/m2"); err != nil || exists {
			t.Errorf("/m2 of a failed multi: exists %v, %v", exists, err)
		}
	})

	t.Run("digest ACLs hold", func(t *testing.T) {
		owner := dial(t, 10*time.Second, e.members[2].addr())
		must(t, owner.AddAuth("digest", []byte("bob:pw")))
		_, err := owner.Create("/mine", []byte("s"), 0, zk.AuthACL(zk.PermAll))
		must(t, err)
		_, err = conns[0].Sync("/mine")
		must(t, err)
		if _, _, err := conns[0].Get("/mine"); !errors.Is(err, zk.ErrNoAuth) {
			t.Errorf("another's read: %v, want no auth", err)
		}
	})
}

func wantEvent(t *testing.T, events <-chan zk.Event, kind zk.EventType, path string) {
	t.Helper()
	select {
	case e := <-events:
		if e.Type != kind || e.Path != path {
			t.Errorf("event %v %s, want %v %s", e.Type, e.Path, kind, path)
		}
	case <-time.After(20 * time.Second):
		t.Errorf("no event; want %v %s", kind, path)
	}
}

// TestKilledLeader kills the leader under load, again and again: what was
// acknowledged must be there, and the session must live on.
func TestKilledLeader(t *testing.T) {
	t.Run("Ostlers", func(t *testing.T) { killLeaders(t, ostler, ostler, ostler) })
	t.Run("Ostler among Apaches", func(t *testing.T) { killLeaders(t, apache, ostler, apache) })
	t.Run("Apache among Ostlers", func(t *testing.T) { killLeaders(t, ostler, apache, ostler) })
}

func killLeaders(t *testing.T, kinds ...proc.Kind) {
	e := newEnsemble(t, kinds...)
	e.startAll()
	c := dial(t, 30*time.Second, e.members[0].addr(), e.members[1].addr(), e.members[2].addr())
	_, err := c.Create("/load", nil, 0, open)
	must(t, err)
	_, err = c.Create("/mine", nil, zk.FlagEphemeral, open)
	must(t, err)
	session := c.SessionID()

	acked := make(chan string, 100_000)
	var stop atomic.Bool
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		for i := 0; !stop.Load(); i++ {
			path := fmt.Sprintf("/load/%06d", i)
			if _, err := c.Create(path, []byte(path), 0, open); err == nil {
				acked <- path
			}
		}
	}()
	for range 3 {
		time.Sleep(500 * time.Millisecond) // let load build up; nothing is asserted on it
		leader := e.leader()
		leader.kill()
		proc.Eventually(t, "a new leader", func() bool {
			return slices.ContainsFunc(e.members, func(m *member) bool { return m.process != nil && m.mode() == "leader" })
		}, e.members[0].tail, e.members[1].tail, e.members[2].tail)
		leader.start()
		leader.waitMode()
	}
	stop.Store(true)
	<-finished
	close(acked)
	if c.SessionID() != session {
		t.Errorf("session 0x%x became 0x%x", session, c.SessionID())
	}
	n := 0
	for path := range acked {
		n++
		var data []byte
		proc.Eventually(t, "a read of "+path, func() bool {
			var err error
			data, _, err = c.Get(path)
			if errors.Is(err, zk.ErrNoNode) {
				t.Fatalf("acknowledged %s is lost", path)
			}
			return err == nil
		})
		if string(data) != path {
			t.Fatalf("%s holds %q", path, data)
		}
	}
	if n == 0 {
		t.Fatal("nothing was acknowledged")
	}
	if exists, _, err := c.Exists("/mine"); err != nil || !exists {
		t.Errorf("the ephemeral of a live session: exists %v, %v", exists, err)
	}
	t.Logf("%d acknowledged creates, 3 leaders killed", n)
}

func TestRestartOfAll(t *testing.T) {
	e := newEnsemble(t, ostler, ostler, ostler)
	e.startAll()
	c := dial(t, 30*time.Second, e.members[0].addr())
	for i := range 50 {
		_, err := c.Create(fmt.Sprintf("/n%02d", i), []byte{byte(i)}, 0, open)
		must(t, err)
	}
	c.Close()
	for _, m := range e.members {
		if code := m.stop(); code != 0 {
			t.Errorf("server %d ended with %d on SIGTERM, want 0\n%s", m.id, code, m.tail())
		}
	}
	e.startAll()
	for _, m := range e.members {
		c := dial(t, 30*time.Second, m.addr())
		for i := range 50 {
			data, _, err := c.Get(fmt.Sprintf("/n%02d", i))
			must(t, err)
			if len(data) != 1 || data[0] != byte(i) {
				t.Errorf("server %d: /n%02d holds %v", m.id, i, data)
			}
		}
		c.Close()
	}
}
