package node_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/host"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A growing ensemble is one whose servers get their own zoo.cfg.
type growing struct {
	t       *testing.T
	lines   []string // server.N=..., by index N-1
	files   []string
	members []*member
	log     logBuffer
}

func newGrowing(t *testing.T, n int) *growing {
	g := &growing{t: t, members: make([]*member, n)}
	ports := freePorts(t, 3*n)
	for i := range n {
		g.lines = append(g.lines, fmt.Sprintf("server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d", i+1, ports[3*i], ports[3*i+1], ports[3*i+2]))
		g.files = append(g.files, filepath.Join(t.TempDir(), "zoo.cfg"))
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("what the servers say:\n%s", g.log.text.String())
		}
		for i := range g.members {
			g.stop(i + 1)
		}
	})
	return g
}

// write writes the zoo.cfg of a server that knows of those given.
func (g *growing) write(id int, knows ...int) {
	g.t.Helper()
	dir := g.t.TempDir()
	write(g.t, filepath.Join(dir, "myid"), fmt.Sprintln(id))
	if id == 1 {
		write(g.t, filepath.Join(dir, "initialize"), "")
	}
	text := "tickTime=500\ninitLimit=20\nsyncLimit=10\nmaxClientCnxns=0\n4lw.commands.whitelist=*\n" +
		"standaloneEnabled=false\nreconfigEnabled=true\ndataDir=" + dir + "\n"
	for _, other := range knows {
		text += g.lines[other-1] + "\n"
	}
	write(g.t, g.files[id-1], text)
}

func (g *growing) start(id int) {
	g.t.Helper()
	cfg, _, err := config.Load(g.files[id-1], map[string]string{superName: super}, host.FS())
	if err != nil {
		g.t.Fatal(err)
	}
	cfg.PreallocSize = 64 << 10
	m, err := startLogged(cfg, slog.NewTextHandler(&g.log, nil).WithAttrs([]slog.Attr{slog.Int("server", id)}))
	if err != nil {
		g.t.Fatal(err)
	}
	g.members[id-1] = m
}

func (g *growing) stop(id int) {
	if m := g.members[id-1]; m != nil {
		g.members[id-1] = nil
		m.stop()
	}
}

// awaitLeader waits until one of those that run leads: for a moment after the leader was
// stopped the others do not know.
func (g *growing) awaitLeader() {
	g.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		for i, m := range g.members {
			if m != nil && strings.Contains(word(g.t, g.addr(i+1), "srvr"), "Mode: leader") {
				return
			}
		}
		if time.Now().After(end) {
			g.t.Fatal("nobody leads after 10 s")
		}
	}
}

func (g *growing) addr(id int) string {
	_, addr, _ := strings.Cut(g.lines[id-1], ";")
	return addr
}

// admin connects to a server as super user.
func (g *growing) admin(id int) *rawClient {
	g.t.Helper()
	awaitServing(g.t, g.addr(id))
	c := rawConnect(g.t, g.addr(id), wire.ConnectRequest{})
	c.want(zk.OpAuth, wire.AuthRequest{Scheme: "digest", Auth: []byte("super:test")}, zk.OK)
	return c
}

// reconfig changes the members through a server, again while the joiners are not up
// to date yet.
func (g *growing) reconfig(id int, joining, leaving string) string {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		h, body := g.admin(id).call(zk.OpReconfig, wire.ReconfigRequest{
			Joining: joining, NullJoining: joining == "", Leaving: leaving, NullLeaving: leaving == "",
			NullNewMembers: true, ConfigVersion: -1,
		})
		if h.Err == zk.OK {
			var r wire.GetDataResponse
			if err := r.Decode(body); err != nil {
				g.t.Fatal(err)
			}
			return string(r.Data)
		}
		if h.Err != zk.NewConfigNoQuorum && h.Err != zk.ReconfigInProgress || time.Now().After(end) {
			g.t.Fatalf("reconfig +%s -%s: %v", joining, leaving, h.Err)
		}
	}
}

