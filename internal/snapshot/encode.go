package snapshot

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// openACL is the number of world:anyone:cdrwa, which is never in the table.
const openACL int64 = -1

// endOfNodes stands where the path of a next node would.
const endOfNodes = "/"

// pieceLen is about how much is handed to the writer at a time.
const pieceLen = 64 << 10

// An encoder writes what files and streams have in common: sessions, ACL table,
// nodes and their end.
type encoder struct {
	w    io.Writer
	buf  []byte
	acls aclTable
}

// An aclTable numbers the lists of a snapshot from 1, in the order of the walk.
type aclTable struct {
	ids   map[string]int64
	lists []string // encoded
	key   []byte
}

// id returns the number of a list, a new one for a new list.
func (t *aclTable) id(acl []zk.ACL) int64 {
	if len(acl) == 1 && acl[0] == (zk.ACL{Perms: zk.PermAll, ID: zk.WorldAnyone}) {
		return openACL
	}
	if acl == nil {
		acl = []zk.ACL{} // a null vector cannot be read by ZooKeeper (disk.md 4.3)
	}
	t.key = jute.AppendACLs(t.key[:0], acl)
	if id, ok := t.ids[string(t.key)]; ok {
		return id
	}
	if t.ids == nil {
		t.ids = map[string]int64{}
	}
	key := string(t.key)
	t.lists = append(t.lists, key)
	t.ids[key] = int64(len(t.lists))
	return t.ids[key]
}

// encode walks src twice: the table of lists comes before the nodes.
func (e *encoder) encode(src Source) error {
	err := src.Walk(func(n *Node) error {
		e.acls.id(n.ACL)
		return nil
	})
	if err != nil {
		return err
	}
	e.sessions(src.Sessions())
	e.buf = jute.AppendInt32(e.buf, int32(len(e.acls.lists)))
	for i, list := range e.acls.lists {
		e.buf = jute.AppendInt64(e.buf, int64(i+1))
		e.buf = append(e.buf, list...)
	}
	tabled := len(e.acls.lists)
	if err := src.Walk(e.node); err != nil {
		return err
	}
	if len(e.acls.lists) != tabled {
		return fmt.Errorf("the two walks over the tree at %v saw different access lists", src.Zxid())
	}
	e.buf = jute.AppendString(e.buf, endOfNodes)
	return nil
}

func (e *encoder) sessions(timeouts map[zk.SessionID]int32) {
	e.buf = jute.AppendInt32(e.buf, int32(len(timeouts)))
	for _, id := range slices.Sorted(maps.Keys(timeouts)) {
		e.buf = jute.AppendInt64(e.buf, int64(id))
		e.buf = jute.AppendInt32(e.buf, timeouts[id])
	}
}

func (e *encoder) node(n *Node) error {
	e.buf = jute.AppendString(e.buf, n.Path)
	e.buf = jute.AppendBuffer(e.buf, n.Data)
	e.buf = jute.AppendInt64(e.buf, e.acls.id(n.ACL))
	e.buf = jute.AppendStatPersisted(e.buf, n.Stat)
	if len(e.buf) < pieceLen {
		return nil
	}
	return e.flush()
}

func (e *encoder) flush() error {
	_, err := e.w.Write(e.buf)
	e.buf = e.buf[:0]
	return err
}

// signature ends a stream (quorum.md 4.7).
const signature = "BenWasHere"

// WriteStream writes what follows a SNAP packet, signature included.
func WriteStream(w io.Writer, src Source) error {
	e := encoder{w: w}
	if err := e.encode(src); err != nil {
		return err
	}
	e.buf = jute.AppendString(e.buf, signature)
	return e.flush()
}
