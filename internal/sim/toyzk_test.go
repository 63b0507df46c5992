package sim

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"ostler/internal/env"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A bug is something wrong with the toy service, which the checkers must find.
type bug string

const (
	noBug             bug = ""
	ackBeforeSync     bug = "acknowledges before the log is synced"
	noDirSync         bug = "never syncs the directory of a new log"
	trustsCache       bug = "takes what it reads back for durable"
	forgetsEvent      bug = "forgets every fifth event"
	lateEvent         bug = "sends events behind the reply"
	doubleEvent       bug = "sends events twice"
	staleRead         bug = "reads old data now and then"
	wrongVersion      bug = "ignores versions now and then"
	keepsEphemeral    bug = "keeps an ephemeral of a closed session"
	expiresEarly      bug = "expires sessions after half their time"
	neverExpires      bug = "never expires a session"
	revives           bug = "takes expired sessions back"
	executesTwice     bug = "executes a request twice now and then"
	reusesNumber      bug = "counts sequential nodes by children"
	forgetsSetWatches bug = "has no catch-up in setWatches"
)

// A toyZK is a standalone service in the smallest form that the checkers accept: one
// loop, everything answered after the sync of its batch.
type toyZK struct {
	env    env.Env
	report *Reporter
	bug    bug
	tick   time.Duration

	loop     env.Loop
	inbox    env.Inbox[toyRequest]
	state    *model
	last     zk.Zxid
	log      *txnlog.Writer
	deadline map[zk.SessionID]time.Time
	conns    map[zk.SessionID]*toyZKConn
	all      []*toyZKConn
	next     zk.SessionID
	then     []func()
	events   int
	done     chan struct{}
	err      error
}

type toyRequest struct {
	c     *toyZKConn
	frame []byte
}

func newToyZK(b bug) NodeFactory {
	return func(e env.Env, s Setup, r *Reporter) (Node, error) {
		z := &toyZK{
			env: e, report: r, bug: b, tick: s.Tick, state: newModel(), done: make(chan struct{}),
			deadline: make(map[zk.SessionID]time.Time), conns: make(map[zk.SessionID]*toyZKConn),
		}
		return z, z.open()
	}
}

func (z *toyZK) open() error {
	dir := DataDir + "/version-2"
	if err := errors.Join(z.env.FS.MkdirAll(dir), z.env.FS.SyncDir("/"), z.env.FS.SyncDir(DataDir)); err != nil {
		return err
	}
	if r, err := txnlog.Open(z.env.FS, dir, 0); err == nil {
		for {
			rec, err := r.Next()
			if err != nil || rec == nil {
				break
			}
			_ = z.state.apply(&rec.Txn)
			z.last = rec.Zxid
		}
		tails := r.Tails()
		r.Close()
		for _, t := range tails {
			if err := txnlog.Cut(z.env.FS, t.File, t.Offset); err != nil {
				return err
			}
		}
	}
	if err := z.syncLogs(dir); err != nil {
		return err
	}
	fs := z.env.FS
	if z.bug == noDirSync {
		fs = lazyDirFS{fs}
	}
	z.log = txnlog.NewWriter(txnlog.WriterOptions{FS: fs, Dir: dir, ForceSync: true})
	return nil
}

// syncLogs makes durable what was read: a killed process may have left it in the
// cache only, and from here on it counts as history.
func (z *toyZK) syncLogs(dir string) error {
	files, _, err := txnlog.Files(z.env.FS, dir)
	for _, f := range files {
		w, openErr := z.env.FS.OpenWrite(dir + "/" + f.Name)
		if openErr != nil || z.bug == trustsCache {
			return openErr
		}
		err = errors.Join(err, w.Sync(), w.Close())
	}
	return err
}

// lazyDirFS never syncs a directory.
type lazyDirFS struct{ env.FS }

func (lazyDirFS) SyncDir(string) error { return nil }

