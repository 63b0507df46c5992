package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// full returns path as the server knows it.
func (c *Client) full(path string) string {
	switch {
	case c.chroot == "":
		return path
	case path == "/" || path == "":
		return c.chroot
	}
	return c.chroot + path
}

// strip returns a path of the server without the chroot.
func (c *Client) strip(path string) string {
	rest, found := strings.CutPrefix(path, c.chroot)
	switch {
	case c.chroot == "" || !found:
		return path
	case rest == "":
		return "/"
	}
	return rest
}

// check validates a path before it is sent. The path of a sequential node may
// end in a slash (rule 13).
func check(op zk.OpCode, path string, sequential bool) error {
	checked := path
	if sequential {
		checked += "1"
	}
	if err := zk.ValidatePath(checked); err != nil {
		return &Error{Op: op.String(), Path: path, Err: fmt.Errorf("%w: %w", zk.BadArguments, err)}
	}
	return nil
}

// decode reads the body of a reply to op.
func decode(op zk.OpCode, path string, body []byte, into interface{ Decode([]byte) error }) error {
	if err := into.Decode(body); err != nil {
		return &Error{Op: op.String(), Path: path, Err: err}
	}
	return nil
}

// CreateOptions say what kind of node to create. The zero value is a
// persistent node, open to all.
type CreateOptions struct {
	Mode Mode
	ACL  []ACL // nil is OpenACL
	TTL  int64 // ms, of PersistentTTL and SequentialTTL
}

// Create makes a node and returns its path, which for a sequential node ends in
// its number. Data that is nil is stored as null.
func (c *Client) Create(ctx context.Context, path string, data []byte, o CreateOptions) (string, Stat, error) {
	op, body := c.createRequest(path, data, o)
	if err := check(op, path, o.Mode.Sequential()); err != nil {
		return "", Stat{}, err
	}
	reply, err := c.call(ctx, op, path, body.Append(nil))
	if err != nil {
		return "", Stat{}, err
	}
	var r wire.Create2Response
	err = decode(op, path, reply, &r)
	return c.strip(r.Path), r.Stat, err
}

// createRequest picks the operation: containers and TTL nodes have their own.
func (c *Client) createRequest(path string, data []byte, o CreateOptions) (zk.OpCode, wire.Record) {
	acl := o.ACL
	if acl == nil {
		acl = OpenACL()
	}
	r := wire.CreateRequest{Path: c.chrooted(path), Data: data, ACL: acl, Flags: o.Mode}
	switch {
	case o.Mode.TTL():
		return zk.OpCreateTTL, wire.CreateTTLRequest{CreateRequest: r, TTL: o.TTL}
	case o.Mode == Container:
		return zk.OpCreateContainer, r
	}
	return zk.OpCreate2, r
}

// chrooted is full for the path of a node to create: "/" of a sequential node
// stands for its children.
func (c *Client) chrooted(path string) string {
	if c.chroot != "" && path == "/" {
		return c.chroot + "/"
	}
	return c.full(path)
}

// Delete removes a node that has no children.
func (c *Client) Delete(ctx context.Context, path string, version int32) error {
	if err := check(zk.OpDelete, path, false); err != nil {
		return err
	}
	_, err := c.call(ctx, zk.OpDelete, path, wire.DeleteRequest{Path: c.full(path), Version: version}.Append(nil))
	return err
}

// Set replaces a node's data.
func (c *Client) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	body := wire.SetDataRequest{Path: c.full(path), Data: data, Version: version}.Append(nil)
	return c.statCall(ctx, zk.OpSetData, path, body, nil)
}

// SetACL replaces a node's access list; version is that of the list.
func (c *Client) SetACL(ctx context.Context, path string, acl []ACL, version int32) (Stat, error) {
	body := wire.SetACLRequest{Path: c.full(path), ACL: acl, Version: version}.Append(nil)
	return c.statCall(ctx, zk.OpSetACL, path, body, nil)
}

func (c *Client) statCall(ctx context.Context, op zk.OpCode, path string, body []byte, onReply func(wire.ReplyHeader)) (Stat, error) {
	if err := check(op, path, false); err != nil {
		return Stat{}, err
	}
	reply, err := c.callWith(ctx, op, path, body, onReply)
	if err != nil {
		return Stat{}, err
	}
	var r wire.StatResponse
	err = decode(op, path, reply, &r)
	return r.Stat, err
}

// Exists returns a node's Stat, and whether there is such a node.
func (c *Client) Exists(ctx context.Context, path string) (Stat, bool, error) {
	return c.exists(ctx, path, nil)
}

// ExistsW is Exists with a watch, which tells of the node's creation if there is
// none yet.
func (c *Client) ExistsW(ctx context.Context, path string) (Stat, bool, *Watch, error) {
	w := newWatch(watchData, c.full(path))
	stat, ok, err := c.exists(ctx, path, w)
	if err != nil {
		return stat, ok, nil, err
	}
	return stat, ok, w, nil
}

