package node_test

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"ostler/client"
	"ostler/internal/datadir"
	"ostler/internal/host"
	"ostler/internal/snapshot"
	"ostler/internal/tree"
	"ostler/internal/zk"
)

// sweeping are the properties of a server that sweeps all the time and knows TTL nodes.
func sweeping(more map[string]string) map[string]string {
	props := map[string]string{"zookeeper.extendedTypesEnabled": "true", "znode.container.checkIntervalMs": "20"}
	maps.Copy(props, more)
	return props
}

// standalone runs a server over dir.
func standalone(t *testing.T, dir string, props map[string]string) *member {
	t.Helper()
	cfg := load(t, dir, 0, "clientPort=2181\n", props)
	cfg.ClientAddr = "127.0.0.1:0"
	m, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A user is a client with what it must be able to do.
type user struct {
	*client.Client
	t   *testing.T
	ctx context.Context
}

func connect(t *testing.T, addr string) user {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	c, err := client.Connect(ctx, addr, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Abandon()
		cancel()
	})
	return user{c, t, ctx}
}

func (u user) create(path string, o client.CreateOptions) {
	u.t.Helper()
	if _, _, err := u.Create(u.ctx, path, nil, o); err != nil {
		u.t.Fatal(err)
	}
}

// filled makes a node with a child, at once, so that it is never seen empty.
func (u user) filled(path string, o client.CreateOptions) {
	u.t.Helper()
	_, err := u.Multi(u.ctx, client.CreateOp(path, nil, o), client.CreateOp(path+"/x", nil, client.CreateOptions{}))
	if err != nil {
		u.t.Fatal(err)
	}
}

// used makes a container that had a child.
func (u user) used(path string) {
	u.t.Helper()
	u.filled(path, client.CreateOptions{Mode: client.Container})
	if err := u.Delete(u.ctx, path+"/x", -1); err != nil {
		u.t.Fatal(err)
	}
}

// awaitEnd waits until a node is gone, and for the event that says so.
func (u user) awaitEnd(path string) {
	u.t.Helper()
	_, exists, w, err := u.ExistsW(u.ctx, path)
	if err != nil {
		u.t.Fatal(err)
	}
	if !exists {
		return
	}
	select {
	case e := <-w.C:
		if e.Type != zk.EventDeleted {
			u.t.Fatalf("event %+v, want the end of %s", e, path)
		}
	case <-u.ctx.Done():
		u.t.Fatalf("%s is still there", path)
	}
}

// awaitSweep waits until a container made now was removed: since then there was a
// sweep, which removed before it all that is due and comes before it in order.
func (u user) awaitSweep() {
	u.t.Helper()
	u.used("/zzz")
	u.awaitEnd("/zzz")
}

// wantThere checks which nodes are there.
func (u user) wantThere(want bool, paths ...string) {
	u.t.Helper()
	for _, path := range paths {
		if _, exists, err := u.Exists(u.ctx, path); err != nil || exists != want {
			u.t.Errorf("%s exists: %v, %v, want %v", path, exists, err, want)
		}
	}
}

var (
	container = client.CreateOptions{Mode: client.Container}
	brief     = client.CreateOptions{Mode: client.PersistentTTL, TTL: 1}
	long      = client.CreateOptions{Mode: client.PersistentTTL, TTL: zk.TTLMax}
)

// Containers and TTL nodes vanish by themselves, those in use or not due do not
// (client-protocol.md 4.8, INV-T17).
func TestNodesEndByThemselves(t *testing.T) {
	m := standalone(t, t.TempDir(), sweeping(nil))
	t.Cleanup(m.stop)
	u := connect(t, m.node.ClientAddr())
	u.filled("/full", container)
	u.filled("/busy", brief)
	u.create("/never", container)
	u.create("/young", long)
	u.create("/plain", client.CreateOptions{})
	u.create("/own", client.CreateOptions{Mode: client.Ephemeral})
	u.used("/gone")
	u.create("/over", brief)
	u.awaitEnd("/gone")
	u.awaitEnd("/over")
	u.awaitSweep()
	u.wantThere(true, "/full", "/full/x", "/busy", "/busy/x", "/never", "/young", "/plain", "/own")
	for _, path := range []string{"/full/x", "/busy/x"} {
		if err := u.Delete(u.ctx, path, -1); err != nil {
			t.Fatal(err)
		}
	}
	u.awaitEnd("/full")
	u.awaitEnd("/busy")
	u.wantThere(true, "/never", "/young", "/plain", "/own")
}