func (z *toyZK) Looking() bool         { return false }
func (z *toyZK) Serving() bool         { return true }
func (z *toyZK) Applied() zk.Zxid      { return z.last }
func (z *toyZK) Committed() zk.Zxid    { return 0 }
func (z *toyZK) Standalone() bool      { return true }
func (z *toyZK) Done() <-chan struct{} { return z.done }
func (z *toyZK) Err() error            { return z.err }
func (z *toyZK) Stop()                 { z.log.Close() }

func (z *toyZK) Start() error {
	now := z.env.Clock.Now()
	for id, timeout := range z.state.sessions {
		z.deadline[id] = now.Add(time.Duration(timeout) * time.Millisecond)
	}
	z.next = zk.SessionID(z.env.Clock.Wall().UnixMilli()<<16 | int64(z.env.Rand.IntN(1<<14)))
	z.loop = z.env.Loops.Start("serve", z.step)
	z.inbox.Init(z.loop)
	z.loop.Wake()
	_, err := z.env.Net.Listen(fmt.Sprintf(":%d", clientPort), env.StreamOptions{}, func(s env.Stream) env.Handler {
		c := &toyZKConn{z: z, s: s}
		z.all = append(z.all, c)
		return c
	})
	return err
}

type toyZKConn struct {
	z       *toyZK
	s       env.Stream
	session zk.SessionID
	greeted bool
	closed  bool
	timeout time.Duration
	data    map[string]bool
	child   map[string]bool
}

func (c *toyZKConn) Data(b []byte) (int, error) {
	total := 0
	for {
		frame, n, err := wire.SplitFrame(b[total:], frameMax)
		if n == 0 || err != nil {
			return total, err
		}
		total += n
		c.z.inbox.Put(toyRequest{c, append([]byte(nil), frame...)})
	}
}

func (c *toyZKConn) Writable()    {}
func (c *toyZKConn) Closed(error) { c.closed = true }

// step serves a batch.
func (z *toyZK) step() func() {
	if z.err != nil {
		return nil
	}
	for _, r := range z.inbox.Take() {
		if r.c.closed {
			continue
		}
		if !r.c.greeted {
			z.greet(r.c, r.frame)
		} else {
			z.request(r.c, r.frame)
		}
	}
	z.expire()
	then := z.then
	z.then = nil
	if z.bug == ackBeforeSync {
		run(then)
		then = nil
	}
	if err := z.log.Flush(); err != nil || z.err != nil {
		z.err = errors.Join(z.err, err)
		close(z.done)
		return nil
	}
	return func() {
		run(then)
		z.env.Clock.WakeAt(z.env.Clock.Now().Add(z.tick/2), z.loop)
	}
}

func run(fs []func()) {
	for _, f := range fs {
		f()
	}
}

func (z *toyZK) later(f func()) { z.then = append(z.then, f) }

func (z *toyZK) send(c *toyZKConn, h wire.ReplyHeader, body []byte) {
	b, at := wire.BeginFrame(nil)
	b = wire.EndFrame(append(h.Append(b), body...), at)
	z.later(func() { c.s.Send(b) })
}

func (z *toyZK) greet(c *toyZKConn, frame []byte) {
	var q wire.ConnectRequest
	if q.Decode(frame) != nil || q.LastZxid > z.last {
		c.closed = true
		z.later(c.s.Close)
		return
	}
	c.data, c.child, c.greeted = make(map[string]bool), make(map[string]bool), true
	timeout := min(max(q.Timeout, int32(2*z.tick/time.Millisecond)), int32(20*z.tick/time.Millisecond))
	resp := wire.ConnectResponse{Timeout: timeout, Session: q.Session, HasReadOnly: q.HasReadOnly}
	if q.Session == 0 {
		z.next++
		resp.Session = z.next
		z.commit(resp.Session, 0, zk.OpCreateSession, &txn.CreateSession{Timeout: timeout})
	} else if _, ok := z.state.sessions[q.Session]; !ok && z.bug != revives {
		resp.Session, resp.Timeout = 0, 0
	}
	c.session, c.timeout = resp.Session, time.Duration(timeout)*time.Millisecond
	p := zk.Password(resp.Session)
	resp.Password = p[:]
	if old := z.conns[c.session]; old != nil {
		old.closed = true
		z.later(old.s.Close)
	}
	z.conns[c.session] = c
	z.touch(c)
	b := wire.AppendFrame(nil, resp.Append(nil))
	z.later(func() { c.s.Send(b) })
}

