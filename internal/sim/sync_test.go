package sim

import (
	"testing"
	"time"
)

// A leader stands still for longer than its followers wait. The others elect a new one,
// which commits. A client of the old one sends a sync, which is there when the old one
// goes on, before it has learnt what happened: it must not be answered as if it
// still led (quorum.md R28, INV-O6).
func TestASyncAtADeposedLeader(t *testing.T) {
	asked := 0
	for seed := uint64(1); seed <= 40; seed++ {
		e := calmEnsembleWith(seed, realNode, func(s *Settings) { s.Local, s.ReadOnly = false, false })
		old, rest := e.leads(t)
		reader, writers := e.Clients[0], e.Clients[1:]
		e.settleAt(reader, old)
		for _, c := range writers {
			e.settleAt(c, rest...)
		}
		e.recover()
		e.silence(true)
		e.W.Run(500 * time.Millisecond) // nothing is under way: no write is in front of the sync
		old.M.Pause(12 * e.tick)
		e.W.Run(9 * e.tick)
		if leader := e.leader(); leader != nil && leader != old {
			e.silence(false, writers...)
			e.W.Run(2 * e.tick)
			if e.Load.acked.Epoch() == e.O.newest && reader.state == online && reader.server == ClientAddr(old.ID) {
				asked++
				e.Load.syncedRead(reader)
			}
		}
		e.W.Run(2 * e.tick)
		e.silence(false)
		e.recover()
		e.Load.steady = true
		e.W.Run(time.Second)
		e.rest()
		e.finish()
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
		}
	}
	if asked < 20 {
		t.Errorf("in only %d of 40 runs a client asked a deposed leader for a sync", asked)
	}
}

// settleAt moves a client to one of some servers, for good. Its session is the longest
// there may be.
func (e *Ensemble) settleAt(c *Client, members ...*Member) {
	c.servers = nil
	for _, m := range members {
		c.servers = append(c.servers, ClientAddr(m.ID))
	}
	c.asked = int32(20 * e.tick / time.Millisecond)
	c.abandon()
}

// silence keeps clients, all if none is named, from asking anything new, or no longer.
func (e *Ensemble) silence(on bool, clients ...*Client) {
	if len(clients) == 0 {
		clients = e.Clients
	}
	for _, c := range clients {
		c.quiet = on
		if c.loop != nil {
			c.loop.Wake()
		}
	}
}
