package server

import (
	"net/netip"
	"sync/atomic"
	"time"

	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// counters are what is counted for a connection, and for the server.
type counters struct {
	received, sent atomic.Int64 // packets
	rejected       atomic.Int64 // connections refused by a limit
	large          atomic.Int64 // large requests refused
	latencyCount   atomic.Int64
	latencySum     atomic.Int64 // ms
	latencyMin     atomic.Int64 // ms, plus one; 0: none yet
	latencyMax     atomic.Int64 // ms
}

// took counts the time that a request took.
func (c *counters) took(d time.Duration) {
	ms := d.Milliseconds()
	c.latencyCount.Add(1)
	c.latencySum.Add(ms)
	if least := c.latencyMin.Load(); least == 0 || ms+1 < least {
		c.latencyMin.Store(ms + 1)
	}
	if ms > c.latencyMax.Load() {
		c.latencyMax.Store(ms)
	}
}

// reset begins anew; what counts connections stays.
func (c *counters) reset() {
	c.received.Store(0)
	c.sent.Store(0)
	c.latencyCount.Store(0)
	c.latencySum.Store(0)
	c.latencyMin.Store(0)
	c.latencyMax.Store(0)
}

// latency returns the counters in ms.
func (c *counters) latency() (least, most int64, average float64) {
	if n := c.latencyCount.Load(); n > 0 {
		average = float64(c.latencySum.Load()) / float64(n)
	}
	return max(c.latencyMin.Load()-1, 0), c.latencyMax.Load(), average
}

// A lastRequest is what a connection did last; guarded by conn.mu.
type lastRequest struct {
	op   zk.OpCode
	has  bool
	xid  int32
	zxid zk.Zxid
}

func (l *lastRequest) seen(h wire.RequestHeader) {
	l.op, l.has = h.Op, true
	if h.Xid > 0 {
		l.xid = h.Xid
	}
}

func (l *lastRequest) answered(zxid zk.Zxid) {
	if zxid > 0 {
		l.zxid = zxid
	}
}

// Stats are the server's numbers.
type Stats struct {
	Connections            int
	Outstanding            int // requests submitted or queued and not answered
	Received, Sent         int64
	Rejected               int64   // connections refused by a limit
	LargeRejected          int64   // large requests refused
	DropProbability        float64 // of the connection throttle
	Waited, Stale, Late    int64   // requests that waited at the gate, were dropped there, were answered with -127
	LatencyMin, LatencyMax int64   // ms
	LatencyAvg             float64
}

// Stats returns the server's numbers.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	n := len(s.conns)
	s.mu.Unlock()
	st := Stats{
		Connections: n, Outstanding: int(s.outstanding.Load()),
		Received: s.counts.received.Load(), Sent: s.counts.sent.Load(), Rejected: s.counts.rejected.Load(),
		LargeRejected: s.counts.large.Load(), DropProbability: s.rate.dropProbability(),
	}
	if g := s.gate; g != nil {
		st.Waited, st.Stale, st.Late = g.waits.Load(), g.stale.Load(), g.late.Load()
	}
	st.LatencyMin, st.LatencyMax, st.LatencyAvg = s.counts.latency()
	return st
}

// Tree is the state that clients see.
func (s *Server) Tree() *tree.Tree { return s.tree.Load() }

// LocalSessions returns the number of sessions that only this server knows.
func (s *Server) LocalSessions() int { return s.local.count() }

// ResetStats begins the server's numbers anew.
func (s *Server) ResetStats() { s.counts.reset() }

// ResetConnections begins the numbers of every connection anew.
func (s *Server) ResetConnections() {
	for _, c := range s.snapshot() {
		c.counts.reset()
	}
}

// A ConnInfo describes one connection.
type ConnInfo struct {
	Remote                 netip.AddrPort
	Session                zk.SessionID // 0: none
	Timeout                time.Duration
	Established            time.Time // on the monotonic clock
	Queued                 int       // requests not answered
	SendQueued             int       // bytes not taken
	Received, Sent         int64
	HasOp                  bool
	LastOp                 zk.OpCode
	LastCxid               int32
	LastZxid               zk.Zxid
	LatencyMin, LatencyMax int64 // ms
	LatencyAvg             float64
}

// Connections describes all connections, oldest first.
func (s *Server) Connections() []ConnInfo {
	var list []ConnInfo
	for _, c := range s.snapshot() {
		list = append(list, c.info())
	}
	return list
}

// snapshot returns the connections at this moment.
func (s *Server) snapshot() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sortedConns()
}

func (c *conn) info() ConnInfo {
	i := ConnInfo{
		Remote: c.remote, Session: zk.SessionID(c.session.Load()),
		Timeout: time.Duration(c.timeout.Load()) * time.Millisecond, Established: c.since,
		SendQueued: c.stream.SendQueued(), Received: c.counts.received.Load(), Sent: c.counts.sent.Load(),
	}
	i.LatencyMin, i.LatencyMax, i.LatencyAvg = c.counts.latency()
	c.mu.Lock()
	defer c.mu.Unlock()
	i.Queued = len(c.pending)
	i.HasOp, i.LastOp, i.LastCxid, i.LastZxid = c.last.has, c.last.op, c.last.xid, c.last.zxid
	return i
}

// Watches is the table of watches, for reports.
func (s *Server) Watches() *watch.Table { return s.watches }

// SessionOf returns the session of a watcher that Watches lists.
func SessionOf(w watch.Watcher) (zk.SessionID, bool) {
	c, ok := w.(*conn)
	if !ok {
		return 0, false
	}
	return zk.SessionID(c.session.Load()), true
}
