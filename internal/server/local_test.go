package server

import (
	"testing"
	"time"

	"ostler/internal/config"
	ensembles "ostler/internal/ensemble"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// localRig is a server whose sessions are its own.
func localRig(t *testing.T, change func(*config.Config)) *rig {
	return newRig(t, func(cfg *config.Config) {
		cfg.LocalSessions, cfg.Ensemble = true, &ensembles.Config{}
		if change != nil {
			change(cfg)
		}
	})
}

// reattach asks for a session that was had before.
func (r *rig) reattach(t testing.TB, id zk.SessionID) *client {
	t.Helper()
	c := r.dial(t)
	password := session.Passwords{}.Of(id)
	c.frame(wire.ConnectRequest{Timeout: 10000, Session: id, Password: password[:], HasReadOnly: true})
	c.id = id
	return c
}

// A local session begins and ends without a transaction, and survives its
// connection on this server (client-protocol.md 2.13).
func TestLocalSessionNeedsNoTransaction(t *testing.T) {
	r := localRig(t, nil)
	c := r.connect(t)
	c.request(1, zk.OpExists, readBody("/none", false))
	c.want(1, 0, zk.NoNode) // no zxid was spent
	c.c.Close()
	c = r.reattach(t, c.id)
	if got := c.welcomed().Session; got != c.id {
		t.Fatalf("session %v after coming back, want %v", got, c.id)
	}
	if got := r.LocalSessions(); got != 1 {
		t.Errorf("%d local sessions, want 1", got)
	}
	c.request(2, zk.OpCreate, createBody("/a", "x"))
	c.request(3, zk.OpCloseSession, nil)
	c.want(2, 1, zk.OK)
	c.want(3, 1, zk.OK)
	c.wantEnd()
	eventually(t, "the session is gone", func() bool { return r.LocalSessions() == 0 })
	if got := r.ens.tree.Sessions(); len(got) != 0 {
		t.Errorf("replicated sessions %v, want none", got)
	}
	again := r.reattach(t, c.id)
	if got := again.welcomed(); got.Session != 0 {
		t.Errorf("a closed session came back as %v", got.Session)
	}
	again.wantEnd()
}

// An ephemeral makes a local session global, once, before it (2.13, INV-S11).
func TestLocalSessionUpgrade(t *testing.T) {
	r := localRig(t, func(cfg *config.Config) { cfg.UpgradeLocal = true })
	c := r.connect(t)
	r.ens.hold()
	ephemeral := wire.CreateRequest{Path: "/e", ACL: zk.OpenACL(), Flags: zk.ModeEphemeral}
	c.request(1, zk.OpCreate, ephemeral)
	ephemeral.Path = "/f"
	c.request(2, zk.OpCreate, ephemeral)
	eventually(t, "createSession and two creates wait", func() bool { return r.ens.waiting() == 3 })
	// The leader knows the session already, and must not give it up meanwhile.
	c.request(3, zk.OpPing, nil)
	eventually(t, "the session is reported as alive while it is made global", func() bool {
		touched := r.Touched()
		return len(touched) == 1 && touched[0].Session == c.id
	})
	r.ens.release(-1)
	c.want(1, 2, zk.OK)
	c.want(2, 3, zk.OK)
	c.want(wire.XidPing, 3, zk.OK)
	if timeout, ok := r.ens.tree.HasSession(c.id); !ok || timeout != 10000 {
		t.Errorf("the session has timeout %d ms in the tree (%v), want 10000", timeout, ok)
	}
	if got := r.LocalSessions(); got != 0 {
		t.Errorf("%d local sessions after the upgrade, want 0", got)
	}
	// A sign of life is for the leader to know from now on.
	eventually(t, "the session is reported as alive", func() bool {
		touched := r.Touched()
		return len(touched) == 1 && touched[0].Session == c.id
	})
	c.request(3, zk.OpCloseSession, nil)
	c.want(3, 4, zk.OK)
}

// Without upgrades the Proposer is told that the session is local.
func TestLocalSessionIsMarked(t *testing.T) {
	r := localRig(t, nil)
	marks := make(chan bool, 2)
	r.ens.mu.Lock()
	r.ens.mark = func(req *Request) { marks <- req.Local }
	r.ens.mu.Unlock()
	c := r.connect(t)
	c.request(1, zk.OpCreate, wire.CreateRequest{Path: "/e", ACL: zk.OpenACL(), Flags: zk.ModeEphemeral})
	if !<-marks {
		t.Error("a request of a local session is not marked")
	}
}

// A local session that nobody hears of ends, and its connection with it; one that
// is heard of lives (2.9).
func TestLocalSessionExpires(t *testing.T) {
	r := localRig(t, func(cfg *config.Config) {
		cfg.Tick, cfg.MinSession = 200*time.Millisecond, 400*time.Millisecond
	})
	silent, live := r.dial(t), r.dial(t)
	for _, c := range []*client{silent, live} {
		c.frame(wire.ConnectRequest{Timeout: 1, Password: make([]byte, 16), HasReadOnly: true})
		c.id = c.welcomed().Session
	}
	r.Touched() // what the leader is told is nothing of these
	eventually(t, "the silent session expires", func() bool {
		live.request(wire.XidPing, zk.OpPing, nil)
		live.want(wire.XidPing, 0, zk.OK)
		return r.LocalSessions() == 1
	})
	silent.wantEnd()
	back := r.reattach(t, silent.id)
	if got := back.welcomed().Session; got != 0 {
		t.Errorf("the silent session came back as %v", got)
	}
	live.request(1, zk.OpExists, readBody("/", false))
	live.want(1, 0, zk.OK)
}

// A local session outlives a change of the leader.
func TestLocalSessionOutlivesLeader(t *testing.T) {
	r := localRig(t, nil)
	c := r.connect(t)
	r.SetService(zk.NoService, nil, 1)
	c.wantEnd()
	r.SetService(zk.FullService, r.ens.tree, 1)
	if got := r.reattach(t, c.id).welcomed().Session; got != c.id {
		t.Errorf("session %v after the change, want %v", got, c.id)
	}
}

// Without a leader a server lets in who is content with reading, and refuses the
// rest of what it is asked (2.14).
func TestReadOnlyService(t *testing.T) {
	r := localRig(t, nil)
	r.SetService(zk.ReadOnly, tree.New(tree.Options{}), 1)
	for _, request := range []wire.ConnectRequest{
		{Password: make([]byte, 16), HasReadOnly: true},
		{Password: make([]byte, 16)},
	} {
		c := r.dial(t)
		c.frame(request)
		c.wantEnd()
	}
	c := r.dial(t)
	c.frame(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16), HasReadOnly: true, ReadOnly: true})
	got := c.welcomed()
	if !got.ReadOnly || got.Session == 0 {
		t.Fatalf("got %+v, want a read-only session", got)
	}
	c.request(1, zk.OpGetData, readBody("/", true))
	c.want(1, 0, zk.OK)
	xid := int32(2)
	for _, op := range []zk.OpCode{
		zk.OpSync, zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete,
		zk.OpSetData, zk.OpSetACL, zk.OpReconfig, zk.OpMulti,
	} {
		c.request(xid, op, wire.PathRequest{Path: "/"})
		c.want(xid, 0, zk.NotReadOnly)
		xid++
	}
	c.request(wire.XidPing, zk.OpPing, nil)
	c.want(wire.XidPing, 0, zk.OK)
	// A leader is there again: everybody is sent away, and the session is kept.
	r.SetService(zk.FullService, r.ens.tree, 1)
	c.wantEnd()
	if id := r.reattach(t, got.Session).welcomed().Session; id != got.Session {
		t.Errorf("session %v with a leader, want %v", id, got.Session)
	}
}

// Without a leader nobody knows whether a session of the ensemble lives, so the
// server says nothing about it, rather than that it expired (2.8, INV-S6).
func TestReadOnlyServiceAndGlobalSessions(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	r.SetService(zk.ReadOnly, r.ens.tree, 1)
	c.wantEnd()
	password := session.Passwords{}.Of(c.id)
	for _, request := range []wire.ConnectRequest{
		{Session: c.id, Password: password[:], HasReadOnly: true, ReadOnly: true},
		{Password: make([]byte, 16), HasReadOnly: true, ReadOnly: true}, // a new one would be global: H8
	} {
		d := r.dial(t)
		d.frame(request)
		d.wantEnd()
	}
}
