package server

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"ostler/internal/config"
	members "ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/throttle"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

func TestConnectionThrottle(t *testing.T) { // 2.3 step 2, 2.15
	r := newRig(t, func(c *config.Config) {
		c.Connections = throttle.BucketOptions{
			Tokens: 2, FillTime: time.Hour, FillCount: 1, FreezeTime: -1,
			Weighted: true, GlobalWeight: 3, LocalWeight: 1, RenewWeight: 2,
		}
	})
	first := r.connect(t) // 3 of 6
	password := zk.Password(first.id)
	again := r.dial(t)
	again.frame(wire.ConnectRequest{Timeout: 5000, Session: first.id, Password: password[:]}) // 2
	again.welcomed()
	for _, c := range []wire.ConnectRequest{
		{Timeout: 5000},
		{Timeout: 5000, LastZxid: 99}, // step 4 would refuse it too
		{Timeout: 5000, Session: first.id, Password: password[:]},
	} {
		cl := r.dial(t)
		cl.frame(c)
		cl.wantEnd()
	}
	if got := r.Stats().Rejected; got != 3 {
		t.Errorf("%d rejected, want 3", got)
	}
	again.request(1, zk.OpPing, nil) // a refused re-attach leaves the session where it is
	again.want(wire.XidPing, -2, zk.OK)
	word := r.dial(t)
	word.raw([]byte("ruok")) // words cost nothing
	if b := word.rest(); b != "ruok from 127.0.0.1" {
		t.Errorf("answer %q", b)
	}
}

func TestConnectionsDroppedAtRandom(t *testing.T) { // operations.md 8.2
	r := newRig(t, func(c *config.Config) {
		c.Connections = throttle.BucketOptions{Tokens: 1, FillTime: time.Hour, FillCount: 1, FreezeTime: 0, DropIncrease: 1}
	})
	r.connect(t)
	eventually(t, "the probability is 1", func() bool {
		c := r.dial(t)
		c.frame(wire.ConnectRequest{Timeout: 5000})
		c.wantEnd()
		return r.Stats().DropProbability == 1
	})
}

func TestLargeRequests(t *testing.T) { // 1.6, operations.md 8.4
	r := newRig(t, func(c *config.Config) { c.LargeThreshold, c.LargeMaxBytes = 1000, 5000 })
	a, b, small := r.connect(t), r.connect(t), r.connect(t)
	used := func() int64 {
		r.largeMu.Lock()
		defer r.largeMu.Unlock()
		return r.large.Used()
	}
	big := strings.Repeat("x", 3000)
	r.ens.hold()
	a.request(1, zk.OpSetData, setBody("/", big))
	eventually(t, "the large request is in", func() bool { return r.ens.waiting() == 1 })
	if n := used(); n <= 3000 || n > 3100 {
		t.Errorf("%d bytes in the account", n)
	}
	b.raw([]byte{0, 0, 0x0b, 0xb8}) // the length alone is enough
	b.wantEnd()
	small.request(1, zk.OpSetData, setBody("/", big[:900]))
	eventually(t, "the small request is in", func() bool { return r.ens.waiting() == 2 })
	r.ens.release(-1)
	a.want(1, -2, zk.OK)
	small.want(1, -2, zk.OK)
	if n := used(); n != 0 {
		t.Errorf("%d bytes in the account, want 0", n)
	}
	a.request(2, zk.OpGetData, readBody("/"+big, false)) // large, and answered at once
	a.want(2, -2, zk.NoNode)
	if n := used(); n != 0 {
		t.Errorf("%d bytes in the account after a read, want 0", n)
	}
	if n := r.Stats().LargeRejected; n != 1 {
		t.Errorf("%d rejected, want 1", n)
	}
}

func TestLargeRequestIsLookedAtTwice(t *testing.T) { // operations.md 8.4
	r := newRig(t, func(c *config.Config) { c.LargeThreshold, c.LargeMaxBytes = 1000, 5000 })
	early, late, again := r.connect(t), r.connect(t), r.connect(t)
	announced := func(c *client) func() bool {
		return func() bool {
			r.mu.Lock()
			attached := r.attached[c.id]
			r.mu.Unlock()
			attached.mu.Lock()
			defer attached.mu.Unlock()
			return attached.announced
		}
	}
	again.raw([]byte{0, 0, 0, 8, 0xff})
	eventually(t, "the first length is looked at", announced(again))
	again.raw([]byte{0xff, 0xff, 0xfe, 0, 0, 0, 11}) // a ping, all told
	again.want(wire.XidPing, -2, zk.OK)
	body := wire.SetDataRequest{Path: "/", Data: make([]byte, 3000), Version: -1}
	frame := wire.AppendFrame(nil, body.Append(wire.RequestHeader{Xid: 1, Op: zk.OpSetData}.Append(nil)))
	late.raw(frame[:2000])
	eventually(t, "the length is looked at", announced(late))
	r.ens.hold()
	early.raw(frame)
	eventually(t, "the other one is in", func() bool { return r.ens.waiting() == 1 })
	late.raw(frame[2000:])
	late.wantEnd()
	again.raw(frame[:4])
	again.wantEnd()
	early.c.Close()
	eventually(t, "its bytes are given back", func() bool { return r.Stats().Connections == 0 && r.large.Used() == 0 })
}

