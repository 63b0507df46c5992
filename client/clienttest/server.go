// Package clienttest is a toy server for tests of clients: one map of nodes in
// memory, one connection after the other or several at once, no disk, no
// permissions. It speaks enough of the protocol to create, read, change, delete
// and watch nodes.
package clienttest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A Server listens on a port of the loopback interface until its test ends.
type Server struct {
	listener net.Listener
	group    sync.WaitGroup

	mu       sync.Mutex
	zxid     zk.Zxid
	sessions map[zk.SessionID]bool
	next     zk.SessionID
	nodes    map[string]*node
	conns    map[*conn]bool
	seen     []zk.OpCode
}

type node struct {
	data []byte
	acl  []zk.ACL
	stat zk.Stat
}

// New starts a Server.
func New(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{
		listener: l, next: 0x100,
		sessions: map[zk.SessionID]bool{}, conns: map[*conn]bool{},
		nodes: map[string]*node{"/": {}},
	}
	s.group.Go(s.accept)
	t.Cleanup(func() {
		l.Close()
		s.Disconnect()
		s.group.Wait()
	})
	return s
}

// Addr returns host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Disconnect closes every connection; sessions live on.
func (s *Server) Disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.stream.Close()
	}
}

// Expire forgets all sessions and closes their connections.
func (s *Server) Expire() {
	s.mu.Lock()
	clear(s.sessions)
	s.mu.Unlock()
	s.Disconnect()
}

// Seen returns the operations that arrived, pings left out.
func (s *Server) Seen() []zk.OpCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

func (s *Server) accept() {
	for {
		stream, err := s.listener.Accept()
		if err != nil {
			return
		}
		c := &conn{s: s, stream: stream, watches: map[watch]bool{}}
		s.mu.Lock()
		s.conns[c] = true
		s.mu.Unlock()
		s.group.Go(c.serve)
	}
}

// A watch is for a node's data, or for its children.
type watch struct {
	path  string
	child bool
}

// A conn is one connection.
type conn struct {
	s       *Server
	stream  net.Conn
	watches map[watch]bool
}

func (c *conn) serve() {
	defer func() {
		c.stream.Close()
		c.s.mu.Lock()
		delete(c.s.conns, c)
		c.s.mu.Unlock()
	}()
	in := bufio.NewReader(c.stream)
	frame, err := read(in)
	if err != nil || !c.attach(frame) {
		return
	}
	for {
		if frame, err = read(in); err != nil {
			return
		}
		var h wire.RequestHeader
		if h.Decode(frame) != nil || !c.request(h, frame[wire.RequestHeaderLen:]) {
			return
		}
	}
}

func read(in io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	frame := make([]byte, min(binary.BigEndian.Uint32(head[:]), 1<<20))
	_, err := io.ReadFull(in, frame)
	return frame, err
}

// attach answers a connect request.
func (c *conn) attach(frame []byte) bool {
	var q wire.ConnectRequest
	if q.Decode(frame) != nil {
		return false
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	r := wire.ConnectResponse{Password: make([]byte, zk.PasswordLen), HasReadOnly: q.HasReadOnly}
	if q.Session == 0 {
		c.s.next++
		q.Session = c.s.next
		c.s.sessions[q.Session] = true
	}
	known := c.s.sessions[q.Session]
	if known {
		r.Session, r.Timeout = q.Session, q.Timeout
	}
	_, err := c.stream.Write(wire.AppendFrame(nil, r.Append(nil)))
	return known && err == nil
}

// request answers one request, events first, and reports whether the connection
// goes on.
func (c *conn) request(h wire.RequestHeader, body []byte) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if h.Op != zk.OpPing {
		c.s.seen = append(c.s.seen, h.Op)
	}
	reply, code := c.do(h.Op, body)
	out, at := wire.BeginFrame(nil)
	out = wire.ReplyHeader{Xid: h.Xid, Zxid: c.s.zxid, Err: code}.Append(out)
	if code == zk.OK && reply != nil {
		out = reply.Append(out)
	}
	_, err := c.stream.Write(wire.EndFrame(out, at))
	return err == nil && h.Op != zk.OpCloseSession && code != zk.AuthFailed
}

func (c *conn) do(op zk.OpCode, body []byte) (wire.Record, zk.Code) {
	switch op {
	case zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer:
		var r wire.CreateRequest
		_ = r.Decode(body) // a toy trusts its clients
		return c.create(r)
	case zk.OpDelete:
		var r wire.DeleteRequest
		_ = r.Decode(body)
		return nil, c.remove(r)
	case zk.OpSetData:
		var r wire.SetDataRequest
		_ = r.Decode(body)
		return c.set(r)
	case zk.OpMulti:
		var r wire.MultiRequest
		_ = r.Decode(body)
		return c.multi(r), zk.OK
	case zk.OpAuth:
		var r wire.AuthRequest
		_ = r.Decode(body)
		if r.Scheme != "digest" {
			return nil, zk.AuthFailed
		}
		return nil, zk.OK
	case zk.OpExists, zk.OpGetData, zk.OpGetChildren2:
		var r wire.PathWatchRequest
		_ = r.Decode(body)
		return c.look(op, r)
	case zk.OpSetWatches, zk.OpSetWatches2:
		var r wire.SetWatchesRequest
		_ = r.Decode(body)
		for _, path := range append(r.Data, r.Exist...) {
			c.watches[watch{path: path}] = true
		}
		for _, path := range r.Child {
			c.watches[watch{path: path, child: true}] = true
		}
		return nil, zk.OK
	case zk.OpGetACL:
		var r wire.PathRequest
		_ = r.Decode(body)
		if n := c.s.nodes[r.Path]; n != nil {
			return wire.GetACLResponse{ACL: n.acl, Stat: n.stat}, zk.OK
		}
		return nil, zk.NoNode
	case zk.OpSync:
		var r wire.PathRequest
		_ = r.Decode(body)
		return wire.PathResponse{Path: r.Path}, zk.OK
	case zk.OpPing, zk.OpCloseSession:
		return nil, zk.OK
	}
	return nil, zk.Unimplemented
}