func (z *toyZK) touch(c *toyZKConn) {
	z.deadline[c.session] = z.env.Clock.Now().Add(c.timeout)
}

func (z *toyZK) expire() {
	now := z.env.Clock.Now()
	var ids []zk.SessionID
	for id := range z.state.sessions {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		late := now.Sub(z.deadline[id])
		if z.bug == expiresEarly {
			late += time.Duration(z.state.sessions[id]) * time.Millisecond * 5 / 6
		}
		if late > 0 && z.bug != neverExpires {
			z.commit(id, 0, zk.OpCloseSession, z.closeBody(id))
			if c := z.conns[id]; c != nil {
				c.closed = true
				z.later(c.s.Close)
			}
		}
	}
}

func (z *toyZK) closeBody(id zk.SessionID) txn.Body {
	return &txn.CloseSession{Paths: append([]string(nil), z.state.owned[id]...), HasPaths: true}
}

// commit logs and applies a transaction, and fires watches.
func (z *toyZK) commit(session zk.SessionID, cxid int32, op zk.OpCode, body txn.Body) {
	z.last++
	t := txn.Txn{Header: txn.Header{Session: session, Cxid: cxid, Zxid: z.last, Time: z.env.Clock.Wall().UnixMilli(), Type: op}, Body: body}
	rec := txn.NewRecord(t)
	z.err = errors.Join(z.err, z.log.Append([]*txn.Record{rec}))
	if z.bug == keepsEphemeral && op == zk.OpCloseSession && len(z.state.owned[session]) > 0 {
		z.state.owned[session] = z.state.owned[session][1:]
	}
	_ = z.state.apply(&t) // what is wrong with it the oracle will say
	z.later(func() { z.report.Delivered(rec, 0) })
	z.fire()
}

// fire queues the events of the newest transaction.
func (z *toyZK) fire() {
	for _, ch := range z.state.changesIn(z.last-1, z.last) {
		for _, c := range z.all {
			if c.closed || !c.greeted {
				continue
			}
			watched := c.data[ch.path] || ch.kind == zk.EventDeleted && c.child[ch.path]
			delete(c.data, ch.path)
			if ch.kind == zk.EventDeleted {
				delete(c.child, ch.path)
			}
			if watched {
				z.notify(c, z.last, ch.kind, ch.path)
			}
			if parent := parentOf(ch.path); ch.kind != zk.EventDataChanged && c.child[parent] {
				delete(c.child, parent)
				z.notify(c, z.last, zk.EventChildrenChanged, parent)
			}
		}
	}
}

func (z *toyZK) notify(c *toyZKConn, zxid zk.Zxid, t zk.EventType, path string) {
	z.events++
	if z.bug == forgetsEvent && z.events%5 == 0 {
		return
	}
	b := wire.AppendNotification(nil, zxid, t, path)
	send := func() { c.s.Send(b) }
	switch z.bug {
	case doubleEvent:
		z.later(send)
	case lateEvent:
		z.later(func() { z.inbox.Put(toyRequest{c: &toyZKConn{closed: true}}); z.later(send) })
		return
	}
	z.later(send)
}

