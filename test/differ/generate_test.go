//go:build interop

package differ

import (
	"math/rand/v2"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A style is the kind of watches that a client sets. Versions before 3.9 keep one
// mode for each path and connection, so a client keeps to one (client-protocol.md
// 8.2).
type style int

const (
	standard style = iota
	persistent
	recursive
)

// A generator makes a script. It follows what the script does only as far as
// which clients are connected, to choose steps that can be done.
type generator struct {
	*rand.Rand
	xid       int32
	connected [slots]bool
	session   [slots]bool
	slot      int // whose step it is
}

// styleOf gives every client of every script a style: half of them are of the old
// one.
func styleOf(slot int) style { return [slots]style{standard, persistent, standard, recursive}[slot] }

// generate makes the script of a seed, with n steps, or a few more.
func generate(seed uint64, n int) script {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6f73746c6572))}
	s := script{seed: seed}
	first := request{op: zk.OpCreate, xid: 1, body: wire.CreateRequest{Path: root, ACL: zk.OpenACL()}}
	s.steps = append(s.steps, g.connect(0, first))
	for i := 1; i < slots; i++ {
		s.steps = append(s.steps, g.connect(i))
	}
	for len(s.steps) < n {
		s.steps = append(s.steps, g.step())
	}
	return s
}

// one reports true in one of n cases.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

// pick returns one of list.
func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) connect(slot int, reqs ...request) step {
	g.connected[slot], g.session[slot] = true, true
	return step{slot: slot, act: connect, timeout: g.timeout(), readOnly: !g.one(4), nullPass: g.one(8), reqs: reqs}
}

func (g *generator) timeout() int32 {
	return pick[int32](g, timeoutMin, timeoutMax, 700_000, 1<<31-1, 0, -1)
}

func (g *generator) step() step {
	g.slot = g.IntN(slots)
	if !g.connected[g.slot] {
		return g.arrive()
	}
	switch n := g.IntN(200); {
	case n < 3:
		g.connected[g.slot] = false
		return step{slot: g.slot, act: disconnect}
	case n < 9:
		return g.arrive()
	case n < 12:
		return g.refused()
	case n < 19:
		return step{slot: g.slot, reqs: []request{g.last()}}
	case n < 27:
		return step{slot: g.slot, reqs: []request{g.identify()}}
	}
	return step{slot: g.slot, reqs: g.burst()}
}

// arrive makes a client connect.
func (g *generator) arrive() step {
	from := g.slot
	if g.one(3) {
		from = g.IntN(slots)
	}
	var reqs []request
	if g.one(4) {
		reqs = g.burst()
	}
	if g.one(4) || !g.session[from] {
		return g.connect(g.slot, reqs...)
	}
	if from != g.slot {
		g.connected[from] = false
	}
	g.connected[g.slot], g.session[g.slot] = true, true
	return step{slot: g.slot, act: resume, from: from, timeout: g.timeout(), readOnly: !g.one(4), reqs: reqs}
}

// refused makes a connection that gets no session.
func (g *generator) refused() step {
	return step{
		slot: g.slot, from: g.IntN(slots), act: pick(g, wrong, unknown, ahead, badConnect),
		timeout: g.timeout(), readOnly: !g.one(4), cut: g.IntN(44),
	}
}

// burst makes requests that are sent in one go.
func (g *generator) burst() []request {
	n := 1
	if g.one(3) {
		n = 2 + g.IntN(6)
	}
	var reqs []request
	for len(reqs) < n {
		r := g.request()
		if n > 1 {
			r = companionable(r)
		}
		reqs = append(reqs, r)
		if r.op == zk.OpSetACL {
			break // see avoided
		}
	}
	return reqs
}

// companionable makes a request fit to be followed by others: see avoided.
func companionable(r request) request {
	switch b := r.body.(type) {
	case wire.CreateRequest:
		if r.op == zk.OpCreateContainer && b.Flags.Ephemeral() {
			b.Flags = zk.ModeContainer
			r.body, r.raw = b, nil
		}
	case wire.MultiRequest:
		for i, op := range b.Ops {
			if c, ok := op.Body.(wire.CreateRequest); ok && c.Flags.TTL() {
				c.Flags = zk.ModePersistent
				b.Ops[i].Body, r.raw = c, nil
			}
		}
	}
	return r
}

// last makes a request that is the connection's last.
func (g *generator) last() request {
	g.connected[g.slot] = false
	switch g.IntN(9) {
	case 0:
		return g.new(zk.OpCheck, wire.CheckRequest{Path: g.path(), Version: g.version()})
	case 1:
		return g.new(zk.OpCreateSession, wire.CreateSessionRequest{Timeout: timeoutMax})
	case 2: // 3.8 takes the whole body for the path; it does not exist
		return g.new(zk.OpDeleteContainer, rawBody(root+"/none/here"))
	case 3:
		return request{frame: pick(g, []byte{0xff, 0xff, 0xff, 0xff}, []byte{0x00, 0x10, 0x00, 0x00}, []byte{0x80, 0, 0, 0})}
	case 4:
		n := g.IntN(8)
		return request{frame: append([]byte{0, 0, 0, byte(n)}, make([]byte, n)...)}
	case 5:
		return g.new(pick[zk.OpCode](g, 0, 10, 23, 99, 108, 500, 997, -1, -2, -12, 1<<31-1, -1<<31), pick[wire.Record](g, nil, rawBody("abc")))
	}
	g.session[g.slot] = false
	r := g.new(zk.OpCloseSession, nil)
	if g.one(4) {
		r.body = rawBody("left over")
	}
	return r
}

// identify makes an auth or sasl packet.
func (g *generator) identify() request {
	r := g.new(zk.OpAuth, nil)
	if !g.one(4) {
		r.xid = wire.XidAuth
	}
	auth := func(scheme string, data []byte) { r.body = wire.AuthRequest{Scheme: scheme, Auth: data} }
	switch g.IntN(16) {
	default:
		auth("digest", []byte(pick(g, users...)))
	case 0:
		auth("ip", pick(g, nil, []byte{}, []byte("1.2.3.4")))
	case 1:
		auth("digest", []byte(pick(g, "", ":", "nocolon", "a:b:c", "ü:é", "\xff\xfe:x")))
	case 2:
		auth("digest", []byte("super:test"))
	case 3:
		g.connected[g.slot] = false
		auth(pick(g, "foo", "world", "auth", "super", "", "x509"), []byte("x"))
	case 4:
		g.connected[g.slot] = false
		auth("digest", nil)
	case 5:
		r.op, r.xid, r.body = zk.OpSASL, g.xid, wire.SASLToken{Token: pick(g, []byte{}, []byte("token"))}
	case 6:
		g.connected[g.slot] = false
		r.body = rawBody(pick(g, "", "\x00\x00\x00\x00\x00\x00\x00\x09dig"))
	}
	return r
}

// new makes a request with the next xid.
func (g *generator) new(op zk.OpCode, body wire.Record) request {
	g.xid++
	return request{xid: g.xid, op: op, body: body}
}
