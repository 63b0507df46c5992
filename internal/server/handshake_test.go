package server

import (
	"encoding/hex"
	"io"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/throttle"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

func TestNewSession(t *testing.T) { // 2.2, 2.4, 2.7
	r := newRig(t, nil)
	for _, c := range []struct{ wanted, negotiated int32 }{{10000, 10000}, {0, 2000}, {-5, 2000}, {1 << 30, 20000}} {
		for _, readOnly := range []bool{true, false} {
			cl := r.dial(t)
			cl.frame(wire.ConnectRequest{Timeout: c.wanted, HasReadOnly: readOnly})
			b := cl.next()
			var got wire.ConnectResponse
			if err := got.Decode(b); err != nil {
				t.Fatal(err)
			}
			want := zk.Password(got.Session)
			if got.Timeout != c.negotiated || got.Session == 0 || string(got.Password) != string(want[:]) {
				t.Errorf("timeout %d: got %+v", c.wanted, got)
			}
			if wantLen := 36 + map[bool]int{true: 1}[readOnly]; len(b) != wantLen {
				t.Errorf("response to a request with readOnly=%v has %d bytes, want %d", readOnly, len(b), wantLen)
			}
		}
	}
}

func TestPipelinedBehindConnect(t *testing.T) { // 1.4
	r := newRig(t, nil)
	r.ens.hold()
	c := r.dial(t)
	c.frame(wire.ConnectRequest{Timeout: 10000})
	c.request(1, zk.OpCreate, createBody("/a", "x"))
	c.request(2, zk.OpGetData, readBody("/a", false))
	eventually(t, "createSession is submitted", func() bool { return r.ens.waiting() == 1 })
	r.ens.release(-1)
	c.welcomed()
	c.want(1, 2, zk.OK)
	c.want(2, 2, zk.OK)
}

func TestReattach(t *testing.T) { // 2.8
	r := newRig(t, nil)
	first := r.connect(t)
	pw := zk.Password(first.id)
	wrong := r.dial(t)
	wrong.frame(wire.ConnectRequest{Timeout: 10000, Session: first.id, Password: make([]byte, 16), HasReadOnly: true})
	if got := hex.EncodeToString(wrong.next()); got != "0000000000000000000000000000000000000010"+"0000000000000000000000000000000000" {
		t.Errorf("refused response is %s", got)
	}
	wrong.wantEnd()
	first.request(1, zk.OpPing, nil) // H7: it is still there
	first.want(wire.XidPing, 1, zk.OK)

	second := r.dial(t)
	second.frame(wire.ConnectRequest{Timeout: 5000, Session: first.id, Password: pw[:]})
	if got := second.welcomed(); got.Session != first.id || got.Timeout != 5000 {
		t.Errorf("re-attach answered %+v", got)
	}
	first.wantEnd()
	second.request(7, zk.OpExists, readBody("/", false))
	second.want(7, 1, zk.OK)

	unknown := zk.Password(77)
	third := r.dial(t)
	third.frame(wire.ConnectRequest{Timeout: 5000, Session: 77, Password: unknown[:]})
	if got := third.welcomed(); got.Session != 0 || got.Timeout != 0 {
		t.Errorf("an unknown session was answered %+v", got)
	}
	third.wantEnd()
}

func TestRefusedWithoutAByte(t *testing.T) { // 1.6, 2.3, 2.17
	for name, send := range map[string]func(c *client){
		"later zxid":       func(c *client) { c.frame(wire.ConnectRequest{LastZxid: 5}) },
		"frame too long":   func(c *client) { c.raw([]byte{0, 0x10, 0, 0}) },
		"negative length":  func(c *client) { c.raw([]byte{0xff, 0xff, 0xff, 0xff}) },
		"short first":      func(c *client) { c.raw([]byte{0, 0, 0, 2, 1, 2}) },
		"empty first":      func(c *client) { c.raw([]byte{0, 0, 0, 0}) },
		"password missing": func(c *client) { c.raw(append([]byte{0, 0, 0, 24}, make([]byte, 24)...)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newRig(t, nil).dial(t)
			send(c)
			c.wantEnd()
		})
	}
	r := newRig(t, nil)
	r.SetService(zk.NoService, r.ens.tree, 1)
	c := r.dial(t)
	c.frame(wire.ConnectRequest{})
	c.wantEnd()
}

func TestWhoComesDuringAnElectionWaits(t *testing.T) { // 2.17
	r := newRig(t, nil)
	r.SetService(zk.NoService, r.ens.tree, 1)
	c := r.dial(t)
	c.frame(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16)})
	eventually(t, "the client waits", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.porch.waiting) == 1
	})
	r.SetService(zk.FullService, r.ens.tree, 1)
	c.welcomed()
	c.request(1, zk.OpPing, nil)
	c.want(wire.XidPing, 1, zk.OK)
}

// The doors close while a client is just on its way in: it must not be let in by a
// server that has no leader to ask, as nobody would ever answer it (INV-L3).
func TestDoorsThatCloseBehindAClient(t *testing.T) { // 2.3, 2.17
	for name, session := range map[string]zk.SessionID{"a new session": 0, "an old one": 0x100000000000001} {
		t.Run(name, func(t *testing.T) {
			// The throttle asks for a random number between the door and the session.
			r := newRig(t, func(c *config.Config) {
				c.Connections = throttle.BucketOptions{Tokens: 10, FillTime: time.Hour, FillCount: 1, FreezeTime: 0}
			})
			r.rate.mu.Lock()
			r.rate.random = func() float64 {
				r.SetService(zk.NoService, r.ens.tree, 1)
				return 1
			}
			r.rate.mu.Unlock()
			r.ens.hold() // what is submitted now is dropped by a replica that does not serve
			password := zk.Password(session)
			c := r.dial(t)
			c.frame(wire.ConnectRequest{Timeout: 10000, Session: session, Password: password[:]})
			c.wantEnd()
			if n := r.ens.waiting(); n != 0 {
				t.Errorf("%d requests were submitted without a leader", n)
			}
		})
	}
}

