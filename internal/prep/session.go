package prep

import (
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// createSession plans the beginning of a session (client-protocol.md 2.7). An id
// whose end is under way never becomes valid again (INV-S6).
func (d *draft) createSession() (txn.Body, zk.Code) {
	if d.sessionCloses() {
		return nil, zk.SessionExpired
	}
	return &txn.CreateSession{Timeout: d.req.Timeout}, zk.OK
}

// closeSession plans the end of a session and of its ephemerals, those under way
// included (client-protocol.md 2.10).
func (d *draft) closeSession() (txn.Body, zk.Code) {
	if code := d.checkClose(); code != zk.OK {
		return nil, code
	}
	paths := d.ephemerals(d.req.Session)
	for _, path := range paths {
		d.detach(path)
	}
	d.closes = true
	if !d.p.o.CloseSessionPaths {
		return &txn.CloseSession{}, zk.OK
	}
	if d.tooLong(paths) {
		// Each server removes what the session has, as those before 3.6 did. A
		// digest alone would be read as a list of paths (disk.md ).
		d.bare = true
		return &txn.CloseSession{}, zk.OK
	}
	return &txn.CloseSession{Paths: paths, HasPaths: true}, zk.OK
}

// aroundPaths is more than what a transaction holds besides its paths, in bytes.
const aroundPaths = 64

// tooLong reports whether a list of paths would make the transaction too large.
func (d *draft) tooLong(paths []string) bool {
	size := aroundPaths
	for _, path := range paths {
		size += 4 + len(path)
	}
	return size > d.p.o.TxnMax
}

// checkClose refuses a second end, and one asked for through a server that lost
// the session. The server itself (cxid 0) closes expired sessions, and those that
// own nodes though nobody knows them.
func (d *draft) checkClose() zk.Code {
	if d.sessionCloses() {
		return zk.SessionExpired
	}
	if d.req.Cxid == 0 && d.p.o.Sessions.Check(d.req.Session, d.from) == zk.SessionExpired {
		return zk.OK
	}
	return d.checkSession()
}
