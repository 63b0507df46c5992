package sim

import "ostler/internal/zk"

// withoutLeader makes a request at a server that has no leader and serves reads of
// what is known to be committed: that a reply shows nothing else is checked with every
// other one (INV-O9). Writes and syncs are refused (client-protocol.md 2.14).
func (l *Workload) withoutLeader(c *Client) {
	switch c.rand.IntN(5) {
	case 0:
		writes := [...]zk.OpCode{zk.OpCreate, zk.OpDelete, zk.OpSetData, zk.OpSetACL, zk.OpSync, zk.OpMulti}
		k := &call{op: writes[c.rand.IntN(len(writes))], path: l.wildPath(c), acl: zk.OpenACL(), version: -1, wrong: zk.NotReadOnly}
		c.ask(k)
	case 1:
		l.closeSession(c)
	default:
		l.wildRead(c)
	}
}

// everGlobal reports whether the whole ensemble knew a session once: a local one is in
// no transaction (INV-S11).
func (l *Workload) everGlobal(id zk.SessionID) bool {
	_, lives := l.o.model.sessions[id]
	_, closed := l.o.model.closed[id]
	return lives || closed
}