func (c *conn) create(r wire.CreateRequest) (wire.Record, zk.Code) {
	parent, _ := zk.Parent(r.Path)
	if c.s.nodes[parent] == nil {
		return nil, zk.NoNode
	}
	if r.Flags.Sequential() {
		r.Path = zk.SequentialPath(r.Path, c.s.nodes[parent].stat.Cversion)
	}
	if c.s.nodes[r.Path] != nil {
		return nil, zk.NodeExists
	}
	c.s.zxid++
	n := &node{data: r.Data, acl: r.ACL}
	n.stat = zk.Stat{Czxid: c.s.zxid, Mzxid: c.s.zxid, Pzxid: c.s.zxid, DataLength: int32(len(r.Data))}
	c.s.nodes[r.Path] = n
	c.s.nodes[parent].stat.Cversion++
	c.s.fire(zk.EventCreated, r.Path)
	c.s.fire(zk.EventChildrenChanged, parent)
	return wire.Create2Response{Path: r.Path, Stat: n.stat}, zk.OK
}

func (c *conn) remove(r wire.DeleteRequest) zk.Code {
	n := c.s.nodes[r.Path]
	switch {
	case n == nil:
		return zk.NoNode
	case r.Version != -1 && r.Version != n.stat.Version:
		return zk.BadVersion
	case len(c.s.children(r.Path)) > 0:
		return zk.NotEmpty
	}
	c.s.zxid++
	delete(c.s.nodes, r.Path)
	parent, _ := zk.Parent(r.Path)
	c.s.fire(zk.EventDeleted, r.Path)
	c.s.fire(zk.EventChildrenChanged, parent)
	return zk.OK
}

func (c *conn) set(r wire.SetDataRequest) (wire.Record, zk.Code) {
	n := c.s.nodes[r.Path]
	switch {
	case n == nil:
		return nil, zk.NoNode
	case r.Version != -1 && r.Version != n.stat.Version:
		return nil, zk.BadVersion
	}
	c.s.zxid++
	n.data, n.stat.Mzxid, n.stat.DataLength = r.Data, c.s.zxid, int32(len(r.Data))
	n.stat.Version++
	c.s.fire(zk.EventDataChanged, r.Path)
	return wire.StatResponse{Stat: n.stat}, zk.OK
}

// multi does the operations one by one; after a failure it reports it, and does
// not undo.
func (c *conn) multi(r wire.MultiRequest) wire.Record {
	var results wire.MultiResponse
	for i, op := range r.Ops {
		reply, code := c.do(op.Op, op.Body.Append(nil))
		if code != zk.OK {
			results.Results = make([]wire.MultiResult, len(r.Ops))
			for j := range results.Results {
				results.Results[j] = wire.MultiResult{Op: zk.OpError}
				if j > i {
					results.Results[j].Code = zk.RuntimeInconsistency
				}
			}
			results.Results[i].Code = code
			return results
		}
		one := wire.MultiResult{Op: op.Op}
		switch reply := reply.(type) {
		case wire.Create2Response:
			one.Path, one.Stat = reply.Path, reply.Stat
		case wire.StatResponse:
			one.Stat = reply.Stat
		}
		results.Results = append(results.Results, one)
	}
	return results
}

func (c *conn) look(op zk.OpCode, r wire.PathWatchRequest) (wire.Record, zk.Code) {
	n := c.s.nodes[r.Path]
	if r.Watch && (n != nil || op == zk.OpExists) {
		c.watches[watch{path: r.Path, child: op == zk.OpGetChildren2}] = true
	}
	if n == nil {
		return nil, zk.NoNode
	}
	names := c.s.children(r.Path)
	stat := n.stat
	stat.NumChildren = int32(len(names))
	switch op {
	case zk.OpGetData:
		return wire.GetDataResponse{Data: n.data, Stat: stat}, zk.OK
	case zk.OpGetChildren2:
		return wire.Children2Response{Children: names, Stat: stat}, zk.OK
	}
	return wire.StatResponse{Stat: stat}, zk.OK
}

// children returns the names of path's children in no useful order.
func (s *Server) children(path string) []string {
	names := []string{}
	for p := range s.nodes {
		if parent, _ := zk.Parent(p); parent == path && p != "/" {
			names = append(names, zk.Base(p))
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	return names
}

// fire tells every connection that watches path, once.
func (s *Server) fire(t zk.EventType, path string) {
	data, child := watch{path: path}, watch{path: path, child: true}
	for c := range s.conns {
		told := false
		if t != zk.EventChildrenChanged && c.watches[data] {
			delete(c.watches, data)
			told = true
		}
		if (t == zk.EventChildrenChanged || t == zk.EventDeleted) && c.watches[child] {
			delete(c.watches, child)
			told = true
		}
		if told {
			_, _ = c.stream.Write(wire.AppendNotification(nil, s.zxid, t, path))
		}
	}
}
