package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

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
	refused []zk.SessionID
	// local: sessions are, until they make an ephemeral. readOnly: some clients are
	// content with reading.
	local, readOnly, reconfig bool
	rules                     rules
	// Seen is what the run has come across.
	Seen Coverage
	// plain is a workload without what came later: access lists, all kinds of
	// nodes and watches. The toy service knows no more.
	plain bool
	later []weighted // the rest of mix

	// behind reports whether the server at an address follows a follower.
	behind func(addr string) bool

	// steady: faults are over, so no session of a client that is heard may end.
	steady  bool
	clients []*Client
	leases  *leases
}

// A weighted is one sort of request and how often it is drawn.
type weighted struct {
	weight int
	ask    func(w *Workload, c *Client)
}

func newWorkload(w *World, o *Oracle, tick time.Duration, s Settings) *Workload {
	l := &Workload{
		w: w, o: o, tick: tick, pause: time.Duration(10+w.Rand.IntN(60)) * time.Millisecond,
		rules: s.rules(), local: s.Local, readOnly: s.ReadOnly, reconfig: s.Reconfig, Seen: make(Coverage),
	}
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
	dice := w.dice(5)
	for _, ask := range laterAsks {
		l.later = append(l.later, weighted{1 + dice.IntN(6), ask})
	}
	l.setMix(append(l.mix, l.later...))
	o.Closed = l.sessionClosed
	return l
}

func (l *Workload) setMix(mix []weighted) {
	l.mix, l.total = mix, 0
	for _, m := range mix {
		l.total += m.weight
	}
}

// makePlain leaves out what the toy service does not know.
func (l *Workload) makePlain() {
	l.plain = true
	l.setMix(l.mix[:len(l.mix)-len(l.later)])
}

func (l *Workload) think(r *rand.Rand) time.Duration {
	return time.Duration(r.ExpFloat64() * float64(l.pause))
}

// next makes one request.
func (l *Workload) next(c *Client) {
	if c.limited {
		l.withoutLeader(c)
		return
	}
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
	dirs := [...]string{registerDir, queueDir, ephemeralDir, wildDir, quotaDir}
	for i, dir := range dirs {
		if i < 3 || !l.plain {
			if !l.o.model.now(dir).exists {
				return dir
			}
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
	c.ask(&call{op: zk.OpGetData, path: l.anyPath(c), watch: c.rand.IntN(3) == 0})
}

func (l *Workload) exists(c *Client) {
	c.ask(&call{op: zk.OpExists, path: l.anyPath(c), watch: c.rand.IntN(2) == 0})
}

func (l *Workload) children(c *Client) {
	dirs := [...]string{registerDir, queueDir, ephemeralDir}
	c.ask(&call{op: zk.OpGetChildren2, path: dirs[c.rand.IntN(len(dirs))], watch: c.rand.IntN(3) == 0})
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
	c.ask(k)
}

func (l *Workload) create(c *Client) {
	l.createNode(c, l.registerPath(c), zk.ModePersistent, l.value(c))
}

func (l *Workload) createNode(c *Client, path string, mode zk.CreateMode, data []byte) {
	k := &call{op: zk.OpCreate, path: path, data: data, mode: mode, acl: zk.OpenACL()}
	if c.rand.IntN(2) == 0 {
		k.op = zk.OpCreate2
	}
	l.registerBegin(c, k)
	c.ask(k)
}

func (l *Workload) remove(c *Client) { l.removeNode(c, l.registerPath(c)) }

func (l *Workload) removeNode(c *Client, path string) {
	k := &call{op: zk.OpDelete, path: path, version: l.version(c, path)}
	l.registerBegin(c, k)
	c.ask(k)
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
	for _, i := range c.rand.Perm(registers - plainRegisters)[:1+c.rand.IntN(3)] {
		path := fmt.Sprintf("%s/k%d", registerDir, plainRegisters+i)
		part := call{path: path, version: l.version(c, path), data: l.value(c)}
		if l.o.model.now(path).exists == (c.rand.IntN(10) > 0) {
			part.op = [...]zk.OpCode{zk.OpSetData, zk.OpSetData, zk.OpDelete, zk.OpCheck}[c.rand.IntN(4)]
		} else {
			part.op, part.version, part.acl = zk.OpCreate, -1, zk.OpenACL()
		}
		k.parts = append(k.parts, part)
	}
	c.ask(k)
}

// syncedRead is a linearizable read: a sync and a read in one go.
func (l *Workload) syncedRead(c *Client) {
	path := l.registerPath(c)
	at := l.w.Now()
	c.ask(&call{op: zk.OpSync, path: path})
	k := &call{op: zk.OpGetData, path: path}
	l.registerRead(c, k, at)
	c.ask(k)
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
// A local session ends without a transaction.
func (l *Workload) expired(c *Client) {
	if l.local && !l.everGlobal(c.session) {
		l.Seen["a local session lost"]++
		return
	}
	l.refused = append(l.refused, c.session)
}

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
	for _, op := range []zk.OpCode{zk.OpGetData, zk.OpGetChildren2, zk.OpGetACL, zk.OpGetAllChildrenNumber} {
		if c.load.plain && op != zk.OpGetData && op != zk.OpGetChildren2 {
			continue
		}
		c.ask(&call{op: op, path: path})
	}
}
