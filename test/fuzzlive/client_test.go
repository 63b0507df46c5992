package fuzzlive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A peer is a session on one connection of a well-behaved client. It never
// reconnects: losing the connection is a failure.
type peer struct {
	conn    net.Conn
	r       *bufio.Reader
	session zk.SessionID
	xid     int32
	events  []wire.WatcherEvent
}

func connect(addr string) (*peer, error) {
	conn, err := net.DialTimeout("tcp", addr, sessionMax)
	if err != nil {
		return nil, err
	}
	p := &peer{conn: conn, r: bufio.NewReader(conn)}
	if err := p.greet(); err != nil {
		conn.Close()
		return nil, err
	}
	return p, nil
}

func (p *peer) greet() error {
	hello := wire.ConnectRequest{Timeout: int32(sessionMax.Milliseconds()), Password: make([]byte, zk.PasswordLen), HasReadOnly: true}
	p.conn.SetDeadline(time.Now().Add(sessionMax))
	if _, err := p.conn.Write(wire.AppendFrame(nil, hello.Append(nil))); err != nil {
		return err
	}
	b, err := p.frame()
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	var r wire.ConnectResponse
	if err := r.Decode(b); err != nil {
		return err
	}
	if r.Session == 0 {
		return errors.New("the session was refused")
	}
	p.session = r.Session
	return nil
}