func (z *toyZK) request(c *toyZKConn, frame []byte) {
	var h wire.RequestHeader
	if h.Decode(frame) != nil {
		panic("request header")
	}
	z.touch(c)
	body := frame[wire.RequestHeaderLen:]
	reply := wire.ReplyHeader{Xid: h.Xid}
	var out []byte
	switch h.Op {
	case zk.OpPing:
	case zk.OpSync:
		out = append(out, body...)
	case zk.OpSetWatches:
		z.setWatches(c, body)
	case zk.OpGetData, zk.OpExists, zk.OpGetChildren2:
		reply.Err, out = z.read(c, h.Op, body)
	default:
		reply.Err, out = z.write(c, h, body)
		if z.bug == executesTwice && z.env.Rand.IntN(50) == 0 && h.Op == zk.OpSetData {
			z.write(c, h, body)
		}
	}
	reply.Zxid = z.last
	z.send(c, reply, out)
	if h.Op == zk.OpCloseSession {
		c.closed = true
		z.later(c.s.CloseAfterFlush)
	}
}

func (z *toyZK) setWatches(c *toyZKConn, body []byte) {
	var q wire.SetWatchesRequest
	if q.Decode(body) != nil {
		panic("setWatches")
	}
	for _, path := range q.Data {
		switch v := z.state.now(path); {
		case z.bug == forgetsSetWatches:
			c.data[path] = true
		case !v.exists:
			z.notify(c, -1, zk.EventDeleted, path)
		case v.stat.Mzxid > q.RelativeZxid:
			z.notify(c, -1, zk.EventDataChanged, path)
		default:
			c.data[path] = true
		}
	}
	for _, path := range q.Exist {
		if z.state.now(path).exists {
			z.notify(c, -1, zk.EventCreated, path)
		} else {
			c.data[path] = true
		}
	}
	for _, path := range q.Child {
		switch v := z.state.now(path); {
		case !v.exists:
			z.notify(c, -1, zk.EventDeleted, path)
		case v.stat.Pzxid > q.RelativeZxid:
			z.notify(c, -1, zk.EventChildrenChanged, path)
		default:
			c.child[path] = true
		}
	}
}

func (z *toyZK) read(c *toyZKConn, op zk.OpCode, body []byte) (zk.Code, []byte) {
	var q wire.PathWatchRequest
	if q.Decode(body) != nil {
		panic("read")
	}
	at := z.last
	if z.bug == staleRead && z.env.Rand.IntN(40) == 0 {
		at -= 3
	}
	v := z.state.at(q.Path, at)
	list := c.data
	if op == zk.OpGetChildren2 {
		list = c.child
	}
	if q.Watch && (v.exists || op == zk.OpExists) {
		list[q.Path] = true
	}
	if !v.exists {
		return zk.NoNode, nil
	}
	switch op {
	case zk.OpGetData:
		return zk.OK, wire.GetDataResponse{Data: v.data, Stat: v.stat}.Append(nil)
	case zk.OpExists:
		return zk.OK, wire.StatResponse{Stat: v.stat}.Append(nil)
	}
	return zk.OK, wire.Children2Response{Children: v.children, Stat: v.stat}.Append(nil)
}

// write plans a transaction against the state, and commits it.
func (z *toyZK) write(c *toyZKConn, h wire.RequestHeader, body []byte) (zk.Code, []byte) {
	if h.Op == zk.OpCloseSession {
		z.commit(c.session, h.Xid, h.Op, z.closeBody(c.session))
		return zk.OK, nil
	}
	if h.Op == zk.OpMulti {
		return z.multi(c, h, body)
	}
	op := z.decode(h.Op, body)
	made, code := z.plan(c, op)
	if code != zk.OK {
		z.commit(c.session, h.Xid, zk.OpError, &txn.Error{Code: code})
		return code, nil
	}
	z.commit(c.session, h.Xid, h.Op, made)
	switch b := made.(type) {
	case *txn.Create:
		if h.Op == zk.OpCreate2 {
			return zk.OK, wire.Create2Response{Path: b.Path, Stat: z.state.now(b.Path).stat}.Append(nil)
		}
		return zk.OK, wire.PathResponse{Path: b.Path}.Append(nil)
	case *txn.SetData:
		return zk.OK, wire.StatResponse{Stat: z.state.now(b.Path).stat}.Append(nil)
	}
	return zk.OK, nil
}

