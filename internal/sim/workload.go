package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// The nodes of the workload: registers, a queue of sequential nodes, and
// ephemerals.
const (
	registerDir  = "/r"
	queueDir     = "/q"
	ephemeralDir = "/e"
	registers    = 5
	// plainRegisters are the first few, which no multi touches.
	plainRegisters = 2
)

// A Workload draws what clients ask, and keeps what they share.
type Workload struct {
	w       *World
	o       *Oracle
	tick    time.Duration
	pause   time.Duration // mean time between two requests of a client
	mix     []weighted
	total   int
	acked   zk.Zxid  // newest acknowledged write
	queue   []string // acknowledged sequential nodes
	keys    [plainRegisters]register
	fired   int // events
	refused []zk.SessionID

	// steady: faults are over, so no session of a client that is heard may end.
	steady  bool
	clients []*Client
}

// A weighted is one sort of request and how often it is drawn.
type weighted struct {
	weight int
	ask    func(w *Workload, c *Client)
}

func newWorkload(w *World, o *Oracle, tick time.Duration) *Workload {
	l := &Workload{w: w, o: o, tick: tick, pause: time.Duration(10+w.Rand.IntN(60)) * time.Millisecond}
	all := []func(*Workload, *Client){
		(*Workload).read, (*Workload).read, (*Workload).children, (*Workload).exists,
		(*Workload).set, (*Workload).set, (*Workload).create, (*Workload).remove,
		(*Workload).enqueue, (*Workload).dequeue, (*Workload).ephemeral, (*Workload).ephemeralSequential,
		(*Workload).multi, (*Workload).multi, (*Workload).syncedRead, (*Workload).syncedRead,
	}
	for _, ask := range all {
		l.mix = append(l.mix, weighted{1 + w.Rand.IntN(10), ask})
	}
	l.mix = append(l.mix, weighted{w.Rand.IntN(2), (*Workload).closeSession}, weighted{w.Rand.IntN(2), (*Workload).abandon},
		weighted{1 + w.Rand.IntN(2), (*Workload).move})
	for _, m := range l.mix {
		l.total += m.weight
	}
	o.Closed = l.sessionClosed
	return l
}

func (l *Workload) think(r *rand.Rand) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(l.pause))
}

// next makes one request.
func (l *Workload) next(c *Client) {
	if missing := l.missingDir(); missing != "" {
		l.createNode(c, missing, zk.ModePersistent, nil)
		return
	}
	n := c.rand.IntN(l.total)
	for _, m := range l.mix {
		if n -= m.weight; n < 0 {
			m.ask(l, c)
			return
		}
	}
}

func (l *Workload) missingDir() string {
	for _, dir := range []string{registerDir, queueDir, ephemeralDir} {
		if !l.o.model.now(dir).exists {
			return dir
		}
	}
	return ""
}

func (l *Workload) registerPath(c *Client) string {
	return fmt.Sprintf("%s/k%d", registerDir, c.rand.IntN(registers))
}

// value makes data that nobody else writes.
func (l *Workload) value(c *Client) []byte {
	c.counter++
	b := fmt.Appendf(nil, "%s-%d.", c.name, c.counter)
	for c.rand.IntN(3) > 0 && len(b) < 2000 {
		b = append(b, b...)
	}
	return b
}

func (l *Workload) anyPath(c *Client) string {
	switch n := c.rand.IntN(10); {
	case n < 6:
		return l.registerPath(c)
	case n < 8 && len(l.queue) > 0:
		return l.queue[c.rand.IntN(len(l.queue))]
	}
	return l.ephemeralPath(c, c.rand.IntN(len(l.clients)))
}

func (l *Workload) ephemeralPath(c *Client, owner int) string {
	return fmt.Sprintf("%s/c%d-%d", ephemeralDir, owner, c.rand.IntN(3))
}

func (l *Workload) read(c *Client) {
	k := &call{op: zk.OpGetData, path: l.anyPath(c), watch: c.rand.IntN(3) == 0}
	c.request(k, wire.PathWatchRequest{Path: k.path, Watch: k.watch})
}

func (l *Workload) exists(c *Client) {
	k := &call{op: zk.OpExists, path: l.anyPath(c), watch: c.rand.IntN(2) == 0}
	c.request(k, wire.PathWatchRequest{Path: k.path, Watch: k.watch})
}

func (l *Workload) children(c *Client) {
	dirs := [...]string{registerDir, queueDir, ephemeralDir}
	k := &call{op: zk.OpGetChildren2, path: dirs[c.rand.IntN(len(dirs))], watch: c.rand.IntN(3) == 0}
	c.request(k, wire.PathWatchRequest{Path: k.path, Watch: k.watch})
}

// version draws a condition that is often, but not always, true.
func (l *Workload) version(c *Client, path string) int32 {
	switch v := l.o.model.now(path); c.rand.IntN(3) {
	case 0:
		return v.stat.Version
	case 1:
		return max(v.stat.Version-1, 0)
	}
	return -1
}

func (l *Workload) set(c *Client) {
	path := l.registerPath(c)
	k := &call{op: zk.OpSetData, path: path, data: l.value(c), version: l.version(c, path)}
	l.registerBegin(c, k)
	c.request(k, wire.SetDataRequest{Path: k.path, Data: k.data, Version: k.version})
}

func (l *Workload) create(c *Client) {
	l.createNode(c, l.registerPath(c), zk.ModePersistent, l.value(c))
}

