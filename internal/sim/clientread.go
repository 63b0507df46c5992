package sim

import (
	"slices"
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// checkRead compares a read with the model at the zxid that it carries.
func (c *Client) checkRead(k *call, h wire.ReplyHeader, body []byte) {
	var want zk.Code
	var err error
	switch k.op {
	case zk.OpGetData, zk.OpExists, zk.OpGetChildren, zk.OpGetChildren2, zk.OpGetAllChildrenNumber:
		want, err = c.checkNode(k, h, body)
	case zk.OpGetACL:
		want, err = c.checkACL(k, h, body)
	case zk.OpMultiRead:
		err = c.checkMultiRead(k, h, body)
	case zk.OpGetEphemerals:
		var r wire.ChildrenResponse
		err = r.Decode(body)
		if want := c.o.model.ephemerals(c.session, h.Zxid, prefixOf(k.path)); !slices.Equal(slices.Sorted(slices.Values(r.Children)), want) {
			c.fail("getEphemerals %q at %v: got %v, want %v", k.path, h.Zxid, r.Children, want)
		}
	case zk.OpWhoAmI:
		err = c.checkWhoAmI(k, body)
	case zk.OpAddWatch:
		var r wire.Int32Response
		if err = r.Decode(body); r.Value != 0 {
			c.fail("addWatch %s returned %d, want 0", k.path, r.Value)
		}
		c.arm(k.path, watchPersistent+watchKind(k.kind))
	case zk.OpCheckWatches:
		want = c.watchCode(k)
	case zk.OpRemoveWatches:
		if want = c.watchCode(k); want == zk.OK {
			c.armed = slices.DeleteFunc(c.armed, func(w watch) bool { return isOfType(w, k) })
		}
	default:
		c.fail("nobody checks the answer to %v", k.op)
	}
	if err != nil {
		c.fail("%v %s: %v in %x", k.op, k.path, err, body)
	}
	if h.Err != want {
		c.fail("%v %s at %v: got %v, want %v (INV-A1)", k.op, k.path, h.Zxid, h.Err, want)
	}
}

// visible is the code for a client that needs READ on a node.
func visible(v version, ids []zk.ID) zk.Code {
	switch {
	case !v.exists:
		return zk.NoNode
	case !may(v.acl, zk.PermRead, ids):
		return zk.NoAuth
	}
	return zk.OK
}

// checkNode checks the reads of client-protocol.md 5.4 and 5.12.
func (c *Client) checkNode(k *call, h wire.ReplyHeader, body []byte) (want zk.Code, err error) {
	v := c.o.model.at(k.path, h.Zxid)
	want = visible(v, k.ids)
	if want == zk.NoNode && k.op == zk.OpExists && k.watch {
		c.arm(k.path, watchExist)
	}
	if want != zk.OK || h.Err != zk.OK {
		return want, nil
	}
	if k.watch {
		kind := watchData
		if k.op == zk.OpGetChildren || k.op == zk.OpGetChildren2 {
			kind = watchChild
		}
		c.arm(k.path, kind)
	}
	stat, children := v.stat, v.children
	switch k.op {
	case zk.OpGetData:
		var r wire.GetDataResponse
		if err = r.Decode(body); !sameBytes(r.Data, v.data) {
			c.fail("getData %s at %v: got %q, want %q", k.path, h.Zxid, r.Data, v.data)
		}
		stat = r.Stat
	case zk.OpExists:
		var r wire.StatResponse
		err = r.Decode(body)
		stat = r.Stat
	case zk.OpGetChildren:
		var r wire.ChildrenResponse
		err = r.Decode(body)
		children = r.Children
	case zk.OpGetChildren2:
		var r wire.Children2Response
		err = r.Decode(body)
		children, stat = r.Children, r.Stat
	default:
		var r wire.Int32Response
		if err = r.Decode(body); r.Value != c.o.model.descendants(k.path, h.Zxid) {
			c.fail("%v %s at %v: got %d, want %d", k.op, k.path, h.Zxid, r.Value, c.o.model.descendants(k.path, h.Zxid))
		}
	}
	if stat != v.stat || !slices.Equal(children, v.children) {
		c.fail("%v %s at %v: got %+v %v, want %+v %v", k.op, k.path, h.Zxid, stat, children, v.stat, v.children)
	}
	return want, err
}

// checkACL checks getACL (5.6).
func (c *Client) checkACL(k *call, h wire.ReplyHeader, body []byte) (want zk.Code, err error) {
	v := c.o.model.at(k.path, h.Zxid)
	acl, ok := shown(v.acl, k.ids)
	switch {
	case !v.exists:
		return zk.NoNode, nil
	case !ok:
		return zk.NoAuth, nil
	case h.Err != zk.OK:
		return zk.OK, nil
	}
	var r wire.GetACLResponse
	if err = r.Decode(body); err == nil && (!slices.Equal(r.ACL, acl) || r.Stat != v.stat) {
		c.fail("getACL %s at %v: got %v %+v, want %v %+v (INV-A6)", k.path, h.Zxid, r.ACL, r.Stat, acl, v.stat)
	}
	return zk.OK, err
}

// checkMultiRead checks each op of a multiRead (6.3).
func (c *Client) checkMultiRead(k *call, h wire.ReplyHeader, body []byte) error {
	var r wire.MultiResponse
	if err := r.Decode(body); err != nil || len(r.Results) != len(k.parts) {
		c.fail("multiRead %d: %d results for %d parts", k.xid, len(r.Results), len(k.parts))
		return err
	}
	for i, part := range k.parts {
		v := c.o.model.at(part.path, h.Zxid)
		want := wire.MultiResult{Op: part.op}
		if code := visible(v, k.ids); code != zk.OK {
			want = wire.MultiResult{Op: zk.OpError, Code: code}
		} else if part.op == zk.OpGetData {
			want.Data, want.Stat = v.data, v.stat
		} else {
			want.Children = v.children
		}
		if got := r.Results[i]; !sameResult(&got, &want) {
			c.fail("multiRead %d at %v, %v %s: got %+v, want %+v", k.xid, h.Zxid, part.op, part.path, got, want)
		}
		c.load.saw("multiRead "+part.op.String(), want.Code)
	}
	return nil
}

// prefixOf is what getEphemerals compares paths with (5.11).
func prefixOf(path string) string {
	if t := strings.TrimSpace(path); t == "" || t == "/" {
		return ""
	}
	return path
}

// checkWhoAmI compares the identities of the connection (5.13).
func (c *Client) checkWhoAmI(k *call, body []byte) error {
	var r wire.WhoAmIResponse
	if err := r.Decode(body); err != nil {
		return err
	}
	same := len(r.Clients) == len(k.ids)
	for _, id := range k.ids {
		same = same && slices.Contains(r.Clients, userOf(id))
	}
	if !same {
		c.fail("whoAmI: got %v, want the users of %v", r.Clients, k.ids)
	}
	return nil
}

// watchCode says whether the connection has a watch of the type asked for (8.6).
func (c *Client) watchCode(k *call) zk.Code {
	if slices.ContainsFunc(c.armed, func(w watch) bool { return isOfType(w, k) }) {
		return zk.OK
	}
	return zk.NoWatcher
}

func isOfType(w watch, k *call) bool {
	if w.path != k.path {
		return false
	}
	switch wire.WatcherType(k.kind) {
	case wire.WatcherChildren:
		return w.kind == watchChild
	case wire.WatcherData:
		return w.kind == watchData || w.kind == watchExist
	case wire.WatcherAny:
		return true
	case wire.WatcherPersistent:
		return w.kind == watchPersistent
	}
	return w.kind == watchRecursive
}
