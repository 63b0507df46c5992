package sim

import (
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// addWatch sets a persistent watch.
func (l *Workload) addWatch(c *Client) {
	if len(c.armed) >= watchesMax {
		l.watches(c)
		return
	}
	c.ask(&call{op: zk.OpAddWatch, path: l.readPath(c), kind: int32(c.rand.IntN(2))})
}

// watches asks for watches, or takes them away.
func (l *Workload) watches(c *Client) {
	k := &call{op: zk.OpCheckWatches, path: l.readPath(c), kind: int32(1 + c.rand.IntN(5))}
	if n := len(c.armed); n > 0 && c.rand.IntN(4) > 0 {
		k.path = c.armed[c.rand.IntN(n)].path
	}
	if c.rand.IntN(2) == 0 {
		k.op = zk.OpRemoveWatches
	}
	c.ask(k)
}

// wrong makes a request that is wrong whatever the state is (client-protocol.md 3.7,
// INV-X11).
func (l *Workload) wrong(c *Client) {
	k := &call{wrong: zk.MarshallingError, path: l.wildPath(c), acl: zk.OpenACL(), version: -1}
	writes := [...]zk.OpCode{zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL}
	reads := [...]zk.OpCode{zk.OpExists, zk.OpGetData, zk.OpGetChildren2, zk.OpGetACL, zk.OpAddWatch, zk.OpRemoveWatches}
	switch c.rand.IntN(10) {
	case 0, 1:
		k.op = writes[c.rand.IntN(len(writes))]
		l.cutShort(c, k)
	case 2:
		k.op = reads[c.rand.IntN(len(reads))]
		l.cutShort(c, k)
	case 3:
		k.op, k.kind = zk.OpAddWatch, 7
		c.ask(k)
	case 4:
		k.op, k.kind = zk.OpCheckWatches, 9
		c.ask(k)
	case 5:
		l.wrongMulti(c, k)
	case 6:
		k.op, k.path, k.wrong = zk.OpExists, wildDir+"/\x00", zk.BadArguments
		c.ask(k)
	case 7: // a null path
		k.op = reads[c.rand.IntN(len(reads))]
		if k.op == zk.OpRemoveWatches {
			k.wrong = zk.NoWatcher // nobody watches that
		}
		c.request(k, rawBody("\xff\xff\xff\xff\x00\x00\x00\x01"))
	case 8: // H2
		k.op, k.ttl, k.wrong = zk.OpCreateTTL, -1, zk.BadArguments
		c.ask(k)
	default:
		k.op, k.wrong = zk.OpReconfig, zk.ReconfigDisabled
		if l.reconfig {
			k.op, k.path, k.wrong = zk.OpExists, wildDir+"/\x00", zk.BadArguments
		}
		c.ask(k)
	}
}

// cutShort leaves out the end of a request.
func (l *Workload) cutShort(c *Client, k *call) {
	body := k.record().Append(nil)
	c.request(k, rawBody(body[:c.rand.IntN(len(body))]))
}

// wrongMulti has a part that costs the whole request (6.2).
func (l *Workload) wrongMulti(c *Client, k *call) {
	k.op = zk.OpMulti
	part := call{op: zk.OpCreate, path: k.path, acl: zk.OpenACL()}
	k.parts = []call{part, part}
	switch bad := &k.parts[c.rand.IntN(2)]; c.rand.IntN(4) {
	case 0:
		bad.op = zk.OpGetData
	case 1:
		bad.mode = 9
	case 2:
		bad.mode = zk.ModeTTL
	default:
		bad.acl = nil
	}
	c.ask(k)
}

// forbidden makes a request that no client may make; the connection ends (H4, H5).
func (l *Workload) forbidden(c *Client) {
	if c.rand.IntN(3) > 0 {
		l.wildRead(c)
		return
	}
	ops := [...]zk.OpCode{zk.OpCheck, zk.OpDeleteContainer, zk.OpCreateSession, zk.OpError, 99}
	k := &call{op: ops[c.rand.IntN(len(ops))], path: l.wildPath(c), ends: true}
	c.request(k, wire.PathRequest{Path: k.path})
}

// login shows one more identity, or none that is known.
func (l *Workload) login(c *Client) {
	if c.rand.IntN(4) == 0 {
		c.authenticate(noLogin)
		return
	}
	c.authenticate([...]login{alice, bob}[c.rand.IntN(2)])
}