func (z *toyZK) decode(op zk.OpCode, body []byte) wire.Record {
	var err error
	var r wire.Record
	switch op {
	case zk.OpCreate, zk.OpCreate2:
		q := wire.CreateRequest{}
		err = q.Decode(body)
		r = q
	case zk.OpSetData:
		q := wire.SetDataRequest{}
		err = q.Decode(body)
		r = q
	default:
		q := wire.DeleteRequest{}
		err = q.Decode(body)
		r = q
	}
	if err != nil {
		panic(err)
	}
	return r
}

func (z *toyZK) plan(c *toyZKConn, r wire.Record) (txn.Body, zk.Code) {
	switch q := r.(type) {
	case wire.CreateRequest:
		p := z.state.now(parentOf(q.Path))
		path := q.Path
		if q.Flags.Sequential() {
			n := p.creates
			if z.bug == reusesNumber {
				n = int32(len(p.children))
			}
			path = sequential(path, n)
		}
		switch {
		case !p.exists:
			return nil, zk.NoNode
		case z.state.now(path).exists:
			return nil, zk.NodeExists
		}
		return &txn.Create{Path: path, Data: append([]byte(nil), q.Data...), ACL: q.ACL, Ephemeral: q.Flags.Ephemeral(), ParentCreates: p.creates + 1}, zk.OK
	case wire.SetDataRequest:
		v := z.state.now(q.Path)
		if code := z.check(v, q.Version); code != zk.OK {
			return nil, code
		}
		return &txn.SetData{Path: q.Path, Data: append([]byte(nil), q.Data...), Version: v.stat.Version + 1}, zk.OK
	case wire.CheckRequest:
		v := z.state.now(q.Path)
		return &txn.Check{Path: q.Path, Version: v.stat.Version + 1}, z.check(v, q.Version)
	case wire.DeleteRequest:
		v := z.state.now(q.Path)
		if code := z.check(v, q.Version); code != zk.OK {
			return nil, code
		}
		if len(v.children) > 0 {
			return nil, zk.NotEmpty
		}
		return &txn.Delete{Path: q.Path}, zk.OK
	}
	panic("unknown request")
}

func (z *toyZK) check(v version, want int32) zk.Code {
	switch {
	case !v.exists:
		return zk.NoNode
	case want != -1 && want != v.stat.Version && (z.bug != wrongVersion || z.env.Rand.IntN(20) > 0):
		return zk.BadVersion
	}
	return zk.OK
}

func (z *toyZK) multi(c *toyZKConn, h wire.RequestHeader, body []byte) (zk.Code, []byte) {
	var q wire.MultiRequest
	if err := q.Decode(body); err != nil {
		panic(err)
	}
	var m txn.Multi
	created := make(map[string]int32)
	var resp wire.MultiResponse
	for i, op := range q.Ops {
		made, code := z.plan(c, op.Body)
		if code != zk.OK {
			resp.Results = make([]wire.MultiResult, i)
			for j := range resp.Results {
				resp.Results[j].Op = zk.OpError
			}
			for range q.Ops[i:] {
				m.Ops = append(m.Ops, txn.Op{Type: zk.OpError, Body: &txn.Error{Code: code}})
				resp.Results = append(resp.Results, wire.MultiResult{Op: zk.OpError, Code: code})
				code = zk.RuntimeInconsistency
			}
			break
		}
		if b, ok := made.(*txn.Create); ok {
			p := parentOf(b.Path)
			b.ParentCreates += created[p]
			created[p]++
		}
		m.Ops = append(m.Ops, txn.Op{Type: op.Op, Body: made})
		resp.Results = append(resp.Results, wire.MultiResult{Op: op.Op})
	}
	z.commit(c.session, h.Xid, zk.OpMulti, &m)
	if !m.Failed() {
		for i, op := range m.Ops {
			switch b := op.Body.(type) {
			case *txn.Create:
				resp.Results[i].Path = b.Path
			case *txn.SetData:
				resp.Results[i].Stat = z.state.now(b.Path).stat
			}
		}
	}
	return zk.OK, resp.Append(nil)
}