func (l *Workload) createNode(c *Client, path string, mode zk.CreateMode, data []byte) {
	k := &call{op: zk.OpCreate, path: path, data: data, mode: mode}
	if c.rand.IntN(2) == 0 {
		k.op = zk.OpCreate2
	}
	l.registerBegin(c, k)
	c.request(k, wire.CreateRequest{Path: path, Data: data, ACL: zk.OpenACL(), Flags: mode})
}

func (l *Workload) remove(c *Client) { l.removeNode(c, l.registerPath(c)) }

func (l *Workload) removeNode(c *Client, path string) {
	k := &call{op: zk.OpDelete, path: path, version: l.version(c, path)}
	l.registerBegin(c, k)
	c.request(k, wire.DeleteRequest{Path: path, Version: k.version})
}

func (l *Workload) enqueue(c *Client) {
	if len(l.queue) >= 30 {
		l.dequeue(c)
		return
	}
	l.createNode(c, queueDir+"/n-", zk.ModePersistentSequential, l.value(c))
}

func (l *Workload) dequeue(c *Client) {
	if len(l.queue) == 0 {
		return
	}
	i := c.rand.IntN(len(l.queue))
	path := l.queue[i]
	l.queue = append(l.queue[:i], l.queue[i+1:]...)
	l.removeNode(c, path)
}

func (l *Workload) ephemeral(c *Client) {
	if path := l.ephemeralPath(c, c.index); l.o.model.now(path).exists && c.rand.IntN(2) == 0 {
		l.removeNode(c, path)
	} else {
		l.createNode(c, path, zk.ModeEphemeral, l.value(c))
	}
}

func (l *Workload) ephemeralSequential(c *Client) {
	if mine := l.o.model.owned[c.session]; len(mine) > 8 {
		l.removeNode(c, mine[c.rand.IntN(len(mine))])
		return
	}
	l.createNode(c, ephemeralDir+"/s-", zk.ModeEphemeralSequential, nil)
}

// multi makes a few changes to different nodes at once.
func (l *Workload) multi(c *Client) {
	k := &call{op: zk.OpMulti}
	var ops []wire.MultiOp
	for _, i := range c.rand.Perm(registers - plainRegisters)[:1+c.rand.IntN(3)] {
		path := fmt.Sprintf("%s/k%d", registerDir, plainRegisters+i)
		part := call{path: path, version: l.version(c, path), data: l.value(c)}
		if l.o.model.now(path).exists == (c.rand.IntN(10) > 0) {
			part.op = [...]zk.OpCode{zk.OpSetData, zk.OpSetData, zk.OpDelete, zk.OpCheck}[c.rand.IntN(4)]
		} else {
			part.op, part.version = zk.OpCreate, -1
		}
		ops = append(ops, wire.MultiOp{Op: part.op, Body: part.record()})
		k.parts = append(k.parts, part)
	}
	c.request(k, wire.MultiRequest{Ops: ops})
}

// record is the body of a part of a multi.
func (k *call) record() wire.Record {
	switch k.op {
	case zk.OpCreate:
		return wire.CreateRequest{Path: k.path, Data: k.data, ACL: zk.OpenACL()}
	case zk.OpSetData:
		return wire.SetDataRequest{Path: k.path, Data: k.data, Version: k.version}
	case zk.OpDelete:
		return wire.DeleteRequest{Path: k.path, Version: k.version}
	}
	return wire.CheckRequest{Path: k.path, Version: k.version}
}

// syncedRead is a linearizable read: a sync and a read in one go.
func (l *Workload) syncedRead(c *Client) {
	path := l.registerPath(c)
	at := l.w.Now()
	c.request(&call{op: zk.OpSync, path: path}, wire.PathRequest{Path: path})
	k := &call{op: zk.OpGetData, path: path}
	l.registerRead(c, k, at)
	c.request(k, wire.PathWatchRequest{Path: path})
}

func (l *Workload) closeSession(c *Client) {
	c.closing = true
	c.request(&call{op: zk.OpCloseSession}, nil)
}

// abandon leaves the session to expire; the client goes on with a new one.
func (l *Workload) abandon(c *Client) {
	l.w.note(kindClient, nil, c.name+" abandons its session", int64(c.session), "")
	c.abandon()
}

// move takes the session to another server.
func (l *Workload) move(c *Client) { c.stream.Close() }

// expired is told when a server has refused a session: it must be closed for
// good (INV-S6), if not at once, since a refusal may overtake its transaction.
func (l *Workload) expired(c *Client) { l.refused = append(l.refused, c.session) }

// sessionClosed checks that no session ends while its client is well (INV-S4). During
// faults a leader may hear nothing of a client that its server still answers.
func (l *Workload) sessionClosed(session zk.SessionID, cxid int32) {
	for _, c := range l.clients {
		if l.steady && c.session == session && !c.closing && c.state == online && l.w.Now()-c.heard < c.timeout/3 {
			c.fail("the session ends (cxid %d) though its client was answered %v ago", cxid, l.w.Now()-c.heard)
		}
	}
}

// sequential is the name of a sequential node (client-protocol.md 4.4).
func sequential(prefix string, n int32) string { return fmt.Sprintf("%s%010d", prefix, n) }

// readNode reads all there is of a node.
func (c *Client) readNode(path string) {
	c.request(&call{op: zk.OpGetData, path: path}, readOf(path))
	c.request(&call{op: zk.OpGetChildren2, path: path}, readOf(path))
}

func readOf(path string) wire.Record { return wire.PathWatchRequest{Path: path} }
