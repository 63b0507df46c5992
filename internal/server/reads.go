package server

import (
	"strings"

	"ostler/internal/env"
	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// execute runs a request that waits for nothing, and answers it. The caller holds
// mu, and no request is in front of it.
func (c *conn) execute(p *pendingRequest) {
	code := zk.MarshallingError
	switch p.op {
	case zk.OpPing:
		c.replyError(wire.XidPing, c.server.tree.Load().LastZxid(), zk.OK)
		code = zk.OK
	case zk.OpCloseSession: // of a local session
		c.closeLocal(p)
		return
	case zk.OpSync:
		code = c.synced(p)
	case zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2:
		code = c.readNode(p)
	case zk.OpGetACL:
		code = c.getACL(p)
	case zk.OpMultiRead:
		code = c.multiRead(p)
	case zk.OpGetEphemerals:
		code = c.getEphemerals(p)
	case zk.OpGetAllChildrenNumber:
		code = c.getAllChildrenNumber(p)
	case zk.OpWhoAmI:
		code = c.whoAmI(p)
	case zk.OpSetWatches, zk.OpSetWatches2:
		code = c.setWatches(p)
	case zk.OpAddWatch:
		code = c.addWatch(p)
	case zk.OpCheckWatches, zk.OpRemoveWatches:
		code = c.checkWatches(p)
	}
	if code != zk.OK {
		c.replyError(p.xid, c.server.tree.Load().LastZxid(), code)
	}
	c.answered(p)
}

// synced answers a sync that is complete (5.9).
func (c *conn) synced(p *pendingRequest) zk.Code {
	var r wire.PathRequest
	if err := r.Decode(p.body); err != nil {
		return zk.MarshallingError
	}
	c.reply(p.xid, c.server.tree.Load().LastZxid(), wire.PathResponse(r))
	return zk.OK
}

// readNode runs exists, getData, getChildren and getChildren2 (5.4). The reply
// leaves under the lock of the node, with the watch. Watches are filed under the
// path as it was sent, so that one through "", which reads the root, never fires (4.5).
func (c *conn) readNode(p *pendingRequest) zk.Code {
	var r wire.PathWatchRequest
	if err := r.Decode(p.body); err != nil || r.NullPath {
		return zk.MarshallingError
	}
	if p.op == zk.OpExists && strings.IndexByte(r.Path, 0) >= 0 {
		return zk.BadArguments
	}
	kind := watch.Data
	if p.op == zk.OpGetChildren || p.op == zk.OpGetChildren2 {
		kind = watch.Child
	}
	code := zk.OK
	t := c.server.tree.Load()
	t.Read(r.Path, func(n *tree.Node) {
		code = c.mayRead(n, p.ids)
		if r.Watch && (code == zk.OK || code == zk.NoNode && p.op == zk.OpExists) {
			c.server.watches.Add(r.Path, kind, watch.Standard, c)
		}
		if code == zk.OK {
			c.replyNode(p, t.LastZxid(), n)
		} else {
			c.replyError(p.xid, t.LastZxid(), code)
		}
	})
	return zk.OK
}

// mayRead says whether a request made with these identities may see n.
func (c *conn) mayRead(n *tree.Node, ids []zk.ID) zk.Code {
	switch {
	case n == nil:
		return zk.NoNode
	case !c.server.o.Auth.Check(n.ACL, zk.PermRead, ids):
		return zk.NoAuth
	}
	return zk.OK
}

// replyNode encodes the answer to a read of one node, without allocating.
func (c *conn) replyNode(p *pendingRequest, zxid zk.Zxid, n *tree.Node) {
	b, at := c.begin(p.xid, zxid, zk.OK)
	switch p.op {
	case zk.OpExists:
		b = wire.StatResponse{Stat: n.ClientStat()}.Append(b)
	case zk.OpGetData:
		b = wire.GetDataResponse{Data: n.Data, Stat: n.ClientStat()}.Append(b)
	case zk.OpGetChildren:
		b = wire.ChildrenResponse{Children: names(n)}.Append(b)
	default:
		b = wire.Children2Response{Children: names(n), Stat: n.ClientStat()}.Append(b)
	}
	c.send(b, at)
	c.last.answered(zxid)
}

// names returns the children of n, never null.
func names(n *tree.Node) []string {
	if list := n.Children(); list != nil {
		return list
	}
	return []string{}
}

// getACL shows the digests of others to administrators only (5.6).
func (c *conn) getACL(p *pendingRequest) zk.Code {
	var r wire.PathRequest
	if err := r.Decode(p.body); err != nil || r.NullPath {
		return zk.MarshallingError
	}
	code := zk.OK
	t := c.server.tree.Load()
	t.Read(r.Path, func(n *tree.Node) {
		if n == nil {
			code = zk.NoNode
			return
		}
		acl, ok := c.visibleACL(n.ACL, p.ids)
		if !ok {
			code = zk.NoAuth
			return
		}
		c.reply(p.xid, t.LastZxid(), wire.GetACLResponse{ACL: acl, Stat: n.ClientStat()})
	})
	return code
}

// getEphemerals lists the session's own ephemerals by prefix (5.11).
func (c *conn) getEphemerals(p *pendingRequest) zk.Code {
	var r wire.PathRequest
	if err := r.Decode(p.body); err != nil {
		return zk.MarshallingError
	}
	prefix := r.Path
	if trimmed := strings.TrimSpace(prefix); trimmed == "" || trimmed == zk.PathRoot {
		prefix = ""
	}
	owned, zxid := c.server.tree.Load().EphemeralsAt(zk.SessionID(c.session.Load()))
	paths := []string{}
	for _, path := range owned {
		if strings.HasPrefix(path, prefix) {
			paths = append(paths, path)
		}
	}
	c.reply(p.xid, zxid, wire.ChildrenResponse{Children: paths})
	return zk.OK
}

// getAllChildrenNumber counts descendants (5.12).
func (c *conn) getAllChildrenNumber(p *pendingRequest) zk.Code {
	var r wire.PathRequest
	if err := r.Decode(p.body); err != nil || r.NullPath {
		return zk.MarshallingError
	}
	code := zk.OK
	t := c.server.tree.Load()
	t.Read(r.Path, func(n *tree.Node) { code = c.mayRead(n, p.ids) })
	if code != zk.OK {
		return code
	}
	zxid := t.LastZxid()
	n, ok := t.AllChildrenNumber(r.Path)
	if !ok {
		return zk.NoNode
	}
	c.reply(p.xid, zxid, wire.Int32Response{Value: int32(n)})
	return zk.OK
}

// whoAmI lists the identities of the connection (5.13).
func (c *conn) whoAmI(p *pendingRequest) zk.Code {
	users := make([]zk.ID, len(p.ids))
	for i, id := range p.ids {
		users[i] = zk.ID{Scheme: id.Scheme, ID: c.server.o.Auth.User(id)}
	}
	c.reply(p.xid, c.server.tree.Load().LastZxid(), wire.WhoAmIResponse{Clients: users})
	return zk.OK
}

// multiRead reads several nodes at one zxid; watches are ignored (6.3).
func (c *conn) multiRead(p *pendingRequest) zk.Code {
	var r wire.MultiReadRequest
	if err := r.Decode(p.body); err != nil {
		return c.refuseMultiRead(p)
	}
	paths := make([]string, len(r.Ops))
	for i, op := range r.Ops {
		if req, ok := op.Body.(wire.PathWatchRequest); ok {
			paths[i] = req.Path
		}
	}
	results := make([]wire.MultiResult, len(paths))
	t := c.server.tree.Load()
	if len(paths) == 0 {
		c.reply(p.xid, t.LastZxid(), wire.MultiResponse{Results: results})
		return zk.OK
	}
	size := 0
	t.ReadAll(paths, func(i int, n *tree.Node) {
		if size > sendLimit {
			return
		}
		results[i] = c.readResult(r.Ops[i].Op, n, p.ids)
		if size += resultSize(&results[i]); size <= sendLimit && i == len(paths)-1 {
			c.reply(p.xid, t.LastZxid(), wire.MultiResponse{Results: results})
		}
	})
	if size > sendLimit {
		// A small request may ask for a large node many times: memory is not
		// spent on a reply that could not be queued.
		c.sent(env.ErrFull)
	}
	return zk.OK
}

// resultSize is about what a result takes in a reply, in bytes.
func resultSize(r *wire.MultiResult) int {
	size := len(r.Data)
	for _, name := range r.Children {
		size += 4 + len(name)
	}
	return size
}

// refuseMultiRead answers what is no multiRead. Write ops alone can be decoded,
// and the reference has an empty result behind the code (v: multiread-write-op).
func (c *conn) refuseMultiRead(p *pendingRequest) zk.Code {
	var writes wire.MultiRequest
	if err := writes.Decode(p.body); err != nil {
		return zk.MarshallingError
	}
	c.replyCode(p.xid, c.server.tree.Load().LastZxid(), zk.MarshallingError, wire.MultiResponse{})
	return zk.OK
}

// readResult is the result of one op of a multiRead.
func (c *conn) readResult(op zk.OpCode, n *tree.Node, ids []zk.ID) wire.MultiResult {
	if code := c.mayRead(n, ids); code != zk.OK {
		return wire.MultiResult{Op: zk.OpError, Code: code}
	}
	if op == zk.OpGetData {
		return wire.MultiResult{Op: op, Data: n.Data, Stat: n.ClientStat()}
	}
	return wire.MultiResult{Op: op, Children: names(n)}
}
