package server

import (
	"ostler/internal/auth"
	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// visibleACL returns what the connection may see of an access list, false for
// nothing.
func (c *conn) visibleACL(acl []zk.ACL) ([]zk.ACL, bool) {
	a, ids := c.server.o.Auth, c.identities()
	if a.Check(acl, zk.PermAdmin, ids) {
		return acl, true
	}
	if a.Check(acl, zk.PermRead, ids) {
		return auth.Redact(acl), true
	}
	return nil, false
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
	path := watchPath(r.Path)
	t.Read(path, func(*tree.Node) {
		// Changes below path do not wait for its lock; their events wait for
		// eventMu, so none overtakes the reply.
		c.eventMu.Lock()
		defer c.eventMu.Unlock()
		c.addPersistent(path, r.Mode == wire.AddWatchPersistentRecursive)
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
	found := false
	switch {
	case r.NullPath:
	case p.op == zk.OpCheckWatches:
		found = c.server.watches.HasType(watchPath(r.Path), typ, c)
	default:
		found = c.server.watches.RemoveType(watchPath(r.Path), typ, c)
	}
	if !found {
		return zk.NoWatcher
	}
	c.replyError(p.xid, c.server.tree.Load().LastZxid(), zk.OK)
	return zk.OK
}

// setWatches registers the watches of a client that comes back, or tells it at once
// what it has missed (8.7). Each path is looked at and registered under its lock.
func (c *conn) setWatches(p *pendingRequest) zk.Code {
	var r wire.SetWatchesRequest
	decode := r.Decode
	if p.op == zk.OpSetWatches2 {
		decode = r.Decode2
	}
	if decode(p.body) != nil || r.Data == nil || r.Exist == nil || r.Child == nil {
		return zk.MarshallingError
	}
	if p.op == zk.OpSetWatches2 && (r.Persistent == nil || r.PersistentRecursive == nil) {
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
		c.addPersistent(watchPath(path), false)
	}
	for _, path := range r.PersistentRecursive {
		c.addPersistent(watchPath(path), true)
	}
	c.replyError(p.xid, t.LastZxid(), zk.OK)
	return zk.OK
}

func (c *conn) catchUpData(path string, seen zk.Zxid, n *tree.Node) {
	switch {
	case n == nil:
		c.catchUp(zk.EventDeleted, path)
	case n.Stat.Mzxid > seen:
		c.catchUp(zk.EventDataChanged, path)
	default:
		c.server.watches.Add(watchPath(path), watch.Data, watch.Standard, c)
	}
}

func (c *conn) catchUpExist(path string, n *tree.Node) {
	if n != nil {
		c.catchUp(zk.EventCreated, path)
		return
	}
	c.server.watches.Add(watchPath(path), watch.Data, watch.Standard, c)
}

func (c *conn) catchUpChild(path string, seen zk.Zxid, n *tree.Node) {
	switch {
	case n == nil:
		c.catchUp(zk.EventDeleted, path)
	case n.Stat.Pzxid > seen:
		c.catchUp(zk.EventChildrenChanged, path)
	default:
		c.server.watches.Add(watchPath(path), watch.Child, watch.Standard, c)
	}
}

// catchUp sends an event that the client missed; its zxid is -1 (8.7).
func (c *conn) catchUp(event zk.EventType, path string) {
	c.sent(c.stream.SendShared(watch.Frame(event, path, -1)))
}
