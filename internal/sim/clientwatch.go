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
	watchPersistent
	watchRecursive
	watchKinds
)

func (k watchKind) String() string {
	return [...]string{"data", "exist", "child", "persistent", "recursive"}[k]
}

// inChildren and inData say in which of the server's lists the watch is (8.2).
func (k watchKind) inChildren() bool { return k == watchChild || k == watchPersistent }
func (k watchKind) inData() bool     { return k != watchChild }

// oneShot watches go when they fire.
func (k watchKind) oneShot() bool { return k < watchPersistent }

// A watch is one that the server has, or is to have again.
type watch struct {
	path string
	kind watchKind
}

// A watching is what a client knows of its watches, and of the events that are due.
// A watch fires for what is behind the reply that armed it, so what is due follows
// from history alone: one event for each change, list and connection, in order.
type watching struct {
	armed  []watch
	lost   []watch // with earlier connections: to be set again
	seen   zk.Zxid // changes up to here are in due, or were not watched
	due    []dueEvent
	event  zk.Zxid             // of the newest event
	caught []wire.WatcherEvent // those without a zxid, before the reply to setWatches
}

// A dueEvent is one that must come, unless it may be withheld.
type dueEvent struct {
	zxid     zk.Zxid
	kind     zk.EventType
	path     string
	by       uint // kinds of watches that fired, as bits
	optional bool
}

// arm remembers a watch that the server has accepted.
func (s *watching) arm(path string, kind watchKind) {
	if w := (watch{path, kind}); !slices.Contains(s.armed, w) {
		s.armed = append(s.armed, w)
	}
}

// keep remembers watches that are to be set again.
func (s *watching) keep(list []watch) {
	for _, w := range list {
		if !slices.Contains(s.lost, w) {
			s.lost = append(s.lost, w)
		}
	}
}

func (s *watching) disconnect() {
	s.keep(s.armed)
	s.armed, s.due = nil, nil
}

func (s *watching) reconnect() { s.seen, s.event, s.caught = 0, 0, nil }

// collect returns the kinds of watches that a trigger finds, and takes away what fires
// once only (8.3).
func (s *watching) collect(path string, children bool) (by uint) {
	s.armed = slices.DeleteFunc(s.armed, func(w watch) bool {
		in := w.path == path && (children && w.kind.inChildren() || !children && w.kind.inData())
		if in || !children && w.kind == watchRecursive && isBelow(path, w.path) {
			by |= 1 << w.kind
		}
		return in && w.kind.oneShot()
	})
	return by
}

// isBelow reports whether path is a descendant of top.
func isBelow(path, top string) bool {
	return top == "/" || len(path) > len(top) && path[:len(top)] == top && path[len(top)] == '/'
}

// advance works out what history up to z makes due.
func (c *Client) advance(z zk.Zxid) {
	if z <= c.seen {
		return
	}
	if len(c.armed) > 0 {
		for _, ch := range c.o.model.changesIn(c.seen, z) {
			c.trigger(ch)
		}
	}
	c.seen = z
}

// trigger does what a server does with one change.
func (c *Client) trigger(ch change) {
	by := c.collect(ch.path, false)
	if ch.kind == zk.EventDeleted {
		by |= c.collect(ch.path, true)
	}
	c.expectEvent(ch.kind, ch.path, ch, ch.acl, by)
	if ch.kind != zk.EventDataChanged {
		parent := parentOf(ch.path)
		c.expectEvent(zk.EventChildrenChanged, parent, ch, ch.parentACL, c.collect(parent, true))
	}
}

// expectEvent notes an event for whoever may read (INV-A5).
func (c *Client) expectEvent(kind zk.EventType, path string, ch change, acl []zk.ACL, by uint) {
	if by == 0 {
		return
	}
	told := may(acl, zk.PermRead, c.known)
	optional := c.before != nil && may(acl, zk.PermRead, c.before) != told
	if told || optional {
		c.due = append(c.due, dueEvent{ch.zxid, kind, path, by, optional})
	} else {
		c.load.met("an event withheld")
	}
}