func (c *Client) exists(ctx context.Context, path string, w *Watch) (Stat, bool, error) {
	body := wire.PathWatchRequest{Path: c.full(path), Watch: w != nil}.Append(nil)
	stat, err := c.statCall(ctx, zk.OpExists, path, body, c.register(w))
	if errors.Is(err, zk.NoNode) {
		return Stat{}, false, nil
	}
	return stat, err == nil, err
}

// register returns what adds w once the server has accepted it. A watch of
// exists is accepted for a missing node too.
func (c *Client) register(w *Watch) func(wire.ReplyHeader) {
	if w == nil {
		return nil
	}
	return func(h wire.ReplyHeader) {
		switch {
		case h.Err == zk.OK:
		case h.Err == zk.NoNode && w.kind == watchData:
			w.kind = watchExist
		default:
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.closing {
			w.end(ErrClosed)
			return
		}
		c.watches.add(w)
	}
}

// Get returns a node's data; nil is null.
func (c *Client) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	return c.get(ctx, path, c.full(path), nil)
}

// GetW is Get with a watch for changes of the data and for deletion.
func (c *Client) GetW(ctx context.Context, path string) ([]byte, Stat, *Watch, error) {
	w := newWatch(watchData, c.full(path))
	data, stat, err := c.get(ctx, path, c.full(path), w)
	if err != nil {
		return nil, stat, nil, err
	}
	return data, stat, w, nil
}

func (c *Client) get(ctx context.Context, path, full string, w *Watch) ([]byte, Stat, error) {
	if err := check(zk.OpGetData, path, false); err != nil {
		return nil, Stat{}, err
	}
	body := wire.PathWatchRequest{Path: full, Watch: w != nil}.Append(nil)
	reply, err := c.callWith(ctx, zk.OpGetData, path, body, c.registerFound(w))
	if err != nil {
		return nil, Stat{}, err
	}
	var r wire.GetDataResponse
	err = decode(zk.OpGetData, path, reply, &r)
	return r.Data, r.Stat, err
}

// registerFound is register for reads that accept a watch only on a node that
// exists.
func (c *Client) registerFound(w *Watch) func(wire.ReplyHeader) {
	register := c.register(w)
	if register == nil {
		return nil
	}
	return func(h wire.ReplyHeader) {
		if h.Err == zk.OK {
			register(h)
		}
	}
}

// Children returns the names of a node's children, sorted.
func (c *Client) Children(ctx context.Context, path string) ([]string, Stat, error) {
	return c.children(ctx, path, nil)
}

// ChildrenW is Children with a watch for children that come or go and for
// deletion.
func (c *Client) ChildrenW(ctx context.Context, path string) ([]string, Stat, *Watch, error) {
	w := newWatch(watchChild, c.full(path))
	names, stat, err := c.children(ctx, path, w)
	if err != nil {
		return nil, stat, nil, err
	}
	return names, stat, w, nil
}

func (c *Client) children(ctx context.Context, path string, w *Watch) ([]string, Stat, error) {
	if err := check(zk.OpGetChildren2, path, false); err != nil {
		return nil, Stat{}, err
	}
	body := wire.PathWatchRequest{Path: c.full(path), Watch: w != nil}.Append(nil)
	reply, err := c.callWith(ctx, zk.OpGetChildren2, path, body, c.registerFound(w))
	if err != nil {
		return nil, Stat{}, err
	}
	var r wire.Children2Response
	err = decode(zk.OpGetChildren2, path, reply, &r)
	slices.Sort(r.Children)
	return r.Children, r.Stat, err
}

// ACL returns a node's access list.
func (c *Client) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	if err := check(zk.OpGetACL, path, false); err != nil {
		return nil, Stat{}, err
	}
	reply, err := c.call(ctx, zk.OpGetACL, path, wire.PathRequest{Path: c.full(path)}.Append(nil))
	if err != nil {
		return nil, Stat{}, err
	}
	var r wire.GetACLResponse
	err = decode(zk.OpGetACL, path, reply, &r)
	return r.ACL, r.Stat, err
}

// Sync waits until the server has everything that was committed before the
// call, so that later reads of this Client see it.
func (c *Client) Sync(ctx context.Context, path string) error {
	if err := check(zk.OpSync, path, false); err != nil {
		return err
	}
	_, err := c.call(ctx, zk.OpSync, path, wire.PathRequest{Path: c.full(path)}.Append(nil))
	return err
}

// AddAuth adds an identity to the session; for the scheme digest, data is
// user:password. A refusal ends the session.
func (c *Client) AddAuth(ctx context.Context, scheme string, data []byte) error {
	body := wire.AuthRequest{Scheme: scheme, Auth: data}.Append(nil)
	_, err := c.callWith(ctx, zk.OpAuth, "", body, func(wire.ReplyHeader) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.auths = append(c.auths, auth{scheme: scheme, data: slices.Clone(data)})
	})
	return err
}