func TestNotServingClosesAndComesBack(t *testing.T) { // 2.17
	r := newRig(t, nil)
	c := r.connect(t)
	r.SetService(zk.NoService, r.ens.tree, 1)
	c.wantEnd()
	r.SetService(zk.FullService, r.ens.tree, 1)
	r.connect(t)
}

func TestFourLetterWords(t *testing.T) { // 1.5
	r := newRig(t, nil)
	r.SetService(zk.NoService, r.ens.tree, 1)
	c := r.dial(t)
	c.raw([]byte("ruok"))
	if b, err := io.ReadAll(c.r); string(b) != "ruok from 127.0.0.1" {
		t.Errorf("answer %q, %v", b, err)
	}
}

func TestConnectionLimits(t *testing.T) { // 2.15
	for name, change := range map[string]func(*config.Config){
		"per address": func(c *config.Config) { c.MaxClientCnxns = 2 },
		"in all":      func(c *config.Config) { c.MaxCnxns = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, change)
			a := r.connect(t)
			r.connect(t)
			third, err := r.tryConnect(t)
			if err == nil {
				third.wantEnd()
			}
			a.c.Close()
			eventually(t, "the first connection is gone", func() bool { return r.Stats().Connections == 1 })
			r.connect(t)
			if got := r.Stats().Rejected; got != 1 {
				t.Errorf("%d rejected, want 1", got)
			}
		})
	}
}

// tryConnect dials where the reset may come before the dial returns.
func (r *rig) tryConnect(t *testing.T) (*client, error) {
	c, err := dialRaw(r.addr)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return newClient(t, c), nil
}

func TestSessionlessConnectionIsClosed(t *testing.T) { // 2.9
	r := newRig(t, func(c *config.Config) { c.SessionlessTimeout = 50 * time.Millisecond })
	stay := r.connect(t)
	c := r.dial(t)
	c.raw([]byte{0, 0})
	c.wantEnd()
	stay.request(1, zk.OpPing, nil)
	stay.want(wire.XidPing, 1, zk.OK)
}

func TestExpiredSessionIsClosed(t *testing.T) { // 2.9
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.do(func() { r.ens.apply(c.id, 0, zk.OpCloseSession, &txn.CloseSession{}) })
	c.wantEnd()
}

func TestMovedSessionIsClosed(t *testing.T) { // 2.12
	r := newRig(t, nil)
	c := r.connect(t)
	r.ens.do(func() { r.Moved(c.id) })
	c.wantEnd()

	d := r.connect(t)
	r.ens.hold()
	d.request(4, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the write is submitted", func() bool { return r.ens.waiting() == 1 })
	r.ens.inbox.Put(func() { r.ens.apply(d.id, 4, zk.OpSetData, &txn.Error{Code: zk.SessionMoved}) })
	d.wantEnd()
}

func TestTouchedTellsOnce(t *testing.T) { // 2.9
	r := newRig(t, nil)
	a, b := r.connect(t), r.connect(t)
	got := r.Touched()
	if len(got) != 2 || got[0].Session != a.id || got[1].Session != b.id || got[0].Timeout != 10000 {
		t.Errorf("Touched = %+v, want the two sessions", got)
	}
	b.request(1, zk.OpPing, nil)
	b.want(wire.XidPing, -2, zk.OK)
	if got := r.Touched(); len(got) != 1 || got[0].Session != b.id {
		t.Errorf("Touched = %+v, want only %v", got, b.id)
	}
}

// A client that speaks and hangs up before the leader asks has shown a sign of life.
func TestTouchedTellsOfThoseWhoLeft(t *testing.T) {
	r := newRig(t, nil)
	a := r.connect(t)
	r.Touched()
	a.request(1, zk.OpPing, nil)
	a.want(wire.XidPing, 1, zk.OK)
	a.c.Close()
	eventually(t, "the connection ends", func() bool { return len(r.Connections()) == 0 })
	if got := r.Touched(); len(got) != 1 || got[0].Session != a.id || got[0].Timeout != 10000 {
		t.Errorf("Touched = %+v, want %v", got, a.id)
	}
	b := r.connect(t)
	r.Touched()
	b.c.Close()
	eventually(t, "the connection ends", func() bool { return len(r.Connections()) == 0 })
	if got := r.Touched(); len(got) != 0 {
		t.Errorf("Touched = %+v, want nothing", got)
	}
}

func TestNewTreeIsRead(t *testing.T) {
	r := newRig(t, nil)
	other := tree.New(tree.Options{})
	other.SetLastZxid(9)
	r.SetService(zk.NoService, r.ens.tree, 1)
	r.ens.tree, r.ens.zxid = other, 9
	r.SetService(zk.FullService, other, 1)
	c := r.connect(t)
	c.request(1, zk.OpPing, nil)
	c.want(wire.XidPing, 10, zk.OK)
}
