package resize

import (
	"fmt"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
	"ostler/test/rawclient"
)

// A tree is all that a server has, by path.
type tree map[string]node

type node struct {
	data string
	stat zk.Stat
}

// attach opens a session of its own at a server.
func attach(t *testing.T, addr string) *rawclient.Session {
	t.Helper()
	s := &rawclient.Session{Timeout: sessionTimeout}
	must(t, s.Attach(addr, sessionTimeout))
	t.Cleanup(s.Detach)
	return s
}

// call wants success.
func call(t *testing.T, s *rawclient.Session, op zk.OpCode, body wire.Record) []byte {
	t.Helper()
	h, reply, err := s.Call(op, body)
	must(t, err)
	if h.Err != zk.OK {
		t.Fatalf("%v %+v: %v", op, body, h.Err)
	}
	return reply
}

// read reads the tree of a server, up to what was committed when it began.
func read(t *testing.T, addr string) tree {
	t.Helper()
	s := attach(t, addr)
	defer s.End()
	call(t, s, zk.OpSync, wire.PathRequest{Path: "/"})
	all := make(tree)
	for todo := []string{"/"}; len(todo) > 0; {
		path := todo[0]
		todo = todo[1:]
		var data wire.GetDataResponse
		must(t, data.Decode(call(t, s, zk.OpGetData, wire.PathWatchRequest{Path: path})))
		if path == zk.PathConfig {
			data.Stat = zk.Stat{} // each server makes this by its own clock (quorum.md 5.5)
		}
		all[path] = node{string(data.Data), data.Stat}
		if data.Stat.NumChildren == 0 {
			continue
		}
		for _, name := range children(t, s, path) {
			todo = append(todo, join(path, name))
		}
	}
	return all
}

func children(t *testing.T, s *rawclient.Session, path string) []string {
	t.Helper()
	var r wire.ChildrenResponse
	must(t, r.Decode(call(t, s, zk.OpGetChildren, wire.PathWatchRequest{Path: path})))
	return r.Children
}

func join(path, name string) string {
	if path == "/" {
		return "/" + name
	}
	return path + "/" + name
}

// diff tells one thing in which two trees differ, "" if there is none.
func (a tree) diff(b tree) string {
	for path, n := range a {
		if other, ok := b[path]; !ok || other != n {
			return fmt.Sprintf("%s: %+v and %v %+v", path, n, ok, other)
		}
	}
	for path := range b {
		if _, ok := a[path]; !ok {
			return path + " is in the second only"
		}
	}
	return ""
}

// remove removes the children of a node.
func remove(t *testing.T, addr, path string) {
	t.Helper()
	s := attach(t, addr)
	defer s.End()
	call(t, s, zk.OpSync, wire.PathRequest{Path: "/"})
	for _, name := range children(t, s, path) {
		call(t, s, zk.OpDelete, wire.DeleteRequest{Path: join(path, name), Version: -1})
	}
}