// WhoAmI returns the identities of the connection: schemes and user names.
func (c *Client) WhoAmI(ctx context.Context) ([]ID, error) {
	reply, err := c.call(ctx, zk.OpWhoAmI, "", nil)
	if err != nil {
		return nil, err
	}
	var r wire.WhoAmIResponse
	err = decode(zk.OpWhoAmI, "", reply, &r)
	return r.Clients, err
}

// Ephemerals returns the session's ephemeral nodes whose paths begin with
// prefix, sorted.
func (c *Client) Ephemerals(ctx context.Context, prefix string) ([]string, error) {
	reply, err := c.call(ctx, zk.OpGetEphemerals, prefix, wire.PathRequest{Path: c.full(prefix)}.Append(nil))
	if err != nil {
		return nil, err
	}
	var r wire.ChildrenResponse
	err = decode(zk.OpGetEphemerals, prefix, reply, &r)
	for i, path := range r.Children {
		r.Children[i] = c.strip(path)
	}
	slices.Sort(r.Children)
	return r.Children, err
}

// CountDescendants returns the number of nodes below path.
func (c *Client) CountDescendants(ctx context.Context, path string) (int, error) {
	if err := check(zk.OpGetAllChildrenNumber, path, false); err != nil {
		return 0, err
	}
	reply, err := c.call(ctx, zk.OpGetAllChildrenNumber, path, wire.PathRequest{Path: c.full(path)}.Append(nil))
	if err != nil {
		return 0, err
	}
	var r wire.Int32Response
	err = decode(zk.OpGetAllChildrenNumber, path, reply, &r)
	return int(r.Value), err
}

// Watch sets a watch that stays: on a node and its children, or, recursively,
// on every node of a subtree. The node need not exist.
func (c *Client) Watch(ctx context.Context, path string, recursive bool) (*Watch, error) {
	if err := check(zk.OpAddWatch, path, false); err != nil {
		return nil, err
	}
	kind, mode := watchPersistent, wire.AddWatchPersistent
	if recursive {
		kind, mode = watchRecursive, wire.AddWatchPersistentRecursive
	}
	w := newWatch(kind, c.full(path))
	body := wire.AddWatchRequest{Path: w.path, Mode: mode}.Append(nil)
	if _, err := c.callWith(ctx, zk.OpAddWatch, path, body, c.registerFound(w)); err != nil {
		return nil, err
	}
	return w, nil
}

// RemoveWatches ends the watches of a kind on a node; NoWatcher if this Client
// has none. With local set, a server that cannot be asked does not matter.
func (c *Client) RemoveWatches(ctx context.Context, path string, typ WatcherType, local bool) error {
	if err := check(zk.OpRemoveWatches, path, false); err != nil {
		return err
	}
	full := c.full(path)
	c.mu.Lock()
	found := c.watches.has(full, typ)
	c.mu.Unlock()
	if !found {
		return &Error{Op: zk.OpRemoveWatches.String(), Path: path, Err: zk.NoWatcher}
	}
	body := wire.WatchesRequest{Path: full, Type: typ}.Append(nil)
	_, err := c.call(ctx, zk.OpRemoveWatches, path, body)
	if err != nil && !(local && errors.Is(err, zk.ConnectionLoss)) {
		return err
	}
	c.mu.Lock()
	events, state := c.watches.remove(full, typ), c.state
	c.mu.Unlock()
	for _, t := range events {
		c.emit(Event{Type: t, State: state, Path: path, Zxid: -1})
	}
	return nil
}

// Config returns the ensemble's configuration, whatever the chroot.
func (c *Client) Config(ctx context.Context) ([]byte, Stat, error) {
	return c.get(ctx, zk.PathConfig, zk.PathConfig, nil)
}

// ConfigW is Config with a watch for changes.
func (c *Client) ConfigW(ctx context.Context) ([]byte, Stat, *Watch, error) {
	w := newWatch(watchData, zk.PathConfig)
	data, stat, err := c.get(ctx, zk.PathConfig, zk.PathConfig, w)
	if err != nil {
		return nil, stat, nil, err
	}
	return data, stat, w, nil
}

// A Change is a change of the ensemble's members: the whole list, or servers
// that join and ids that leave.
type Change struct {
	Members string // server.N=... lines or list; if not empty the whole configuration
	Joining string // server.N=..., separated by commas
	Leaving string // ids, separated by commas
	Version int64  // of the configuration to change; -1 for any
}

// Reconfigure changes the ensemble's members and returns the new configuration.
func (c *Client) Reconfigure(ctx context.Context, change Change) ([]byte, Stat, error) {
	body := wire.ReconfigRequest{
		Joining: change.Joining, NullJoining: change.Joining == "",
		Leaving: change.Leaving, NullLeaving: change.Leaving == "",
		NewMembers: change.Members, NullNewMembers: change.Members == "",
		ConfigVersion: change.Version,
	}.Append(nil)
	reply, err := c.call(ctx, zk.OpReconfig, "", body)
	if err != nil {
		return nil, Stat{}, err
	}
	var r wire.GetDataResponse
	err = decode(zk.OpReconfig, "", reply, &r)
	return r.Data, r.Stat, err
}
