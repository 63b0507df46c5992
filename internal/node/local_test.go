package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// serveLocal starts three servers with local sessions, and returns their addresses.
func serveLocal(t *testing.T, lines string) func(server string) string {
	t.Helper()
	return serve3With(t, "localSessionsEnabled=true\n"+lines, nil)
}

// Local sessions at a leader and at a follower (client-protocol.md 2.13): no
// transaction begins or ends them, they cannot move, and an ephemeral is refused.
func TestLocalSessionsOnThree(t *testing.T) {
	addr := serveLocal(t, "")
	for _, role := range []string{"leader", "follower 1"} {
		c := rawConnect(t, addr(role), wire.ConnectRequest{})
		before, _ := c.call(zk.OpSync, wire.PathRequest{Path: "/"})
		c.want(zk.OpCreate, createRequest("/local-"+role, zk.ModePersistent), zk.OK)
		c.want(zk.OpCreate, createRequest("/e", zk.ModeEphemeral), zk.EphemeralOnLocalSession)
		var m wire.MultiResponse
		if err := m.Decode(c.want(zk.OpMulti, wire.MultiRequest{Ops: []wire.MultiOp{
			{Op: zk.OpCreate, Body: createRequest("/e", zk.ModeEphemeral)},
		}}, zk.OK)); err != nil {
			t.Fatal(err)
		}
		want := zk.EphemeralOnLocalSession
		if role != "leader" {
			want = zk.SessionExpired // the leader does not know the session
		}
		if len(m.Results) != 1 || m.Results[0].Code != want {
			t.Errorf("%s: multi with an ephemeral: %+v, want %v", role, m.Results, want)
		}
		moved := rawConnect(t, addr("follower 2"), c.again())
		if moved.info.Session != 0 {
			t.Errorf("%s: a local session moved to another server", role)
		}
		if dump := word(t, addr(role), "dump"); !strings.Contains(dump, "Local Session Sets (1)/(1):") ||
			strings.Contains(dump, "Global Session Sets (0)/(0):") != (role == "leader") {
			t.Errorf("%s: dump says %q", role, dump)
		}
		c.want(zk.OpCloseSession, nil, zk.OK)
		c.wantEnd()
		after := rawConnect(t, addr(role), wire.ConnectRequest{})
		h, _ := after.call(zk.OpExists, wire.PathWatchRequest{Path: "/"})
		// The create and the multi, and at the leader the refused ephemeral.
		if spent := h.Zxid - before.Zxid; spent != 2 && (spent != 3 || role != "leader") {
			t.Errorf("%s: %d transactions, want 2, or 3 at the leader", role, spent)
		}
	}
}

// A local session that has become global moves with its ephemeral, and both end
// together everywhere (2.13, INV-S1).
func TestLocalSessionUpgradeOnThree(t *testing.T) {
	addr := serveLocal(t, "localSessionsUpgradingEnabled=true\n")
	for _, role := range []string{"leader", "follower 1"} {
		c := rawConnect(t, addr(role), wire.ConnectRequest{})
		path := "/" + strings.ReplaceAll(role, " ", "-")
		c.want(zk.OpCreate, createRequest(path, zk.ModeEphemeral), zk.OK)
		moved := rawConnect(t, addr("follower 2"), c.again())
		if moved.info.Session != c.info.Session {
			t.Fatalf("%s: session %v at another server, want %v", role, moved.info.Session, c.info.Session)
		}
		var stat wire.StatResponse
		if err := stat.Decode(moved.want(zk.OpExists, wire.PathWatchRequest{Path: path}, zk.OK)); err != nil {
			t.Fatal(err)
		}
		if stat.Stat.EphemeralOwner != c.info.Session {
			t.Errorf("%s: owner %v, want %v", role, stat.Stat.EphemeralOwner, c.info.Session)
		}
		moved.want(zk.OpCloseSession, nil, zk.OK)
		other := rawConnect(t, addr(role), wire.ConnectRequest{})
		other.want(zk.OpSync, wire.PathRequest{Path: "/"}, zk.OK)
		other.want(zk.OpExists, wire.PathWatchRequest{Path: path}, zk.NoNode)
		other.want(zk.OpCloseSession, nil, zk.OK)
	}
}

