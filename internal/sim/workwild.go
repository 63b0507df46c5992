package sim

import (
	"slices"
	"strings"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// The nodes of the wilder part of the workload, where all kinds of nodes come and go
// under all kinds of access lists.
const (
	wildDir  = "/g"
	quotaDir = zk.PathQuota + wildDir
)

// laterAsks is the rest of the mix.
var laterAsks = []func(*Workload, *Client){
	(*Workload).wildWrite, (*Workload).wildWrite, (*Workload).wildWrite, (*Workload).wildRead, (*Workload).wildRead,
	(*Workload).wildMulti, (*Workload).wildMulti, (*Workload).multiRead, (*Workload).addWatch, (*Workload).watches,
	(*Workload).listRace, (*Workload).quota, (*Workload).wrong, (*Workload).forbidden, (*Workload).login,
}

// logins draws what a client shows on each connection.
func (l *Workload) logins(c *Client) []login {
	if l.plain {
		return nil
	}
	switch c.rand.IntN(8) {
	case 0:
		return []login{alice, bob}
	case 1:
		return []login{super}
	case 2, 3:
		return []login{alice}
	case 4, 5:
		return []login{bob}
	}
	return nil
}

// oddPaths are paths that writes stumble over, and that reads look up as they are (4.5).
var oddPaths = []string{
	"/g/a/", "/g//b", "/g/./x", "noslash", "/g/a\x01", "/g/missing/x", "/g/\x00", "/zookeeper/config", "/zookeeper/config/x",
	"/zookeeper", "/zookeeper/quota", "/",
}

// wildPath draws a path of up to three elements, often one that is there.
func (l *Workload) wildPath(c *Client) string {
	path := wildDir
	for range 1 + c.rand.IntN(3) {
		names := l.o.model.now(path).children
		if len(names) > 0 && c.rand.IntN(2) == 0 {
			path += "/" + names[c.rand.IntN(len(names))]
		} else {
			path += "/" + string(rune('a'+c.rand.IntN(3)))
		}
	}
	return path
}

// wildCall draws a write that the rules allow, more often than not. In a multi it is
// drawn after those before it.
func (l *Workload) wildCall(c *Client, d *draft, path string) call {
	k := call{path: path, version: -1, ids: c.ids}
	v := d.now(path)
	switch n := c.rand.IntN(10); {
	case !v.exists && n > 0, n == 1:
		l.wildCreate(c, d, &k)
	case n < 4:
		k.op, k.data = zk.OpSetData, l.wildData(c)
	case n < 6:
		k.op, k.acl = zk.OpSetACL, lists[c.rand.IntN(len(lists))]
	default:
		k.op = zk.OpDelete
	}
	if c.rand.IntN(3) == 0 {
		current := v.stat.Version
		if k.op == zk.OpSetACL {
			current = v.stat.Aversion
		}
		k.version = max(current-int32(c.rand.IntN(2)), 0)
	}
	return k
}

// wildData is often null or empty.
func (l *Workload) wildData(c *Client) []byte {
	switch c.rand.IntN(4) {
	case 0:
		return nil
	case 1:
		return []byte{}
	}
	return l.value(c)
}

// wildChildren is how many children a node gets by numbers.
const wildChildren = 6

func (l *Workload) wildCreate(c *Client, d *draft, k *call) {
	ops := [...]zk.OpCode{zk.OpCreate, zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL}
	k.op = ops[c.rand.IntN(len(ops))]
	k.data, k.acl = l.wildData(c), lists[c.rand.IntN(len(lists))]
	if c.rand.IntN(2) == 0 {
		k.acl = zk.OpenACL()
	}
	k.mode = zk.CreateMode(c.rand.IntN(4))
	k.ttl = 1 + c.rand.Int64N(2000)
	if k.op == zk.OpCreateTTL {
		k.mode = zk.ModeTTL + k.mode%2
	}
	if c.rand.IntN(12) == 0 {
		k.mode, k.ttl = zk.CreateMode(c.rand.IntN(7)), k.ttl%3-1
	}
	if k.mode.Sequential() {
		if len(d.now(parentOf(k.path)).children) > wildChildren {
			k.mode = zk.ModePersistent
			return
		}
		k.path = parentOf(k.path) + "/s-"
	}
}

// planned is a draft of a transaction that would come next.
func (l *Workload) planned(c *Client) *draft {
	return newDraft(l.o.model, l.rules, txn.Header{Session: c.session, Zxid: l.o.Last() + 1})
}

func (l *Workload) wildWrite(c *Client) {
	path := l.wildPath(c)
	k := l.wildCall(c, l.planned(c), path)
	if c.rand.IntN(15) == 0 {
		k.path = oddPaths[c.rand.IntN(len(oddPaths))]
		if k.spoils() {
			k.op = zk.OpDelete
		}
	}
	if k.op == zk.OpCreateTTL && !k.mode.TTL() { // H2
		k.wrong = zk.BadArguments
	}
	c.ask(&k)
}

// listRace changes an access list, and goes on before the change is there: what is
// behind it must be judged by the new list (INV-A1).
func (l *Workload) listRace(c *Client) {
	path := l.wildPath(c)
	c.ask(&call{op: zk.OpSetACL, path: path, acl: lists[c.rand.IntN(len(lists))], version: -1})
	child := path + "/" + string(rune('a'+c.rand.IntN(3)))
	for _, i := range c.rand.Perm(4)[:2] {
		switch i {
		case 0:
			c.ask(&call{op: zk.OpSetData, path: path, version: -1})
		case 1:
			c.ask(&call{op: zk.OpCreate, path: child, acl: zk.OpenACL()})
		case 2:
			c.ask(&call{op: zk.OpDelete, path: child, version: -1})
		default:
			c.ask(&call{op: zk.OpGetACL, path: path})
		}
	}
}

// spoils reports whether a write would lock everyone out, or overwrite what servers
// write themselves.
func (k *call) spoils() bool {
	if k.path == zk.PathConfig {
		return isSuper(k.ids) // nobody else may
	}
	return k.op == zk.OpSetACL && zk.Reserved(k.path)
}

// wildMulti makes changes that build upon each other, also several to one node.
func (l *Workload) wildMulti(c *Client) {
	k := &call{op: zk.OpMulti}
	d := l.planned(c)
	path := l.wildPath(c)
	for range c.rand.IntN(6) {
		switch n := c.rand.IntN(10); {
		case n < 3:
			path += "/" + string(rune('a'+c.rand.IntN(3)))
		case n == 3:
			path = l.wildPath(c)
		}
		if !d.now(parentOf(path)).exists && c.rand.IntN(8) > 0 {
			path = l.wildPath(c)
		}
		part := l.wildCall(c, d, path)
		if part.op == zk.OpSetACL { // is no part of a multi
			part.op = zk.OpCheck
		}
		if part.mode.TTL() && part.op != zk.OpCreateTTL { // undecodable
			part.mode = zk.ModePersistent
		}
		if part.acl == nil {
			part.acl = []zk.ACL{}
		}
		step := inMulti(part)
		if body, code := d.do(&step); code != zk.OK {
			if c.rand.IntN(6) > 0 {
				continue
			}
		} else if p, ok := createdPath(body); ok {
			path = p
		}
		k.parts = append(k.parts, part)
	}
	c.ask(k)
}

// wildRead reads anything.
func (l *Workload) wildRead(c *Client) {
	ops := [...]zk.OpCode{
		zk.OpExists, zk.OpGetData, zk.OpGetChildren, zk.OpGetChildren2, zk.OpGetACL, zk.OpGetAllChildrenNumber,
		zk.OpGetEphemerals, zk.OpWhoAmI, zk.OpSync,
	}
	k := &call{op: ops[c.rand.IntN(len(ops))], path: l.readPath(c), watch: c.rand.IntN(2) == 0 && len(c.armed) < watchesMax}
	switch k.op {
	case zk.OpSync:
		if c.limited {
			k.wrong = zk.NotReadOnly
		}
	case zk.OpGetAllChildrenNumber:
		k.watch = false // there is no such watch
	case zk.OpGetEphemerals:
		k.path = [...]string{"", "/", " ", wildDir, ephemeralDir, ephemeralDir + "/s", "/none"}[c.rand.IntN(7)]
	}
	c.ask(k)
}

// watchesMax is how many watches a client sets of its own.
const watchesMax = 20

func (l *Workload) readPath(c *Client) string {
	switch c.rand.IntN(8) {
	case 0:
		dirs := [...]string{"/", "/zookeeper", "/zookeeper/quota", quotaDir, wildDir, queueDir}
		return dirs[c.rand.IntN(len(dirs))]
	case 1:
		return quotaDir + [...]string{limitsLeaf, statsLeaf}[c.rand.IntN(2)]
	case 2:
		if path := oddPaths[c.rand.IntN(len(oddPaths))]; !strings.Contains(path, "\x00") && path != zk.PathConfig {
			return path
		}
	}
	return l.wildPath(c)
}

func (l *Workload) multiRead(c *Client) {
	k := &call{op: zk.OpMultiRead}
	for range c.rand.IntN(5) {
		op := [...]zk.OpCode{zk.OpGetData, zk.OpGetChildren}[c.rand.IntN(2)]
		k.parts = append(k.parts, call{op: op, path: l.readPath(c), watch: c.rand.IntN(2) == 0})
	}
	c.ask(k)
}

// created is told of each acknowledged create.
func (l *Workload) created(k *call, path string) {
	if k.mode == zk.ModePersistentSequential && k.path == queueDir+"/n-" {
		l.queue = append(l.queue, path)
	}
}

// quota sets, changes or takes away the quota of the wild nodes.
func (l *Workload) quota(c *Client) {
	limits, stats := quotaDir+limitsLeaf, quotaDir+statsLeaf
	texts := [...]string{
		"count=5,bytes=100", "count=5,bytes=-1=;byteHardLimit=3000;countHardLimit=-1",
		"count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=12", "count=3,bytes=3=;byteHardLimit=600;countHardLimit=8",
	}
	data := []byte(texts[c.rand.IntN(len(texts))])
	k := &call{op: zk.OpMulti}
	switch {
	case !l.o.model.now(limits).exists:
		k.parts = []call{
			{op: zk.OpCreate, path: limits, data: data, acl: zk.OpenACL()},
			{op: zk.OpCreate, path: stats, data: []byte("count=-1,bytes=-1"), acl: zk.OpenACL()},
		}
	case c.rand.IntN(2) == 0:
		k = &call{op: zk.OpSetData, path: limits, data: data, version: -1}
	default:
		k.parts = []call{{op: zk.OpDelete, path: stats, version: -1}, {op: zk.OpDelete, path: limits, version: -1}}
		if c.rand.IntN(2) == 0 {
			slices.Reverse(k.parts)
		}
	}
	c.ask(k)
}
