package server

import (
	"ostler/internal/auth"
	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// visibleACL returns what a request made with these identities may see of an access
// list, false for nothing.
func (c *conn) visibleACL(acl []zk.ACL, ids []zk.ID) ([]zk.ACL, bool) {
	a := c.server.o.Auth
	if a.Check(acl, zk.PermAdmin, ids) {
		return acl, true
	}
	if a.Check(acl, zk.PermRead, ids) {
		return auth.Redact(acl), true
	}
	return nil, false
}

// still calls f while no event can be made that a watch on path is for: one that
// is fired is queued before f is called, or after it has returned. What f
// registers, removes and answers is thus one act (9, points 5 and 6).
func still(t *tree.Tree, path string, recursive bool, f func()) {
	if recursive {
		t.Still(f)
		return
	}
	t.Read(path, func(*tree.Node) { f() })
}

// addWatch registers a persistent watch (8.5).
func (c *conn) addWatch(p *pendingRequest) zk.Code {
	var r wire.AddWatchRequest
	if err := r.Decode(p.body); err != nil || r.NullPath {
		return zk.MarshallingError
	}
	if r.Mode != wire.AddWatchPersistent && r.Mode != wire.AddWatchPersistentRecursive {
		return zk.MarshallingError
	}
	t := c.server.tree.Load()
	recursive := r.Mode == wire.AddWatchPersistentRecursive
	still(t, r.Path, recursive, func() {
		c.addPersistent(r.Path, recursive)
		c.reply(p.xid, t.LastZxid(), wire.Int32Response{})
	})
	return zk.OK
}

// addPersistent registers a watch that stays.
func (c *conn) addPersistent(path string, recursive bool) {
	w := c.server.watches
	if recursive {
		w.Add(path, watch.Data, watch.Recursive, c)
		return
	}
	w.Add(path, watch.Child, watch.Persistent, c)
	w.Add(path, watch.Data, watch.Persistent, c)
}

// checkWatches runs checkWatches and removeWatches (8.6). To the second, a null path
// is one that nobody watches.
func (c *conn) checkWatches(p *pendingRequest) zk.Code {
	var r wire.WatchesRequest
	if err := r.Decode(p.body); err != nil || r.NullPath && p.op == zk.OpCheckWatches {
		return zk.MarshallingError
	}
	typ := watch.Type(r.Type)
	if !typ.Valid() {
		return zk.MarshallingError
	}
	look := c.server.watches.HasType
	if p.op == zk.OpRemoveWatches {
		look = c.server.watches.RemoveType
	}
	t := c.server.tree.Load()
	still(t, r.Path, typ == watch.TypeAny || typ == watch.TypePersistentRecursive, func() {
		code := zk.OK
		if r.NullPath || !look(r.Path, typ, c) {
			code = zk.NoWatcher
		}
		c.replyError(p.xid, t.LastZxid(), code)
	})
	return zk.OK
}

// setWatches registers the watches of a client that comes back, or tells it at once
// what it has missed (8.7). Each path is looked at and registered under its lock,
// recursive ones with the reply.
func (c *conn) setWatches(p *pendingRequest) zk.Code {
	var r wire.SetWatchesRequest
	decode := r.Decode
	if p.op == zk.OpSetWatches2 {
		decode = r.Decode2
	}
	if decode(p.body) != nil {
		return zk.MarshallingError
	}
	t := c.server.tree.Load()
	for _, path := range r.Data {
		t.Read(path, func(n *tree.Node) { c.catchUpData(path, r.RelativeZxid, n) })
	}
	for _, path := range r.Exist {
		t.Read(path, func(n *tree.Node) { c.catchUpExist(path, n) })
	}
	for _, path := range r.Child {
		t.Read(path, func(n *tree.Node) { c.catchUpChild(path, r.RelativeZxid, n) })
	}
	for _, path := range r.Persistent {
		t.Read(path, func(*tree.Node) { c.addPersistent(path, false) })
	}
	if len(r.PersistentRecursive) == 0 {
		c.replyError(p.xid, t.LastZxid(), zk.OK)
		return zk.OK
	}
	t.Still(func() {
		for _, path := range r.PersistentRecursive {
			c.addPersistent(path, true)
		}
		c.replyError(p.xid, t.LastZxid(), zk.OK)
	})
	return zk.OK
}

func (c *conn) catchUpData(path string, seen zk.Zxid, n *tree.Node) {
	switch {
	case n == nil:
		c.catchUp(zk.EventDeleted, path)
	case n.Stat.Mzxid > seen:
		c.catchUp(zk.EventDataChanged, path)
	default:
		c.server.watches.Add(path, watch.Data, watch.Standard, c)
	}
}

func (c *conn) catchUpExist(path string, n *tree.Node) {
	if n != nil {
		c.catchUp(zk.EventCreated, path)
		return
	}
	c.server.watches.Add(path, watch.Data, watch.Standard, c)
}

func (c *conn) catchUpChild(path string, seen zk.Zxid, n *tree.Node) {
	switch {
	case n == nil:
		c.catchUp(zk.EventDeleted, path)
	case n.Stat.Pzxid > seen:
		c.catchUp(zk.EventChildrenChanged, path)
	default:
		c.server.watches.Add(path, watch.Child, watch.Standard, c)
	}
}

// catchUp sends an event that the client missed; its zxid is -1 (8.7).
func (c *conn) catchUp(event zk.EventType, path string) {
	c.sent(c.stream.SendShared(watch.Frame(event, path, -1)))
}
