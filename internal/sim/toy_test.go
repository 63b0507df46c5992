package sim

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"ostler/internal/env"
)

// A toy is a server that counts: each byte sent to it adds one, and is answered
// with the new count, which is on disk by then. The tests of the world run
// it before anything serious runs there.
type toy struct {
	env   env.Env
	early bool // answers before the sync: the bug that the world must catch
	tells bool // sends in the middle of a step, after file calls

	loop    env.Loop
	inbox   env.Inbox[env.Stream]
	file    env.File
	count   uint64
	stopped bool
}

func newToy(early, tells bool) Factory {
	return func(e env.Env) (Server, error) {
		t := &toy{env: e, early: early, tells: tells}
		return t, t.load()
	}
}

func (t *toy) load() error {
	if err := t.env.FS.MkdirAll("/data"); err != nil {
		return err
	}
	b, err := env.ReadFile(t.env.FS, "/data/count", 1<<20)
	if err == nil {
		for ; len(b) >= 8; b = b[8:] {
			t.count = max(t.count, binary.BigEndian.Uint64(b))
		}
	}
	t.file, err = t.env.FS.Create("/data/count.new")
	if err != nil {
		return err
	}
	if err := t.write(); err != nil {
		return err
	}
	if err := t.file.Sync(); err != nil {
		return err
	}
	if err := t.env.FS.Rename("/data/count.new", "/data/count"); err != nil {
		return err
	}
	return errors.Join(t.env.FS.SyncDir("/data"), t.env.FS.SyncDir("/"))
}

func (t *toy) write() error {
	_, err := t.file.Write(binary.BigEndian.AppendUint64(nil, t.count))
	return err
}

// Start implements Server.
func (t *toy) Start() error {
	t.loop = t.env.Loops.Start("count", t.step)
	t.inbox.Init(t.loop)
	_, err := t.env.Net.Listen(":7", env.StreamOptions{}, func(s env.Stream) env.Handler { return &toyConn{t, s} })
	return err
}

// Stop implements Server.
func (t *toy) Stop() { t.stopped = true }

func (t *toy) step() func() {
	asked := append([]env.Stream(nil), t.inbox.Take()...)
	from := t.count
	answer := func() {
		for i, s := range asked {
			s.Send(binary.BigEndian.AppendUint64(nil, from+uint64(i)+1))
		}
	}
	t.count += uint64(len(asked))
	if t.early {
		answer()
	}
	if err := errors.Join(t.write(), t.file.Sync()); err != nil {
		panic(err)
	}
	switch {
	case t.tells:
		answer()
	case !t.early:
		return answer
	}
	return nil
}

type toyConn struct {
	t *toy
	s env.Stream
}

func (c *toyConn) Data(b []byte) (int, error) {
	for range b {
		c.t.inbox.Put(c.s)
	}
	return len(b), nil
}

func (c *toyConn) Writable()    {}
func (c *toyConn) Closed(error) {}

// A toyClient asks one server over and over, and checks that counts only grow.
type toyClient struct {
	w       *World
	env     env.Env
	loop    env.Loop
	stream  env.Stream
	last    uint64
	answers int
	rest    []byte
	errs    []error
}

func (c *toyClient) Start() error {
	c.loop = c.env.Loops.Start("ask", c.ask)
	c.loop.Wake()
	return nil
}

func (c *toyClient) Stop() {}

func (c *toyClient) ask() func() {
	if c.stream == nil {
		c.env.Net.Dial("server:7", time.Second, env.StreamOptions{}, func(s env.Stream, err error) env.Handler {
			if err != nil {
				c.again(err)
				return nil
			}
			c.stream = s
			s.SetReadTimeout(2 * time.Second)
			s.Send([]byte{1})
			return c
		})
		return nil
	}
	c.stream.Send([]byte{1})
	return nil
}

func (c *toyClient) again(err error) {
	c.errs = append(c.errs, err)
	c.stream, c.rest = nil, nil
	c.env.Clock.WakeAt(c.env.Clock.Now().Add(50*time.Millisecond), c.loop)
}

func (c *toyClient) Data(b []byte) (int, error) {
	n := 0
	for ; len(b)-n >= 8; n += 8 {
		v := binary.BigEndian.Uint64(b[n:])
		if v <= c.last {
			c.w.Failf("count %d was answered after %d", v, c.last)
		}
		c.last = v
		c.answers++
		c.env.Clock.WakeAt(c.env.Clock.Now().Add(10*time.Millisecond), c.loop)
	}
	return n, nil
}

func (c *toyClient) Writable()        {}
func (c *toyClient) Closed(err error) { c.again(err) }

// toyWorld makes a world with one counting server and one client.
func toyWorld(seed uint64, early, tells bool) (*World, *Machine, *toyClient) {
	w := New(Options{Seed: seed})
	server := w.AddMachine("server", newToy(early, tells))
	client := &toyClient{w: w}
	cm := w.AddMachine("client", func(e env.Env) (Server, error) {
		client.env = e
		return client, nil
	})
	server.Boot()
	cm.Boot()
	return w, server, client
}

