//go:build interop

package differ

import (
	"encoding/hex"
	"fmt"
	"strings"

	"ostler/internal/jute"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A script is what a seed makes. Its steps stand for themselves: those that
// cannot be done, because the ones before were taken out, are left out.
type script struct {
	seed  uint64
	steps []step
}

// root is the node that every path but the built-in ones is below. It is as long
// as those that take its place.
const root = "/s000000"

// rootsMax is how many there are.
const rootsMax = 1_000_000

// slots is how many clients a script has. Each has a session and at most one
// connection.
const slots = 4

// An action is what a step does.
type action int

const (
	send        action = iota // requests on the slot's connection
	connect                   // a new session, with requests right behind
	resume                    // the slot takes over the session of slot from
	wrong                     // the same with a wrong password
	unknown                   // a session that does not exist
	ahead                     // a client that has seen a later zxid
	badConnect                // a ConnectRequest cut off at cut
	disconnect                // the client closes the slot's connection
	closeOldest               // at the end: the oldest session is taken over and closed
	audit                     // at the end: what is left is looked at
	actionCount
)

var actionNames = [...]string{"send", "connect", "resume", "wrong password", "unknown session", "zxid ahead", "bad connect", "disconnect", "close the oldest session", "audit"}

func (a action) String() string { return actionNames[a] }

// A step is one thing that happens before both servers are looked at again.
type step struct {
	slot     int
	act      action
	from     int // whose session
	timeout  int32
	readOnly bool // the ConnectRequest has the field readOnly
	nullPass bool // a new session with a null password
	cut      int
	reqs     []request
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d steps\n", s.seed, len(s.steps))
	for i, st := range s.steps {
		fmt.Fprintf(&b, "%3d %v\n", i, st)
	}
	return b.String()
}

func (s step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "client %d: %v", s.slot, s.act)
	switch s.act {
	case resume, wrong:
		fmt.Fprintf(&b, " of client %d", s.from)
	case badConnect:
		fmt.Fprintf(&b, " of %d bytes", s.cut)
	}
	if s.act != send && s.act != disconnect {
		fmt.Fprintf(&b, ", timeout %d, readOnly field %v", s.timeout, s.readOnly)
	}
	for _, r := range s.reqs {
		fmt.Fprintf(&b, "\n    %v", r)
	}
	return b.String()
}

// A request is one frame of a client.
type request struct {
	xid   int32
	op    zk.OpCode
	body  wire.Record
	raw   []byte // what is sent as the body instead, if not nil
	frame []byte // what is sent in place of everything, if not nil
	mark  bool   // the ping that ends a step
}

func (r request) String() string {
	if r.frame != nil {
		return "bytes " + hex.EncodeToString(r.frame)
	}
	s := fmt.Sprintf("%d %v %s", r.xid, r.op, describe(r.body))
	if r.raw != nil {
		s += " as " + hex.EncodeToString(r.raw)
	}
	return s
}

// append appends the frame. zxid gives the zxid that lies so many transactions
// back.
func (r request) append(dst []byte, zxid func(back int64) zk.Zxid) []byte {
	if r.frame != nil {
		return append(dst, r.frame...)
	}
	dst, at := wire.BeginFrame(dst)
	dst = wire.RequestHeader{Xid: r.xid, Op: r.op}.Append(dst)
	if body, ok := r.body.(setWatches); ok {
		body.RelativeZxid = zxid(body.back)
		dst = body.Append(dst)
	} else {
		dst = append(dst, r.sent()...)
	}
	return wire.EndFrame(dst, at)
}

// sent returns the body.
func (r request) sent() []byte {
	switch {
	case r.raw != nil:
		return r.raw
	case r.body != nil:
		return r.body.Append(nil)
	}
	return nil
}

// alone reports whether a request ends its connection, or has an answer that
// may overtake others: such a one is alone in its step.
func (r request) alone() bool {
	switch r.op {
	case zk.OpAuth, zk.OpSASL, zk.OpCloseSession, zk.OpCheck, zk.OpCreateSession, zk.OpDeleteContainer:
		return true
	}
	return r.frame != nil || !known(r.op)
}

// A setWatches is a SetWatchesRequest whose zxid is told at play.
type setWatches struct {
	wire.SetWatchesRequest
	back int64
	two  bool   // setWatches2
	null int    // number of the list that is null, from 1
	cut  int    // bytes left out at the end
	tail []byte // bytes too many
}

// Append implements wire.Record.
func (s setWatches) Append(dst []byte) []byte {
	start := len(dst)
	dst = jute.AppendInt64(dst, int64(s.RelativeZxid))
	lists := [][]string{s.Data, s.Exist, s.Child}
	if s.two {
		lists = append(lists, s.Persistent, s.PersistentRecursive)
	}
	for i, list := range lists {
		if s.null == i+1 {
			dst = jute.AppendNull(dst)
			continue
		}
		if list == nil {
			list = []string{}
		}
		dst = jute.AppendStringVector(dst, list)
	}
	return append(dst[:max(start, len(dst)-s.cut)], s.tail...)
}

// A rawBody is a body that no record makes.
type rawBody []byte

// Append implements wire.Record.
func (b rawBody) Append(dst []byte) []byte { return append(dst, b...) }

// describe writes a record for people.
func describe(r any) string {
	switch r := r.(type) {
	case nil:
		return ""
	case rawBody:
		return hex.EncodeToString(r)
	case wire.MultiRequest:
		return describeOps(r.Ops)
	case wire.MultiReadRequest:
		return describeOps(r.Ops)
	case wire.CreateRequest:
		return fmt.Sprintf("%s data %q acl %v mode %d", text(r.Path, r.NullPath), r.Data, r.ACL, r.Flags)
	case wire.CreateTTLRequest:
		return fmt.Sprintf("%s ttl %d", describe(r.CreateRequest), r.TTL)
	case wire.SetDataRequest:
		return fmt.Sprintf("%s data %q version %d", text(r.Path, r.NullPath), r.Data, r.Version)
	case wire.AuthRequest:
		return fmt.Sprintf("%q %q", r.Scheme, r.Auth)
	}
	return strings.ReplaceAll(fmt.Sprintf("%+v", r), "NullPath:false ", "")
}

func describeOps(ops []wire.MultiOp) string {
	var b strings.Builder
	for _, op := range ops {
		fmt.Fprintf(&b, "\n        %v %s", op.Op, describe(op.Body))
	}
	return b.String()
}

func text(path string, null bool) string {
	if null {
		return "null"
	}
	return fmt.Sprintf("%q", path)
}

// known reports whether Ostler knows an operation of clients.
func known(op zk.OpCode) bool {
	return !strings.HasPrefix(op.String(), "unknown") && op != zk.OpNotification && op != zk.OpError
}