// One server grows to three, loses one, and its leader, and everything survives a
// restart of all (quorum.md section 5, INV-C1 to C6).
func TestReconfigGrowsAndShrinks(t *testing.T) {
	g := newGrowing(t, 3)
	g.write(1, 1)
	g.start(1)
	c := g.admin(1)
	c.want(zk.OpCreate, createRequest("/kept", zk.ModePersistent), zk.OK)
	for id := 2; id <= 3; id++ {
		g.write(id, 1, id)
		g.start(id)
		text := g.reconfig(1, g.lines[id-1], "")
		if !strings.Contains(text, g.lines[id-1]+"\n") {
			t.Fatalf("the new configuration is %q, without server %d", text, id)
		}
	}
	// Every member has the configuration in force, and its files say so.
	for id := 1; id <= 3; id++ {
		r := g.admin(id)
		r.want(zk.OpSync, wire.PathRequest{Path: "/"}, zk.OK)
		var got wire.GetDataResponse
		if err := got.Decode(r.want(zk.OpGetData, wire.PathWatchRequest{Path: zk.PathConfig}, zk.OK)); err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(got.Data), "server.") != 3 || got.Stat.Version != -1 {
			t.Errorf("server %d has configuration %q in version %d", id, got.Data, got.Stat.Version)
		}
		await(t, g.addr(id), "conf", g.lines[2])
		file, err := os.ReadFile(g.files[id-1])
		if err != nil || !strings.Contains(string(file), "dynamicConfigFile="+g.files[id-1]+".dynamic.") || strings.Contains(string(file), "server.") {
			t.Errorf("zoo.cfg of server %d is %q, %v", id, file, err)
		}
	}
	// The new members are a quorum without the first.
	g.stop(1)
	g.awaitLeader()
	g.admin(2).want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Data: []byte("2"), Version: -1}, zk.OK)
	g.start(1)
	g.admin(1).want(zk.OpSync, wire.PathRequest{Path: "/"}, zk.OK)

	// The leader leaves: another leads, and the one that left can be stopped.
	leader := 0
	for id := 1; id <= 3; id++ {
		if strings.Contains(word(t, g.addr(id), "srvr"), "Mode: leader") {
			leader = id
		}
	}
	if leader == 0 {
		t.Fatal("nobody leads")
	}
	g.reconfigMoved(leader%3+1, fmt.Sprint(leader))
	g.stop(leader)
	rest := []int{leader%3 + 1, (leader+1)%3 + 1}
	g.admin(rest[0]).want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Data: []byte("3"), Version: -1}, zk.OK)

	// Down to one, which needs nobody, also after a restart.
	g.reconfigMoved(rest[0], fmt.Sprint(rest[1]))
	g.stop(rest[1])
	g.admin(rest[0]).want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Data: []byte("4"), Version: -1}, zk.OK)
	g.stop(rest[0])
	g.start(rest[0])
	var last wire.GetDataResponse
	if err := last.Decode(g.admin(rest[0]).want(zk.OpGetData, wire.PathWatchRequest{Path: "/kept"}, zk.OK)); err != nil || string(last.Data) != "4" {
		t.Errorf("after it all /kept is %q, %v; want 4", last.Data, err)
	}
}

// reconfigMoved removes a server that may lead, so that the answer may be lost, and
// waits until it is gone from the configuration.
func (g *growing) reconfigMoved(id int, leaving string) {
	g.t.Helper()
	c := g.admin(id)
	c.xid++
	c.send(wire.RequestHeader{Xid: c.xid, Op: zk.OpReconfig}, wire.ReconfigRequest{
		NullJoining: true, Leaving: leaving, NullNewMembers: true, ConfigVersion: -1,
	})
	c.read()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var r wire.GetDataResponse
		if err := r.Decode(g.admin(id).want(zk.OpGetData, wire.PathWatchRequest{Path: zk.PathConfig}, zk.OK)); err != nil {
			g.t.Fatal(err)
		}
		if !strings.Contains(string(r.Data), "server."+leaving+"=") {
			return
		}
		if time.Now().After(end) {
			g.t.Fatalf("server %s is still in %q", leaving, r.Data)
		}
	}
}
