package server

import "ostler/internal/zk"

// Between two leaders, when one hands over to the other, clients stay (zk.Pause). They
// may read, as at a follower that is behind. What they had asked for and was not answered
// was never proposed: the old leader went when everything was committed, and that was
// applied here before the new service begins. So it is submitted once more, in order,
// and takes effect once (INV-X9). The term tells it from what is still on its way under
// the old service, and is not carried out.

// serveUnder is told that the service changes.
func (c *conn) serveUnder(before, now zk.Service, term uint64) {
	switch {
	case c.session.Load() == 0: // it has not asked for a session yet
	case now == zk.Pause && before == zk.FullService && c.mayStay():
	case now == zk.FullService && before == zk.Pause:
		c.resume(term)
	case now == zk.FullService && before == zk.FullService:
	default:
		c.drop()
	}
}

// mayStay reports whether the connection bears a pause. A handshake does not: nobody
// would answer it; nor does a local session, which may be about to become global.
func (c *conn) mayStay() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase == open && !c.limited && !c.local.Load()
}

// resume submits what waits under the new service.
func (c *conn) resume(term uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.phase != open {
		return
	}
	c.term = term
	for i := range c.pending {
		if p := &c.pending[i]; p.waits {
			c.propose(p)
		}
	}
}