func TestPortsHaveTheirOwnLimits(t *testing.T) { // 2.15: per listening port
	for name, change := range map[string]func(*config.Config){
		"maxClientCnxns=1": func(c *config.Config) { c.MaxClientCnxns = 1 },
		"maxCnxns=1":       func(c *config.Config) { c.MaxCnxns = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			second, err := r.Listen(r.host.Env().Net, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer second.Close()
			r.connect(t)
			first := r.addr
			r.addr = second.Addr().String()
			r.connect(t)
			for _, addr := range []string{first, r.addr} {
				r.addr = addr
				if c, err := r.tryConnect(t); err == nil {
					c.c.Write([]byte("ruok")) // words are hit too; a reset may come first
					c.wantEnd()
				}
			}
			eventually(t, "both are counted", func() bool { return r.Stats().Rejected == 2 })
			eventually(t, "the limit is logged", func() bool { return strings.Contains(r.logged.text(), name) })
		})
	}
}

// xid 0 and below are not counted for back-pressure (2.16, 3.2).
func TestOwnRequestsOfTheLibraryDoNotHoldBack(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.GlobalOutstanding = 1 })
	c := r.connect(t)
	r.ens.hold()
	for i := range int32(5) {
		c.request(-i, zk.OpSetData, setBody("/", "x"))
	}
	eventually(t, "all are let in", func() bool { return r.ens.waiting() == 5 })
	c.request(1, zk.OpSetData, setBody("/", "x"))
	c.request(2, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the first counted one is let in", func() bool { return r.ens.waiting() == 6 })
	r.ens.release(-1)
	for _, xid := range []int32{0, -1, -2, -3, -4, 1, 2} {
		c.want(xid, -2, zk.OK)
	}
}

func TestOutstandingLimitOfAnEnsemble(t *testing.T) { // 2.16; operations.md 1.4: observers use it whole
	for _, c := range []struct {
		voters   int
		observer bool
		want     int64
	}{{0, false, 100}, {1, false, 100}, {2, false, 100}, {3, false, 50}, {5, false, 25}, {5, true, 100}, {200, false, 1}} {
		cfg := testConfig()
		cfg.GlobalOutstanding, cfg.Observer = 100, c.observer
		if c.voters > 0 {
			cfg.Ensemble = &members.Config{Members: map[zk.ServerID]members.Member{}}
			for id := range zk.ServerID(c.voters) {
				cfg.Ensemble.Members[id] = members.Member{ID: id}
			}
		}
		if got := newLimits(cfg).outstanding; got != c.want {
			t.Errorf("%d voters, observer %v: limit %d, want %d", c.voters, c.observer, got, c.want)
		}
	}
}

// A paused connection goes on once its own requests are answered, even if others
// keep the server above its limit (2.16, INV-L3).
func TestPausedConnectionIsNotStuck(t *testing.T) {
	r := newRig(t, func(c *config.Config) { c.GlobalOutstanding = 2 })
	c, busy := r.connect(t), []*client{r.connect(t), r.connect(t), r.connect(t), r.connect(t)}
	r.ens.hold()
	c.request(1, zk.OpSetData, setBody("/", "x"))
	eventually(t, "its request is in", func() bool { return r.ens.waiting() == 1 })
	for i, b := range busy {
		b.request(1, zk.OpSetData, setBody("/", "x"))
		eventually(t, "theirs are in", func() bool { return r.ens.waiting() == i+2 })
	}
	c.request(2, zk.OpGetData, readBody("/", false))
	c.request(3, zk.OpSetData, setBody("/", "x"))
	r.ens.release(1)
	c.want(1, -2, zk.OK)
	c.want(2, -2, zk.OK)
	eventually(t, "its next is in", func() bool { return r.ens.waiting() == 5 })
	if n := r.outstanding.Load(); n != 5 {
		t.Errorf("%d are outstanding, want 5, above the limit", n)
	}
	r.ens.release(-1)
	c.want(3, -2, zk.OK)
	for _, b := range busy {
		b.want(1, -2, zk.OK)
	}
}

func TestFrameTooLongIsExplained(t *testing.T) { // operations.md 8.4
	r := newRig(t, nil)
	c := r.connect(t)
	frame := binary.BigEndian.AppendUint32(nil, 0x10_0000)
	c.raw(wire.RequestHeader{Xid: 1, Op: zk.OpSetData}.Append(frame))
	c.wantEnd()
	for _, want := range []string{"jute.maxbuffer=1048575", "bytes=1048576", "session=" + c.id.String(), "op=" + zk.OpSetData.String()} {
		if !strings.Contains(r.logged.text(), want) {
			t.Errorf("log has no %q:\n%s", want, r.logged.text())
		}
	}
}

// stopped is a clock for which no time passes.
type stopped struct {
	env.Clock
	now time.Time
}

func (s *stopped) Now() time.Time { return s.now }

func TestRareLines(t *testing.T) { // operations.md 8.1
	r := newRig(t, nil)
	clock := &stopped{r.clock, time.Unix(1, 0)}
	r.clock = clock
	for range 3 {
		r.warn(&r.rare.refused, "full")
		r.warn(&r.rare.frame, "long")
	}
	clock.now = clock.now.Add(rareInterval)
	r.warn(&r.rare.refused, "full")
	var lines []string
	for line := range strings.Lines(r.logged.text()) {
		_, line, _ = strings.Cut(line, "msg=")
		lines = append(lines, strings.TrimSpace(line))
	}
	if got, want := strings.Join(lines, "; "), "full; long; full more=2"; got != want {
		t.Errorf("logged %s, want %s", got, want)
	}
}