func (p *peer) frame() ([]byte, error) {
	var n [wire.FrameHeaderLen]byte
	if _, err := io.ReadFull(p.r, n[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	_, err := io.ReadFull(p.r, b)
	return b, err
}

// decoder is the body of a reply.
type decoder interface{ Decode(b []byte) error }

// call sends a request and waits for its reply, at most as long as a session may be
// silent. Any refusal is an error.
func (p *peer) call(op zk.OpCode, body wire.Record, reply decoder) error {
	p.xid++
	xid := p.xid
	if op == zk.OpPing {
		xid = wire.XidPing
	}
	b := wire.RequestHeader{Xid: xid, Op: op}.Append(nil)
	if body != nil {
		b = body.Append(b)
	}
	p.conn.SetDeadline(time.Now().Add(sessionMax))
	if _, err := p.conn.Write(wire.AppendFrame(nil, b)); err != nil {
		return fmt.Errorf("%v: %w", op, err)
	}
	h, b, err := p.reply()
	switch {
	case err != nil:
		return fmt.Errorf("%v: %w", op, err)
	case h.Xid != xid:
		return fmt.Errorf("%v: the reply has xid %d, want %d", op, h.Xid, xid)
	case h.Err != zk.OK:
		return fmt.Errorf("%v: %w", op, h.Err)
	case reply == nil:
		return nil
	}
	return reply.Decode(b)
}

// reply reads the next reply; events before it are kept.
func (p *peer) reply() (h wire.ReplyHeader, body []byte, err error) {
	for {
		if h, body, err = p.next(); err != nil || h.Xid != wire.XidNotification {
			return h, body, err
		}
		if err := p.keep(body); err != nil {
			return h, nil, err
		}
	}
}

func (p *peer) next() (h wire.ReplyHeader, body []byte, err error) {
	b, err := p.frame()
	if err != nil {
		return h, nil, err
	}
	if err := h.Decode(b); err != nil {
		return h, nil, err
	}
	return h, b[wire.ReplyHeaderLen:], nil
}

func (p *peer) keep(body []byte) error {
	var e wire.WatcherEvent
	err := e.Decode(body)
	p.events = append(p.events, e)
	return err
}

// wantEvent waits for one event and wants it to be this one, and no other.
func (p *peer) wantEvent(t zk.EventType, path string) error {
	p.conn.SetDeadline(time.Now().Add(sessionMax))
	for len(p.events) == 0 {
		h, body, err := p.next()
		if err != nil {
			return fmt.Errorf("event of %s: %w", path, err)
		}
		if h.Xid != wire.XidNotification {
			return fmt.Errorf("reply %+v instead of the event of %s", h, path)
		}
		if err := p.keep(body); err != nil {
			return err
		}
	}
	want := []wire.WatcherEvent{{Type: t, State: wire.StateSyncConnected, Path: path}}
	if !slices.Equal(p.events, want) {
		return fmt.Errorf("events %+v, want %+v", p.events, want)
	}
	p.events = nil
	return nil
}

// end closes the session and waits until the server has closed the connection.
func (p *peer) end() error {
	defer p.conn.Close()
	if err := p.call(zk.OpCloseSession, nil, nil); err != nil {
		return err
	}
	if b, err := io.ReadAll(p.r); err != nil || len(b) > 0 {
		return fmt.Errorf("after closeSession: %x, %w", b, err)
	}
	return nil
}

// The nodes of the workers are theirs alone: others may read.
var (
	ownerAuth = wire.AuthRequest{Scheme: "digest", Auth: []byte("worker:secret")}
	ownerACL  = []zk.ACL{
		{Perms: zk.PermAll, ID: zk.ID{Scheme: "auth"}},
		{Perms: zk.PermRead, ID: zk.WorldAnyone},
	}
)

// login connects to the i-th server as a worker.
func (w *world) login(i int) (*peer, error) {
	p, err := connect(w.addr(i))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.sessions = append(w.sessions, p.session)
	w.mu.Unlock()
	return p, p.call(zk.OpAuth, ownerAuth, nil)
}

func create(path string, data []byte, mode zk.CreateMode) wire.CreateRequest {
	return wire.CreateRequest{Path: path, Data: data, ACL: ownerACL, Flags: mode}
}

// prepare makes the node below which the workers work.
func (w *world) prepare() error {
	p, err := w.login(0)
	if err != nil {
		return err
	}
	if err := p.call(zk.OpCreate, create("/good", nil, 0), nil); err != nil {
		return err
	}
	return p.end()
}

// A worker writes in one session and watches in another, on another server.
type worker struct {
	root            string
	writer, watcher *peer
	version         int32
}

// work does rounds of work until ctx ends, and says goodbye.
func (w *world) work(ctx context.Context, i int) (rounds int, err error) {
	k := &worker{root: fmt.Sprintf("/good/%d", i)}
	if k.writer, err = w.login(i); err != nil {
		return 0, err
	}
	if k.watcher, err = w.login(i + 1); err != nil {
		return 0, err
	}
	for _, c := range []wire.CreateRequest{
		create(k.root, nil, 0), create(k.root+"/data", nil, 0), create(k.root+"/alive", nil, zk.ModeEphemeral),
	} {
		if err := k.writer.call(zk.OpCreate, c, nil); err != nil {
			return 0, err
		}
	}
	for ; ctx.Err() == nil; rounds++ {
		if err := k.round(rounds); err != nil {
			return rounds, err
		}
	}
	return rounds, errors.Join(k.writer.end(), k.watcher.end())
}

// round changes a node and the children of another under watches, and checks all
// that can be read of it.
func (k *worker) round(n int) error {
	for _, step := range []func(int) error{k.changeData, k.changeChildren, k.keepAlive} {
		if err := step(n); err != nil {
			return err
		}
	}
	return nil
}

func (k *worker) changeData(n int) error {
	path, data := k.root+"/data", fmt.Appendf(nil, "round %d", n)
	if err := k.sync(); err != nil {
		return err
	}
	if err := k.watcher.call(zk.OpGetData, wire.PathWatchRequest{Path: path, Watch: true}, &wire.GetDataResponse{}); err != nil {
		return err
	}
	var set wire.StatResponse
	if err := k.writer.call(zk.OpSetData, wire.SetDataRequest{Path: path, Data: data, Version: k.version}, &set); err != nil {
		return err
	}
	if k.version++; set.Stat.Version != k.version {
		return fmt.Errorf("%s has version %d, want %d", path, set.Stat.Version, k.version)
	}
	if err := k.watcher.wantEvent(zk.EventDataChanged, path); err != nil {
		return err
	}
	var got wire.GetDataResponse
	if err := k.watcher.call(zk.OpGetData, wire.PathWatchRequest{Path: path}, &got); err != nil {
		return err
	}
	if !bytes.Equal(got.Data, data) || got.Stat != set.Stat {
		return fmt.Errorf("%s holds %q %+v, want %q %+v", path, got.Data, got.Stat, data, set.Stat)
	}
	return nil
}

func (k *worker) changeChildren(int) error {
	if err := k.watcher.call(zk.OpGetChildren, wire.PathWatchRequest{Path: k.root, Watch: true}, &wire.ChildrenResponse{}); err != nil {
		return err
	}
	var made wire.Create2Response
	if err := k.writer.call(zk.OpCreate2, create(k.root+"/e-", nil, zk.ModeEphemeralSequential), &made); err != nil {
		return err
	}
	if err := k.watcher.wantEvent(zk.EventChildrenChanged, k.root); err != nil {
		return err
	}
	var children wire.ChildrenResponse
	if err := k.watcher.call(zk.OpGetChildren, wire.PathWatchRequest{Path: k.root}, &children); err != nil {
		return err
	}
	if want := []string{"alive", "data", made.Path[len(k.root)+1:]}; !slices.Equal(children.Children, want) {
		return fmt.Errorf("%s has children %q, want %q", k.root, children.Children, want)
	}
	if err := k.writer.call(zk.OpDelete, wire.DeleteRequest{Path: made.Path, Version: 0}, nil); err != nil {
		return err
	}
	return k.sync()
}

// keepAlive wants the session's ephemeral to be there, and both sessions to answer.
func (k *worker) keepAlive(int) error {
	var r wire.StatResponse
	if err := k.watcher.call(zk.OpExists, wire.PathWatchRequest{Path: k.root + "/alive"}, &r); err != nil {
		return err
	}
	if r.Stat.EphemeralOwner != k.writer.session {
		return fmt.Errorf("%s/alive belongs to %v, want %v", k.root, r.Stat.EphemeralOwner, k.writer.session)
	}
	return errors.Join(k.writer.call(zk.OpPing, nil, nil), k.watcher.call(zk.OpPing, nil, nil))
}

// sync brings the watcher's server to where the writer is.
func (k *worker) sync() error {
	return k.watcher.call(zk.OpSync, wire.PathRequest{Path: k.root}, &wire.PathResponse{})
}
