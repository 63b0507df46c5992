package prep

import (
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// TestReapable has the rule of client-protocol.md 4.8 (INV-T17).
func TestReapable(t *testing.T) {
	const now = 1_000_000
	ago := func(owner zk.Owner, age int64, creates int32) zk.StatPersisted {
		return zk.StatPersisted{Owner: owner, Mtime: now - age, Creates: creates}
	}
	never := func(o *Options) { o.NeverUsed = 100 * time.Millisecond }
	plain := func(o *Options) { o.ExtendedTypes = false }
	emulated := func(o *Options) { o.Owners.TTL353 = true }
	for _, c := range []struct {
		name     string
		change   func(*Options)
		stat     zk.StatPersisted
		children int
		want     bool
	}{
		{"a container that was used", nil, ago(zk.OwnerContainer, 0, 1), 0, true},
		{"a container in use", nil, ago(zk.OwnerContainer, 999, 2), 1, false},
		{"a container never used", nil, ago(zk.OwnerContainer, 999, 0), 0, false},
		{"a container never used, in time", never, ago(zk.OwnerContainer, 100, 0), 0, false},
		{"a container never used, for too long", never, ago(zk.OwnerContainer, 101, 0), 0, true},
		{"a container that was used, whatever its age", never, ago(zk.OwnerContainer, 1, 1), 0, true},
		{"a container without extended types", plain, ago(zk.OwnerContainer, 0, 1), 0, true},
		{"a TTL node in time", nil, ago(zk.OwnerTTL(100), 100, 0), 0, false},
		{"a TTL node past it", nil, ago(zk.OwnerTTL(100), 101, 0), 0, true},
		{"a TTL node in use", nil, ago(zk.OwnerTTL(100), 999, 1), 1, false},
		{"a TTL node whose mtime is ahead", nil, ago(zk.OwnerTTL(100), -5000, 0), 0, false},
		{"a TTL node while extended types are off (decisions.md 21)", plain, ago(zk.OwnerTTL(100), 999, 0), 0, false},
		{"a TTL node of 3.5.3 without the emulation", nil, ago(zk.OwnerContainer|100, 999, 0), 0, false},
		{"a TTL node of 3.5.3", emulated, ago(zk.OwnerContainer|100, 101, 0), 0, true},
		{"a TTL node of 3.5.3 whose TTL has no low bits", emulated, ago(zk.OwnerContainer|1<<40, 999, 0), 0, false},
		{"a persistent node", never, ago(0, 999, 1), 0, false},
		{"an ephemeral node", never, ago(zk.Owner(alice), 999, 1), 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := Options{ExtendedTypes: true}
			if c.change != nil {
				c.change(&o)
			}
			if got := New(o).Reapable(&c.stat, c.children, now); got != c.want {
				t.Errorf("reapable: %v, want %v", got, c.want)
			}
		})
	}
}

// TestReapingIsDecidedWhenPrepared: what was found due may have become younger, been
// used, or not be due by the clock of the moment (INV-T17); the rule for containers
// that were never used is looked at again too.
func TestReapingIsDecidedWhenPrepared(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.NeverUsed = 50 * time.Millisecond })
	reap := func(path string) zk.Code {
		r := &Request{Op: zk.OpDeleteContainer, Body: wire.PathRequest{Path: path}.Append(nil)}
		return codeOf(w.request(r, 1).Body)
	}
	want := func(what, path string, want zk.Code) {
		t.Helper()
		if got := reap(path); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	w.plan(alice, zk.OpCreateContainer, create("/new", 0))
	w.plan(alice, zk.OpCreateTTL, createTTL("/ttl", zk.ModeTTL, 50)) // each request takes 10 ms
	want("a young container that was never used", "/new", zk.BadVersion)
	w.plan(alice, zk.OpSetData, setData("/ttl", -1))
	w.plan(alice, zk.OpSetData, setData("/new", -1))
	w.apply(-1)
	for range 3 {
		want("a renewed TTL node", "/ttl", zk.BadVersion)
	}
	w.plan(alice, zk.OpCreate, create("/ttl/x", 0))
	w.plan(alice, zk.OpCreate, create("/new/x", 0))
	want("a TTL node in use", "/ttl", zk.NotEmpty)
	want("a container in use", "/new", zk.NotEmpty)
	w.plan(alice, zk.OpDelete, remove("/ttl/x", -1))
	w.plan(alice, zk.OpDelete, remove("/new/x", -1))
	want("a TTL node past its time", "/ttl", zk.OK)
	want("a container no longer in use", "/new", zk.OK)
	want("what is gone", "/ttl", zk.NoNode)
	w.plan(alice, zk.OpCreate, create("/new", 0))
	want("a plain node in the place of a container", "/new", zk.BadVersion)
	w.apply(-1)
}
