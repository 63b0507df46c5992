package client_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"ostler/client"
	"ostler/client/clienttest"
	"ostler/internal/zk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testContext ends long before the test runner gives up.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func connect(t *testing.T, s *clienttest.Server, chroot string, o client.Options) *client.Client {
	t.Helper()
	c, err := client.Connect(testContext(t), s.Addr()+chroot, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func next(t *testing.T, w *client.Watch) client.Event {
	t.Helper()
	select {
	case e, ok := <-w.C:
		if !ok {
			t.Fatalf("the watch ended without an event: %v", w.Err())
		}
		return e
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
	}
	panic("not reached")
}

func TestNodes(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, clienttest.New(t), "", client.Options{})
	path, _, err := c.Create(ctx, "/a", []byte("one"), client.CreateOptions{})
	if path != "/a" || err != nil {
		t.Fatalf("Create = %q, %v", path, err)
	}
	if _, _, err := c.Create(ctx, "/a", nil, client.CreateOptions{}); !errors.Is(err, client.NodeExists) {
		t.Errorf("Create again: %v", err)
	}
	if _, err := c.Set(ctx, "/a", []byte("two"), 7); !errors.Is(err, client.BadVersion) {
		t.Errorf("Set with a wrong version: %v", err)
	}
	if stat := must[client.Stat](t)(c.Set(ctx, "/a", []byte("two"), 0)); stat.Version != 1 {
		t.Errorf("version after Set = %d", stat.Version)
	}
	if data, _, err := c.Get(ctx, "/a"); string(data) != "two" || err != nil {
		t.Errorf("Get = %q, %v", data, err)
	}
	for _, name := range []string{"/a/y", "/a/x"} {
		if _, _, err := c.Create(ctx, name, nil, client.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if names, _, err := c.Children(ctx, "/a"); !slices.Equal(names, []string{"x", "y"}) || err != nil {
		t.Errorf("Children = %q, %v", names, err)
	}
	if err := c.Delete(ctx, "/a", client.AnyVersion); !errors.Is(err, client.NotEmpty) {
		t.Errorf("Delete of a parent: %v", err)
	}
	if err := c.Delete(ctx, "/a/x", client.AnyVersion); err != nil {
		t.Error(err)
	}
	if _, found, err := c.Exists(ctx, "/a/x"); found || err != nil {
		t.Errorf("Exists = %v, %v", found, err)
	}
	var refusal *client.Error
	if _, _, err := c.Get(ctx, "/a/x"); !errors.As(err, &refusal) || refusal.Path != "/a/x" || refusal.Op != "getData" {
		t.Errorf("Get of a missing node: %#v", err)
	}
	if err := c.Sync(ctx, "/"); err != nil {
		t.Error(err)
	}
}

func TestPathsAreCheckedBeforeSending(t *testing.T) {
	ctx := testContext(t)
	s := clienttest.New(t)
	c := connect(t, s, "", client.Options{})
	for _, path := range []string{"", "a", "/a/", "//", "/a/../b", "/\x00"} {
		if _, _, err := c.Get(ctx, path); !errors.Is(err, client.BadArguments) {
			t.Errorf("Get(%q): %v", path, err)
		}
	}
	if seen := s.Seen(); len(seen) != 0 {
		t.Errorf("the server saw %v", seen)
	}
	if _, _, err := c.Create(ctx, "/big", make([]byte, 0xfffff), client.CreateOptions{}); !errors.Is(err, client.ErrTooLarge) {
		t.Errorf("a request beyond the limit: %v", err)
	}
}

func TestChroot(t *testing.T) {
	ctx := testContext(t)
	s := clienttest.New(t)
	outer, inner := connect(t, s, "", client.Options{}), connect(t, s, "/app", client.Options{})
	if _, _, err := outer.Create(ctx, "/app", []byte("root"), client.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, w, err := inner.GetW(ctx, "/")
	if err != nil {
		t.Fatal(err)
	}
	path, _, err := inner.Create(ctx, "/n-", nil, client.CreateOptions{Mode: client.PersistentSequential})
	if path != "/n-0000000000" || err != nil {
		t.Errorf("Create = %q, %v", path, err)
	}
	if _, found, err := outer.Exists(ctx, "/app/n-0000000000"); !found || err != nil {
		t.Errorf("the node is not below the chroot: %v", err)
	}
	if _, err := outer.Set(ctx, "/app", nil, client.AnyVersion); err != nil {
		t.Fatal(err)
	}
	if e := next(t, w); e.Path != "/" {
		t.Errorf("event = %+v, want the path /", e)
	}
}

func TestMulti(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, clienttest.New(t), "", client.Options{})
	results, err := c.Multi(ctx, client.CreateOp("/m", nil, client.CreateOptions{}), client.SetOp("/m", []byte("x"), 0))
	if err != nil || len(results) != 2 || results[0].Path != "/m" || results[1].Stat.Version != 1 {
		t.Errorf("Multi = %+v, %v", results, err)
	}
	results, err = c.Multi(ctx, client.DeleteOp("/nope", client.AnyVersion), client.DeleteOp("/m", client.AnyVersion))
	if !errors.Is(err, client.NoNode) || len(results) != 2 || !errors.Is(results[1].Err, zk.RuntimeInconsistency) {
		t.Errorf("Multi = %+v, %v", results, err)
	}
}

func TestWatchFiresOnceAndEnds(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, clienttest.New(t), "", client.Options{})
	_, found, w, err := c.ExistsW(ctx, "/w")
	if found || err != nil {
		t.Fatalf("ExistsW = %v, %v", found, err)
	}
	if _, _, err := c.Create(ctx, "/w", nil, client.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if e := next(t, w); e.Type != client.EventCreated || e.Path != "/w" || e.Zxid <= 0 {
		t.Errorf("event = %+v", e)
	}
	if e, more := <-w.C; more || w.Err() != nil {
		t.Errorf("after its event the watch gave %+v, %v", e, w.Err())
	}
}

// A recorder is an OnEvent that keeps what it hears.
type recorder struct {
	mu     sync.Mutex
	states []client.State
	heard  chan client.State
}

func newRecorder() *recorder { return &recorder{heard: make(chan client.State, 100)} }

func (r *recorder) event(e client.Event) {
	if e.Type != client.EventNone {
		return
	}
	r.mu.Lock()
	r.states = append(r.states, e.State)
	r.mu.Unlock()
	r.heard <- e.State
}

func (r *recorder) wait(t *testing.T, want client.State) {
	t.Helper()
	for {
		select {
		case s := <-r.heard:
			if s == want {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("no state %v", want)
		}
	}
}

func TestReconnectKeepsSessionIdentitiesAndWatches(t *testing.T) {
	ctx := testContext(t)
	s, r := clienttest.New(t), newRecorder()
	c := connect(t, s, "", client.Options{OnEvent: r.event})
	r.wait(t, client.Connected)
	if err := c.AddAuth(ctx, "digest", []byte("bob:pw")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Create(ctx, "/w", nil, client.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, w, err := c.GetW(ctx, "/w")
	if err != nil {
		t.Fatal(err)
	}
	id, before := c.SessionID(), len(s.Seen())
	s.Disconnect()
	r.wait(t, client.Connected)
	if _, err := c.Set(ctx, "/w", []byte("x"), client.AnyVersion); err != nil {
		t.Fatal(err)
	}
	if e := next(t, w); e.Type != client.EventDataChanged {
		t.Errorf("event = %+v", e)
	}
	if c.SessionID() != id {
		t.Errorf("session %v became %v", id, c.SessionID())
	}
	want := []zk.OpCode{zk.OpAuth, zk.OpSetWatches, zk.OpSetData}
	if diff := cmp.Diff(want, s.Seen()[before:]); diff != "" {
		t.Errorf("after the reconnection the server saw (-want +got):\n%s", diff)
	}
}

func TestExpiryIsFinal(t *testing.T) {
	ctx := testContext(t)
	s, r := clienttest.New(t), newRecorder()
	c := connect(t, s, "", client.Options{OnEvent: r.event})
	_, _, w, err := c.ExistsW(ctx, "/w")
	if err != nil {
		t.Fatal(err)
	}
	s.Expire()
	r.wait(t, client.Expired)
	if _, _, err := c.Get(ctx, "/"); !errors.Is(err, client.SessionExpired) {
		t.Errorf("Get after expiry: %v", err)
	}
	if _, more := <-w.C; more || !errors.Is(w.Err(), client.SessionExpired) {
		t.Errorf("the watch ended with %v", w.Err())
	}
}

func TestRefusedIdentityIsFinal(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, clienttest.New(t), "", client.Options{})
	if err := c.AddAuth(ctx, "nosuch", nil); !errors.Is(err, client.AuthFailed) {
		t.Errorf("AddAuth: %v", err)
	}
	if _, _, err := c.Get(ctx, "/"); !errors.Is(err, client.AuthFailed) {
		t.Errorf("Get after it: %v", err)
	}
}

func TestCloseTellsOnlyThat(t *testing.T) {
	s, r := clienttest.New(t), newRecorder()
	c := connect(t, s, "", client.Options{OnEvent: r.event})
	if err := c.Close(testContext(t)); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, _, err := c.Get(testContext(t), "/"); !errors.Is(err, client.ErrClosed) {
		t.Errorf("Get after Close: %v", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if want := []client.State{client.Connected, client.Closed}; !slices.Equal(r.states, want) {
		t.Errorf("states = %v, want %v", r.states, want)
	}
}

func TestNoServer(t *testing.T) {
	c, err := client.New("127.0.0.1:1", client.Options{Patience: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Abandon()
	if _, _, err := c.Get(testContext(t), "/"); !errors.Is(err, client.ConnectionLoss) {
		t.Errorf("Get: %v", err)
	}
}

func TestConnectStrings(t *testing.T) {
	for _, s := range []string{"", ",", "h:abc", "h:70000", "[::1", "h/a/", "h/a//b"} {
		if c, err := client.New(s, client.Options{}); err == nil {
			c.Abandon()
			t.Errorf("%q was accepted", s)
		}
	}
}

func TestManyCallersAtOnce(t *testing.T) {
	ctx := testContext(t)
	c := connect(t, clienttest.New(t), "", client.Options{})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for range 50 {
				if _, _, err := c.Create(ctx, "/n-", nil, client.CreateOptions{Mode: client.PersistentSequential}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if names, _, err := c.Children(ctx, "/"); len(names) != 1000 || err != nil {
		t.Errorf("%d nodes, %v", len(names), err)
	}
}
