package sim

import (
	"slices"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A watchKind is how a watch was set, as a client keeps it (client-protocol.md 8.7).
type watchKind int

const (
	watchData watchKind = iota
	watchExist
	watchChild
)

// mask says which changes fire the watch (8.3).
func (k watchKind) mask() int {
	if k == watchChild {
		return changeDeleted | changeChildren
	}
	return changeCreated | changeDeleted | changeData
}

// A watchSet is a one-shot watch: armed with the state of zxid.
type watchSet struct {
	path string
	kind watchKind
	zxid zk.Zxid
	lost bool // of an earlier connection: to be set again
}

// eventTypes tells changes as events.
var eventTypes = map[int]zk.EventType{
	changeCreated: zk.EventCreated, changeDeleted: zk.EventDeleted,
	changeData: zk.EventDataChanged, changeChildren: zk.EventChildrenChanged,
}

// arm remembers a watch that the server has accepted.
func (c *Client) arm(path string, kind watchKind, z zk.Zxid) {
	for _, w := range c.watches {
		if !w.lost && w.path == path && w.kind == kind {
			return // the server keeps one, too
		}
	}
	c.watches = append(c.watches, &watchSet{path: path, kind: kind, zxid: z})
}

// watchesLost is the end of a connection.
func (c *Client) watchesLost() {
	for _, w := range c.watches {
		w.lost = true
	}
}

// checkMissed checks, at each reply, that no watch should have fired before it
// (INV-W1, INV-W3).
func (c *Client) checkMissed(k *call, z zk.Zxid) {
	for _, w := range c.watches {
		if w.lost {
			continue
		}
		if v := c.o.model.firstChange(w.path, w.kind.mask(), w.zxid, z); v != nil {
			c.fail("reply to %v %d carries %v, but the event for %s at %v (watch since %v) has not come", k.op, k.xid, z, w.path, v.zxid, w.zxid)
			return
		}
	}
}

// event checks that an event is the first change that a watch waits for.
func (c *Client) event(z zk.Zxid, e wire.WatcherEvent) {
	if e.State != wire.StateSyncConnected {
		c.fail("event %v %s with state %d", e.Type, e.Path, e.State)
	}
	if z == -1 {
		c.caught = append(c.caught, e)
		return
	}
	if z <= c.replied || z < c.evented {
		c.fail("event %v %s at %v after a reply at %v and an event at %v (INV-W3, INV-W4)", e.Type, e.Path, z, c.replied, c.evented)
	}
	c.evented = z
	matched := false
	c.watches = slices.DeleteFunc(c.watches, func(w *watchSet) bool {
		if w.lost || w.path != e.Path {
			return false
		}
		v := c.o.model.firstChange(w.path, w.kind.mask(), w.zxid, z)
		if v == nil || v.zxid != z || eventTypes[v.what] != e.Type {
			return false
		}
		matched = true
		return true
	})
	if !matched {
		c.fail("event %v %s at %v is for no watch (INV-W1, INV-W5)", e.Type, e.Path, z)
	}
	c.load.fired++
}

// rewatch sets the watches of the last connection again.
func (c *Client) rewatch() {
	k := &call{op: zk.OpSetWatches, xid: wire.XidSetWatches, rel: c.last, sets: c.watches}
	c.watches = nil
	req := wire.SetWatchesRequest{RelativeZxid: c.last}
	slices.SortStableFunc(k.sets, func(a, b *watchSet) int { return int(a.kind) - int(b.kind) })
	for _, w := range k.sets {
		switch w.kind {
		case watchData:
			req.Data = append(req.Data, w.path)
		case watchExist:
			req.Exist = append(req.Exist, w.path)
		default:
			req.Child = append(req.Child, w.path)
		}
	}
	c.send(k, req)
}

// rewatched checks the answer to setWatches against the table of 8.7 at the zxid
// that it carries (INV-W2, INV-W9).
func (c *Client) rewatched(k *call, h wire.ReplyHeader) {
	var want []wire.WatcherEvent
	for _, w := range k.sets {
		v := c.o.model.at(w.path, h.Zxid)
		t := zk.EventType(0)
		switch {
		case w.kind == watchExist && v.exists:
			t = zk.EventCreated
		case w.kind == watchExist:
		case !v.exists:
			t = zk.EventDeleted
		case w.kind == watchData && v.stat.Mzxid > k.rel:
			t = zk.EventDataChanged
		case w.kind == watchChild && v.stat.Pzxid > k.rel:
			t = zk.EventChildrenChanged
		}
		if t == 0 {
			c.arm(w.path, w.kind, h.Zxid)
			continue
		}
		want = append(want, wire.WatcherEvent{Type: t, State: wire.StateSyncConnected, Path: w.path})
	}
	if h.Err != zk.OK || !slices.Equal(c.caught, want) {
		c.fail("setWatches from %v at %v: %v, events %v, want %v", k.rel, h.Zxid, h.Err, c.caught, want)
	}
	c.caught = nil
}
