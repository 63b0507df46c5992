//go:build interop

package differ

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A canon makes the answers of one server comparable. What cannot be equal is
// replaced by what must be: zxids by those that Ostler gave, sessions by their
// number, times by nothing once they are known to be those of their zxid.
type canon struct {
	side     side
	zxids    *zxidMap
	sessions map[zk.SessionID]int
	times    map[zk.Zxid]int64
	wrong    []string // what should have held on this server alone
}

func newCanon(s side, zxids *zxidMap) *canon {
	return &canon{side: s, zxids: zxids, sessions: map[zk.SessionID]int{0: 0}, times: map[zk.Zxid]int64{}}
}

func (c *canon) complain(format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf("%v: ", c.side)+fmt.Sprintf(format, args...))
}

// zxid translates a zxid to Ostler's. Those from before the servers were compared
// are all alike.
func (c *canon) zxid(z zk.Zxid) zk.Zxid {
	switch start := c.zxids.points[0]; {
	case z <= 0:
		return z
	case c.side == ostler && z < start.ostler, c.side == apache && z < start.apache:
		return 0
	case c.side == apache:
		return c.zxids.fromApache(z)
	}
	return z
}

// position translates the zxid of a header: where the server stands.
func (c *canon) position(z zk.Zxid) zk.Zxid {
	if c.side == apache && z > 0 {
		return c.zxids.position(z)
	}
	return z
}

// session translates a session id to a number of the script.
func (c *canon) session(id zk.SessionID) zk.SessionID {
	if n, ok := c.sessions[id]; ok {
		return zk.SessionID(n)
	}
	return id
}

// stat translates a Stat. Every time is that of the transaction that set it.
func (c *canon) stat(s zk.Stat) zk.Stat {
	s.Ctime, s.Mtime = c.time(s.Czxid, s.Ctime), c.time(s.Mzxid, s.Mtime)
	s.Czxid, s.Mzxid, s.Pzxid = c.zxid(s.Czxid), c.zxid(s.Mzxid), c.zxid(s.Pzxid)
	s.EphemeralOwner = c.session(s.EphemeralOwner)
	return s
}

func (c *canon) time(z zk.Zxid, ms int64) int64 {
	known, ok := c.times[z]
	if !ok {
		c.times[z], known = ms, ms
		if d := time.Since(time.UnixMilli(ms)).Abs(); z > 0 && d > time.Hour || z == 0 && ms != 0 {
			c.complain("transaction %v has time %d, %v from now", z, ms, d)
		}
	}
	if known != ms {
		c.complain("transaction %v has time %d here, %d elsewhere", z, ms, known)
	}
	return 0
}

// A canonical answer is one that can be compared.
type canonical struct {
	kind gotKind
	head wire.ReplyHeader
	body string
}

// answer translates what came. The header's xid must be the request's.
func (c *canon) answer(g got) canonical {
	a := canonical{kind: g.kind, head: g.head}
	a.head.Zxid = c.position(g.head.Zxid)
	want := g.req.xid
	if g.req.op == zk.OpPing {
		want = wire.XidPing
	}
	if g.kind == replied && g.head.Xid != want {
		c.complain("%v answers xid %d", g.req, g.head.Xid)
	}
	switch {
	case g.kind == greeted:
		a.body = c.greeting(g.body)
	case g.kind == replied && g.head.Err == zk.OK:
		a.body = string(c.body(g.req.op, g.body))
	default:
		a.body = string(g.body)
	}
	return a
}

func (c *canon) greeting(b []byte) string {
	var r wire.ConnectResponse
	if err := r.Decode(b); err != nil || !bytes.Equal(r.Append(nil), b) {
		return string(b)
	}
	want := zk.Password(r.Session)
	if r.Session == 0 {
		want = [zk.PasswordLen]byte{}
	}
	if !bytes.Equal(r.Password, want[:]) {
		c.complain("password %x of session %v", r.Password, r.Session)
	}
	r.Password, r.Session = nil, c.session(r.Session)
	return string(r.Append(nil))
}

// record is a reply that can be taken apart and put together again.
type record interface {
	wire.Record
	Decode(b []byte) error
}

