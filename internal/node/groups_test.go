package node_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// replaceMembers makes text the whole configuration, through a server (quorum.md 5.3 step 6a).
func (g *growing) replaceMembers(id int, text string) {
	g.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		h, _ := g.admin(id).call(zk.OpReconfig, wire.ReconfigRequest{NullJoining: true, NullLeaving: true, NewMembers: text, ConfigVersion: -1})
		if h.Err == zk.OK {
			return
		}
		if h.Err != zk.NewConfigNoQuorum && h.Err != zk.ReconfigInProgress || time.Now().After(end) {
			g.t.Fatalf("reconfig to %q: %v", text, h.Err)
		}
	}
}

// wantConfig waits until all servers have a configuration with, or without, groups.
func (g *growing) wantConfig(grouped bool) {
	g.t.Helper()
	for id := 1; id <= len(g.members); id++ {
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			var r wire.GetDataResponse
			if err := r.Decode(g.admin(id).want(zk.OpGetData, wire.PathWatchRequest{Path: zk.PathConfig}, zk.OK)); err != nil {
				g.t.Fatal(err)
			}
			if strings.Contains(string(r.Data), "group.1=1:2\ngroup.2=3\nweight.1=1\n") == grouped {
				break
			}
			if time.Now().After(end) {
				g.t.Fatalf("server %d has configuration %q, want groups %v", id, r.Data, grouped)
			}
		}
	}
}

// An ensemble of three is put into groups {1, 2} and {3}, each of which is needed, and
// taken out again, while it runs (quorum.md 1.4, 5.3 steps 6a and 6b).
func TestReconfigToGroupsAndBack(t *testing.T) {
	g := newGrowing(t, 3)
	for id := 1; id <= 3; id++ {
		g.write(id, 1, 2, 3)
		g.start(id)
	}
	members := strings.Join(g.lines, "\n")
	g.admin(1).want(zk.OpCreate, createRequest("/kept", zk.ModePersistent), zk.OK)
	g.replaceMembers(1, members+"\ngroup.1=1:2\ngroup.2=3\nweight.1=1")
	g.wantConfig(true)
	h, _ := g.admin(2).call(zk.OpReconfig, wire.ReconfigRequest{NullJoining: true, Leaving: "2", NullNewMembers: true, ConfigVersion: -1})
	if h.Err != zk.BadArguments {
		t.Errorf("an incremental change of groups: %v, want %v", h.Err, zk.BadArguments)
	}
	await(t, g.addr(1), "conf", "group.2=3")

	// Group {3} is needed, and after a restart of all it still is.
	g.stop(3)
	for id := 1; id <= 2; id++ {
		await(t, g.addr(id), "srvr", "not currently serving requests")
		g.stop(id)
	}
	g.start(1)
	g.start(2)
	await(t, g.addr(1), "srvr", "not currently serving requests")
	g.start(3)
	g.admin(2).want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Data: []byte("2"), Version: -1}, zk.OK)
	file, err := os.ReadFile(g.files[0])
	if err != nil {
		t.Fatal(err)
	}
	_, name, _ := strings.Cut(string(file), "dynamicConfigFile=")
	if dynamic, err := os.ReadFile(strings.TrimSpace(name)); err != nil || !strings.HasPrefix(string(dynamic), "group.1=1:2\ngroup.2=3\nserver.1=") {
		t.Errorf("the dynamic file is %q, %v; want the groups in it", dynamic, err)
	}

	// With a plain majority again, two of three are enough.
	g.replaceMembers(1, members)
	g.wantConfig(false)
	g.stop(3)
	g.awaitLeader()
	g.admin(1).want(zk.OpSetData, wire.SetDataRequest{Path: "/kept", Data: []byte("3"), Version: -1}, zk.OK)
	g.start(3)
	g.admin(3).want(zk.OpSync, wire.PathRequest{Path: "/"}, zk.OK)
	var last wire.GetDataResponse
	if err := last.Decode(g.admin(3).want(zk.OpGetData, wire.PathWatchRequest{Path: "/kept"}, zk.OK)); err != nil || string(last.Data) != "3" {
		t.Errorf("after it all /kept is %q, %v; want 3", last.Data, err)
	}
}