// With znode.container.maxNeverUsedIntervalMs a container that never had a child
// ends too (client-protocol.md 4.8).
func TestContainersNeverUsedEnd(t *testing.T) {
	m := standalone(t, t.TempDir(), sweeping(map[string]string{"znode.container.maxNeverUsedIntervalMs": "1"}))
	t.Cleanup(m.stop)
	u := connect(t, m.node.ClientAddr())
	u.create("/never", container)
	u.awaitEnd("/never")
}

// TTL nodes in the data of a server without extended types stay, though nobody knows
// of a session that would own them; they end once the types are on (decisions.md 21).
func TestTTLNodesOutliveASwitch(t *testing.T) {
	dir := t.TempDir()
	during := func(props map[string]string, f func(u user)) {
		m := standalone(t, dir, props)
		defer m.stop()
		u := connect(t, m.node.ClientAddr())
		f(u)
		if err := u.Close(u.ctx); err != nil {
			t.Error(err)
		}
	}
	during(map[string]string{"zookeeper.extendedTypesEnabled": "true"}, func(u user) { // first sweep after a minute
		u.create("/over", brief)
		u.used("/empty")
	})
	during(sweeping(map[string]string{"zookeeper.extendedTypesEnabled": "false"}), func(u user) {
		u.awaitEnd("/empty")
		u.awaitSweep()
		u.wantThere(true, "/over")
		stat, _, err := u.Exists(u.ctx, "/over")
		if err != nil || stat.EphemeralOwner != 0 {
			t.Errorf("owner of a TTL node: %v, %v, want none", stat.EphemeralOwner, err)
		}
		if _, _, err := u.Create(u.ctx, "/new", nil, brief); !errors.Is(err, zk.Unimplemented) {
			t.Errorf("create of a TTL node: %v, want Unimplemented", err)
		}
	})
	during(sweeping(nil), func(u user) { u.awaitEnd("/over") })
}

// In an ensemble the leader removes, and every server sees it (INV-T17: by an
// ordinary transaction).
func TestTheLeaderRemovesForAll(t *testing.T) {
	cfgs := ensembleOf3(t)
	for _, cfg := range cfgs {
		cfg.ReapInterval, cfg.ExtendedTypes = 20*time.Millisecond, true
		run(t, cfg)
	}
	var users []user
	for _, cfg := range cfgs {
		awaitServing(t, cfg.ClientAddr)
		users = append(users, connect(t, cfg.ClientAddr))
	}
	users[0].filled("/full", container)
	users[1].used("/gone")
	users[2].create("/over", brief)
	for _, u := range users {
		if err := u.Sync(u.ctx, "/"); err != nil {
			t.Fatal(err)
		}
		u.awaitEnd("/gone")
		u.awaitEnd("/over")
		u.wantThere(true, "/full", "/full/x")
	}
}

// Nodes that ZooKeeper 3.5.3 made with a time to live stay while nobody said that they
// are such (decisions.md 21), unlike ephemerals of a session that is not there; with
// extendedTypesEnabled and emulate353TTLNodes they end (client-protocol.md 4.3).
func TestTTLNodesOf353(t *testing.T) {
	data := t.TempDir()
	layOut(t, data+"/version-2", map[string]zk.Owner{"/old": zk.OwnerContainer | 5000, "/orphan": 0x100000000000005})
	for _, c := range []struct {
		props map[string]string
		stays bool
	}{
		{sweeping(map[string]string{"zookeeper.extendedTypesEnabled": "false"}), true},
		{sweeping(nil), true},
		{sweeping(map[string]string{"zookeeper.emulate353TTLNodes": "true"}), false},
	} {
		m := standalone(t, data, c.props)
		u := connect(t, m.node.ClientAddr())
		u.awaitEnd("/orphan")
		if c.stays {
			u.awaitSweep()
			u.wantThere(true, "/old")
		} else {
			u.awaitEnd("/old")
		}
		u.Abandon()
		m.stop()
	}
}

// layOut writes a data directory with nodes of the given owners.
func layOut(t *testing.T, dir string, owners map[string]zk.Owner) {
	t.Helper()
	d, err := datadir.Open(host.FS(), dir, dir, datadir.Options{ForceSync: true, AutoCreate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l := tree.NewLoader(tree.Options{Digest: true})
	nodes := []snapshot.Node{{ACL: zk.OpenACL()}}
	for path, owner := range owners {
		nodes = append(nodes, snapshot.Node{Path: path, ACL: zk.OpenACL(), Stat: zk.StatPersisted{Owner: owner}})
	}
	for i := range nodes {
		if err := l.Node(&nodes[i]); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := l.Finish(0)
	if err != nil {
		t.Fatal(err)
	}
	v := tr.View()
	defer v.Close()
	if err := d.InitFresh(v); err != nil {
		t.Fatal(err)
	}
}
