package host

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"ostler/internal/env"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTestHost returns a host that is closed at the end of the test.
func newTestHost(t testing.TB) *Host {
	t.Helper()
	h := New(slog.New(slog.DiscardHandler))
	t.Cleanup(h.Close)
	return h
}

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// receive waits for a value.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

func TestLoopCoalescesWakesAndStopWaits(t *testing.T) {
	loops := newTestHost(t).Env().Loops
	entered, leave, then := make(chan struct{}), make(chan struct{}), make(chan struct{}, 10)
	var steps atomic.Int32
	l := loops.Start("test", func() func() {
		steps.Add(1)
		entered <- struct{}{}
		<-leave
		return func() { then <- struct{}{} }
	})
	l.Wake()
	receive(t, entered, "the first step")
	for range 5 {
		l.Wake()
	}
	leave <- struct{}{}
	receive(t, then, "what the first step returned")
	receive(t, entered, "the second step")
	stopped := make(chan struct{})
	go func() {
		l.Stop()
		close(stopped)
	}()
	select {
	case <-stopped:
		t.Errorf("Stop returned during a step")
	default:
	}
	leave <- struct{}{}
	receive(t, stopped, "Stop")
	l.Wake()
	l.Stop()
	if got := steps.Load(); got != 2 {
		t.Errorf("%d steps for one wake-up and five during the step, want 2", got)
	}
}

func TestParallelCallsEach(t *testing.T) {
	loops := newTestHost(t).Env().Loops
	for _, n := range []int{0, 1, 100} {
		var calls [100]atomic.Int32
		loops.Parallel(n, func(i int) { calls[i].Add(1) })
		for i := range calls {
			if got, want := int(calls[i].Load()), btoi(i < n); got != want {
				t.Errorf("Parallel(%d) called f(%d) %d times, want %d", n, i, got, want)
			}
		}
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// wakeFunc is a Waker.
type wakeFunc func()

func (f wakeFunc) Wake() { f() }

func TestClockWakesInOrder(t *testing.T) {
	c := newTestHost(t).Env().Clock
	var mu sync.Mutex
	var order []int
	done := make(chan struct{}, 3)
	start := c.Now()
	for _, ms := range []int{30, 10, 20} {
		c.WakeAt(start.Add(time.Duration(ms)*time.Millisecond), wakeFunc(func() {
			if early := start.Add(time.Duration(ms) * time.Millisecond).Sub(c.Now()); early > 0 {
				t.Errorf("the wake-up at %d ms came %v early", ms, early)
			}
			mu.Lock()
			order = append(order, ms)
			mu.Unlock()
			done <- struct{}{}
		}))
	}
	for range 3 {
		receive(t, done, "a wake-up")
	}
	mu.Lock()
	defer mu.Unlock()
	if order[0] > order[1] || order[1] > order[2] {
		t.Errorf("woken in the order %v", order)
	}
}

func TestClockForgetsAtClose(t *testing.T) {
	h := New(slog.New(slog.DiscardHandler))
	h.Env().Clock.WakeAt(time.Now().Add(time.Hour), wakeFunc(func() { t.Errorf("woken after Close") }))
	h.Close()
	if n := len(h.clock.alarms); n != 0 {
		t.Errorf("%d wake-ups are kept after Close", n)
	}
}

func TestFileRoundTrip(t *testing.T) {
	fsys, dir := FS(), t.TempDir()
	name := filepath.Join(dir, "f")
	f, err := fsys.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Preallocate(8192); err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("abc"))
	f.WriteAt([]byte("xyz"), 100)
	if err := errors.Join(f.Sync(), fsys.SyncDir(dir)); err != nil {
		t.Fatal(err)
	}
	if size, _ := f.Size(); size != 8192 {
		t.Errorf("size after Preallocate(8192) is %d", size)
	}
	got := make([]byte, 103)
	f.ReadAt(got, 0)
	if string(got[:3]) != "abc" || string(got[100:]) != "xyz" || got[50] != 0 {
		t.Errorf("read %q", got)
	}
	if err := f.Truncate(3); err != nil {
		t.Fatal(err)
	}
	g, err := fsys.OpenWrite(name)
	if err != nil {
		t.Fatal(err)
	}
	g.Write([]byte("A"))
	g.Close()
	if b, err := env.ReadFile(fsys, name, 10); err != nil || string(b) != "Abc" {
		t.Errorf("ReadFile = %q, %v, want Abc", b, err)
	}
}

func TestFileSystemErrors(t *testing.T) {
	fsys, dir := FS(), t.TempDir()
	_, err := fsys.Open(dir + "/missing")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open of a missing file: %v", err)
	}
	if _, err = fsys.OpenWrite(dir + "/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenWrite of a missing file: %v", err)
	}
	if f, err := fsys.Create("/dev/full"); err == nil {
		if _, err = f.Write([]byte("x")); !errors.Is(err, env.ErrNoSpace) {
			t.Errorf("write to a full device: %v, want ErrNoSpace", err)
		}
		f.Close()
	}
	if n, err := fsys.FreeSpace(dir); err != nil || n <= 0 {
		t.Errorf("FreeSpace = %d, %v", n, err)
	}
}

func TestLockIsExclusive(t *testing.T) {
	fsys, name := FS(), t.TempDir()+"/lock"
	first, err := fsys.Lock(name)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := fsys.Lock(name); !errors.Is(err, env.ErrLocked) {
		t.Errorf("second Lock = %v, %v, want ErrLocked", second, err)
	}
	first.Close()
	third, err := fsys.Lock(name)
	if err != nil {
		t.Fatalf("Lock after Close: %v", err)
	}
	third.Close()
}

func TestListIsSorted(t *testing.T) {
	fsys, dir := FS(), t.TempDir()
	for _, name := range []string{"b", "a", "c"} {
		f, err := fsys.Create(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, name)
		f.Close()
	}
	fsys.MkdirAll(dir + "/d/e")
	if err := errors.Join(fsys.Rename(dir+"/c", dir+"/a"), fsys.Remove(dir+"/b")); err != nil {
		t.Fatal(err)
	}
	got, err := fsys.List(dir)
	if err != nil || len(got) != 2 || got[0] != (env.FileInfo{Name: "a", Size: 1}) || got[1].Name != "d" || !got[1].Dir {
		t.Errorf("List = %+v, %v", got, err)
	}
}