// Two of three servers are gone: the third goes on to answer readers what was
// committed, also after a restart, and says so in its words (client-protocol.md 2.14,
// quorum.md R25).
func TestReadOnlyMode(t *testing.T) {
	cfgs := ensembleOf3Lines(t, "localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n",
		map[string]string{"readonlymode.enabled": "true"})
	members := make([]*member, len(cfgs))
	for i, cfg := range cfgs {
		m, err := start(cfg)
		if err != nil {
			t.Fatal(err)
		}
		members[i] = m
	}
	stop := func(i int) {
		if m := members[i]; m != nil {
			members[i] = nil
			m.stop()
		}
	}
	defer func() {
		for i := range members {
			stop(i)
		}
	}()
	for _, cfg := range cfgs {
		awaitServing(t, cfg.ClientAddr)
	}
	c := rawConnect(t, cfgs[0].ClientAddr, wire.ConnectRequest{})
	c.want(zk.OpCreate, createRequest("/kept", zk.ModeEphemeral), zk.OK) // makes the session global
	addr := cfgs[1].ClientAddr
	reader := rawConnect(t, addr, wire.ConnectRequest{})
	reader.want(zk.OpSync, wire.PathRequest{Path: "/"}, zk.OK)
	stop(0)
	stop(2)
	check := func(when string) {
		t.Helper()
		await(t, addr, "isro", "ro")
		if got := word(t, addr, "srvr"); !strings.Contains(got, "Mode: read-only") || !strings.Contains(got, "READ-ONLY") {
			t.Errorf("%s: srvr says %q", when, got)
		}
		ro := rawConnect(t, addr, wire.ConnectRequest{ReadOnly: true})
		if !ro.info.ReadOnly || ro.info.Session == 0 {
			t.Fatalf("%s: connect response %+v, want a read-only session", when, ro.info)
		}
		ro.want(zk.OpGetData, wire.PathWatchRequest{Path: "/kept", Watch: true}, zk.OK)
		ro.want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Version: -1}, zk.NotReadOnly)
		global := c.again()
		global.ReadOnly = true
		if got := rawConnect(t, addr, global); got.info.Session != 0 || got.info.Timeout != 0 {
			t.Errorf("%s: a session of the ensemble is answered %+v, want nothing", when, got.info)
		}
	}
	check("without the others")
	stop(1)
	var err error
	if members[1], err = start(cfgs[1]); err != nil {
		t.Fatal(err)
	}
	check("after a restart")

	// The end of the log may not be committed: it is not shown.
	stop(1)
	write(t, filepath.Join(cfgs[1].DataDir, "version-2", "committed"), "100000001")
	if members[1], err = start(cfgs[1]); err != nil {
		t.Fatal(err)
	}
	await(t, addr, "isro", "ro")
	ro := rawConnect(t, addr, wire.ConnectRequest{ReadOnly: true})
	if h, _ := ro.call(zk.OpExists, wire.PathWatchRequest{Path: "/kept"}); h.Err != zk.NoNode || h.Zxid != 0x100000001 {
		t.Errorf("a node behind what is known to be committed: %v at %v, want none at 0x100000001", h.Err, h.Zxid)
	}

	// The others come back: the reader is sent away, and nothing was lost.
	if members[0], err = start(cfgs[0]); err != nil {
		t.Fatal(err)
	}
	ro.wantEnd()
	awaitServing(t, addr)
	await(t, addr, "isro", "rw")
	back := rawConnect(t, addr, c.again())
	if back.info.Session != c.info.Session {
		t.Fatalf("the session is answered %+v, want %v", back.info, c.info.Session)
	}
	back.want(zk.OpGetData, wire.PathWatchRequest{Path: "/kept"}, zk.OK)

	// Nothing is known to be committed: nothing is shown.
	stop(0)
	stop(1)
	if err := os.Remove(filepath.Join(cfgs[1].DataDir, "version-2", "committed")); err != nil {
		t.Fatal(err)
	}
}

// Members with one secret take over each other's sessions, and their passwords do not
// follow from the id; a member with another secret is not let in, and says why
// (decisions.md 6).
func TestPasswordSecret(t *testing.T) {
	cfgs := ensembleOf3(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, strings.Repeat("s", 32)+"\n")
	other := filepath.Join(t.TempDir(), "other")
	write(t, other, strings.Repeat("o", 32)+"\n")
	for i, cfg := range cfgs {
		cfg.PasswordSecretFile = secret
		if i == 0 {
			cfg.PasswordSecretFile = other // it cannot lead, having the lowest id
		}
	}
	run(t, cfgs[1])
	run(t, cfgs[2])
	logged := runLogged(t, cfgs[0])
	for _, cfg := range cfgs[1:] {
		awaitServing(t, cfg.ClientAddr)
	}
	c := rawConnect(t, cfgs[1].ClientAddr, wire.ConnectRequest{})
	derived := zk.Password(c.info.Session)
	if string(c.info.Password) == string(derived[:]) {
		t.Error("the password follows from the session id")
	}
	thief := c.again()
	thief.Password = derived[:]
	if got := rawConnect(t, cfgs[2].ClientAddr, thief); got.info.Session != 0 {
		t.Error("who knows the session id can take the session")
	}
	if got := rawConnect(t, cfgs[2].ClientAddr, c.again()); got.info.Session != c.info.Session {
		t.Errorf("another member answers %+v, want session %v", got.info, c.info.Session)
	}
	logged.await(t, "session.passwordSecretFile must hold the same secret on all members")
}

// A secret that cannot be used is refused at start, with what to do.
func TestPasswordSecretErrors(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	write(t, short, "too short\n")
	for _, test := range []struct {
		file string
		want []string
	}{
		{"/does/not/exist", []string{"session.passwordSecretFile", "/does/not/exist"}},
		{short, []string{"9 bytes", "at least 16", "openssl rand"}},
	} {
		cfg := load(t, t.TempDir(), 0, "clientPort=2181\nsession.passwordSecretFile="+test.file+"\n", nil)
		err := startError(cfg)
		if err == nil {
			t.Errorf("%s: the server starts", test.file)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q, want it to say %q", test.file, err, part)
			}
		}
	}
}