// body translates the body of a successful reply. Names come in any order from
// Apache and sorted from Ostler (client-protocol.md 12, decisions.md 7).
func (c *canon) body(op zk.OpCode, b []byte) []byte {
	r, change := c.bodyOf(op)
	if r == nil {
		return b
	}
	if err := r.Decode(b); err != nil || !bytes.Equal(r.Append(nil), b) {
		c.complain("reply to %v is not one: %x", op, b)
		return b
	}
	change()
	return r.Append(nil)
}

func (c *canon) bodyOf(op zk.OpCode) (record, func()) {
	switch op {
	case zk.OpExists, zk.OpSetData, zk.OpSetACL:
		r := &wire.StatResponse{}
		return r, func() { r.Stat = c.stat(r.Stat) }
	case zk.OpGetData:
		r := &wire.GetDataResponse{}
		return r, func() { r.Stat = c.stat(r.Stat) }
	case zk.OpGetACL:
		r := &wire.GetACLResponse{}
		return r, func() { r.Stat = c.stat(r.Stat) }
	case zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL:
		r := &wire.Create2Response{}
		return r, func() { r.Stat = c.stat(r.Stat) }
	case zk.OpGetChildren, zk.OpGetEphemerals:
		r := &wire.ChildrenResponse{}
		return r, func() { c.sort(r.Children) }
	case zk.OpGetChildren2:
		r := &wire.Children2Response{}
		return r, func() { c.sort(r.Children); r.Stat = c.stat(r.Stat) }
	case zk.OpMulti, zk.OpMultiRead:
		r := &wire.MultiResponse{}
		return r, func() { c.results(r.Results) }
	case zk.OpWhoAmI:
		r := &wire.WhoAmIResponse{}
		return r, func() {
			slices.SortFunc(r.Clients, func(a, b zk.ID) int { return strings.Compare(a.Scheme+a.ID, b.Scheme+b.ID) })
		}
	}
	return nil, nil
}

func (c *canon) results(list []wire.MultiResult) {
	for i := range list {
		list[i].Stat = c.stat(list[i].Stat)
		c.sort(list[i].Children)
	}
}

func (c *canon) sort(names []string) {
	if c.side == ostler && !slices.IsSorted(names) {
		c.complain("names are not sorted: %q", names)
	}
	slices.Sort(names)
}

// describeGot writes an answer for people.
func (c *canon) describeGot(g got) string {
	switch g.kind {
	case closed:
		return "connection closed"
	case silent:
		return fmt.Sprintf("no answer to %d %v", g.req.xid, g.req.op)
	case greeted:
		var r wire.ConnectResponse
		r.Decode(g.body)
		return fmt.Sprintf("greeting session %v (number %d) timeout %d, %d bytes", r.Session, c.session(r.Session), r.Timeout, len(g.body))
	case event:
		var e wire.WatcherEvent
		e.Decode(g.body)
		return fmt.Sprintf("event zxid %v type %d %q", g.head.Zxid, e.Type, e.Path)
	}
	s := fmt.Sprintf("reply to %d %v: xid %d zxid %v (%v) err %d", g.req.xid, g.req.op, g.head.Xid, g.head.Zxid, c.position(g.head.Zxid), g.head.Err)
	if r, change := c.bodyOf(g.req.op); r != nil && g.head.Err == zk.OK && r.Decode(g.body) == nil {
		change()
		if m, ok := r.(*wire.MultiResponse); ok {
			return s + describeResults(m.Results)
		}
		return s + fmt.Sprintf(" %+v", r)
	}
	return s + fmt.Sprintf(" %x", g.body)
}

// describeResults writes the results of a multi in short.
func describeResults(list []wire.MultiResult) string {
	var b strings.Builder
	for _, r := range list {
		switch r.Op {
		case zk.OpError:
			fmt.Fprintf(&b, " [%d]", r.Code)
		case zk.OpDelete, zk.OpCheck:
			fmt.Fprintf(&b, " [%v]", r.Op)
		default:
			fmt.Fprintf(&b, " [%v %q %q %q %+v]", r.Op, r.Path, r.Data, r.Children, r.Stat)
		}
	}
	return b.String()
}