// checkMissed checks, at each reply, that no event is due before it (INV-W1, INV-W3).
func (c *Client) checkMissed(k *call, z zk.Zxid) {
	c.advance(z)
	for _, d := range c.due {
		if !d.optional {
			c.fail("reply to %v %d carries %v, but event %v %s of %v has not come", k.op, k.xid, z, d.kind, d.path, d.zxid)
			return
		}
	}
	c.due, c.before = c.due[:0], nil
	if len(c.caught) > 0 && k.sets == nil {
		c.fail("events without a zxid before the reply to %v %d: %v", k.op, k.xid, c.caught)
	}
}

// notified checks that an event is the next one due.
func (c *Client) notified(z zk.Zxid, e wire.WatcherEvent) {
	if e.State != wire.StateSyncConnected {
		c.fail("event %v %s with state %d", e.Type, e.Path, e.State)
	}
	if z == -1 {
		c.caught = append(c.caught, e)
		return
	}
	if z <= c.replied || z < c.event {
		c.fail("event %v %s at %v after a reply at %v and an event at %v (INV-W3, INV-W4)", e.Type, e.Path, z, c.replied, c.event)
	}
	c.event = z
	c.advance(z)
	for len(c.due) > 0 {
		d := c.due[0]
		c.due = c.due[1:]
		if d.zxid == z && d.kind == e.Type && d.path == e.Path {
			c.load.sawEvent(d)
			return
		}
		if !d.optional {
			c.fail("event %v %s at %v, but the next one due is %v %s of %v (INV-W1, INV-W4)", e.Type, e.Path, z, d.kind, d.path, d.zxid)
			return
		}
	}
	c.fail("event %v %s at %v is for no watch (INV-W1, INV-W5)", e.Type, e.Path, z)
}

// rewatch sets the watches of earlier connections again.
func (c *Client) rewatch() {
	if len(c.lost) == 0 {
		return
	}
	k := &call{op: zk.OpSetWatches, xid: wire.XidSetWatches, rel: c.last, sets: c.lost}
	c.lost = nil
	slices.SortStableFunc(k.sets, func(a, b watch) int { return int(a.kind) - int(b.kind) })
	lists := make([][]string, watchKinds)
	for _, w := range k.sets {
		lists[w.kind] = append(lists[w.kind], w.path)
	}
	req := wire.SetWatchesRequest{
		RelativeZxid: c.last, Data: lists[watchData], Exist: lists[watchExist], Child: lists[watchChild],
		Persistent: lists[watchPersistent], PersistentRecursive: lists[watchRecursive],
	}
	if k.sets[len(k.sets)-1].kind.oneShot() {
		c.send(k, req)
		return
	}
	k.op = zk.OpSetWatches2
	c.send(k, rawBody(req.Append2(nil)))
}

// rewatched checks the answer to setWatches against the table of 8.7 at the zxid
// that it carries (INV-W2, INV-W9).
func (c *Client) rewatched(k *call, h wire.ReplyHeader) {
	var want []wire.WatcherEvent
	for _, w := range k.sets {
		t := c.missed(w, k.rel, h.Zxid)
		if t == 0 {
			c.arm(w.path, w.kind)
			continue
		}
		want = append(want, wire.WatcherEvent{Type: t, State: wire.StateSyncConnected, Path: w.path})
		c.load.met(eventName(t) + " catch-up for a " + w.kind.String() + " watch")
	}
	if h.Err != zk.OK || !slices.Equal(c.caught, want) {
		c.fail("setWatches from %v at %v: %v, events %v, want %v", k.rel, h.Zxid, h.Err, c.caught, want)
	}
	c.caught = nil
}

// missed is what a client that saw rel last is told at z, 0 for nothing.
func (c *Client) missed(w watch, rel, z zk.Zxid) zk.EventType {
	v := c.o.model.at(w.path, z)
	switch {
	case !w.kind.oneShot():
	case w.kind == watchExist && v.exists:
		return zk.EventCreated
	case w.kind == watchExist:
	case !v.exists:
		return zk.EventDeleted
	case w.kind == watchData && v.stat.Mzxid > rel:
		return zk.EventDataChanged
	case w.kind == watchChild && v.stat.Pzxid > rel:
		return zk.EventChildrenChanged
	}
	return 0
}