// crashes turns the power off and on n times.
func crashes(w *World, m *Machine, n int) {
	for i := range n {
		w.After(time.Duration(i+1)*time.Second, func() { m.EndIn(50*time.Millisecond, true) })
		w.After(time.Duration(i+1)*time.Second+300*time.Millisecond, m.Boot)
	}
}

func TestAHonestServerSurvivesLossOfPower(t *testing.T) {
	for seed := range uint64(30) {
		w, server, client := toyWorld(seed, false, false)
		crashes(w, server, 8)
		w.Run(10 * time.Second)
		if f := w.Failure(); f != nil {
			t.Fatalf("seed %d: %v\n%s", seed, f, w.TraceTail())
		}
		if client.answers < 100 {
			t.Errorf("seed %d: %d answers in 10 s, want at least 100", seed, client.answers)
		}
	}
}

func TestAcknowledgingBeforeTheSyncIsCaught(t *testing.T) {
	caught := 0
	for seed := range uint64(30) {
		w, server, _ := toyWorld(seed, true, false)
		crashes(w, server, 8)
		w.Run(10 * time.Second)
		if f := w.Failure(); f != nil {
			if !strings.Contains(f.What, "was answered after") {
				t.Fatalf("seed %d: %v", seed, f)
			}
			caught++
		}
	}
	if caught == 0 {
		t.Error("no seed of 30 caught a server that answers before it syncs")
	}
}

func TestTellingAfterFileCallsInTheSameStepIsReported(t *testing.T) {
	w, _, _ := toyWorld(1, false, true)
	w.Run(time.Second)
	if f := w.Failure(); f == nil || !strings.Contains(f.What, "after blocking file calls") {
		t.Errorf("got failure %v, want one about blocking file calls", f)
	}
}

func TestACrashInTheMiddleOfFileCalls(t *testing.T) {
	for n := 1; n < 40; n++ {
		w, server, client := toyWorld(uint64(n), false, false)
		w.After(100*time.Millisecond, func() { server.CrashAtFileCall(n, n%2 == 0) })
		reboots := 0
		server.Exited = func(err error) {
			if !errors.Is(err, ErrCrashed) {
				t.Errorf("exited with %v, want %v", err, ErrCrashed)
			}
			reboots++
			w.After(200*time.Millisecond, server.Boot)
		}
		w.Run(3 * time.Second)
		if f := w.Failure(); f != nil {
			t.Fatalf("crash at call %d: %v\n%s", n, f, w.TraceTail())
		}
		if reboots != 1 || client.answers < 50 {
			t.Errorf("crash at call %d: %d crashes, %d answers; want 1, at least 50", n, reboots, client.answers)
		}
	}
}

func TestOneSeedIsOneRun(t *testing.T) {
	run := func(seed uint64) uint64 {
		w, server, _ := toyWorld(seed, false, false)
		crashes(w, server, 3)
		w.Run(5 * time.Second)
		return w.TraceHash()
	}
	if a, b := run(7), run(7); a != b {
		t.Errorf("seed 7 gave traces %x and %x", a, b)
	}
	if a, b := run(7), run(8); a == b {
		t.Errorf("seeds 7 and 8 gave the same trace %x", a)
	}
}

func TestAPanicIsAFailure(t *testing.T) {
	w := New(Options{Seed: 1})
	m := w.AddMachine("server", func(e env.Env) (Server, error) {
		l := e.Loops.Start("bad", func() func() { panic("broken invariant") })
		l.Wake()
		return nopServer{}, nil
	})
	m.Boot()
	w.Run(time.Second)
	if f := w.Failure(); f == nil || !strings.Contains(f.What, "broken invariant") {
		t.Errorf("got failure %v, want the panic", f)
	}
}

type nopServer struct{}

func (nopServer) Start() error { return nil }
func (nopServer) Stop()        {}

func TestAPausedProcessDoesNothingAndMissesNothing(t *testing.T) {
	w, server, client := toyWorld(11, false, false)
	w.Run(time.Second)
	server.Pause(time.Second)
	w.Run(20 * time.Millisecond)
	before := client.answers
	w.Run(900 * time.Millisecond)
	if client.answers != before {
		t.Errorf("%d answers during a pause, want none", client.answers-before)
	}
	w.Run(time.Second)
	if client.answers <= before || len(client.errs) > 0 {
		t.Errorf("after the pause %d more answers, errors %v; want more, none", client.answers-before, client.errs)
	}
}

func BenchmarkEvents(b *testing.B) {
	w, server, _ := toyWorld(1, false, false)
	crashes(w, server, 3)
	start := w.Events()
	for b.Loop() {
		w.Run(100 * time.Millisecond)
	}
	b.ReportMetric(float64(w.Events()-start)/b.Elapsed().Seconds(), "events/s")
}
