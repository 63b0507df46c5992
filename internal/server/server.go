package server

import (
	"cmp"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ostler/internal/auth"
	"ostler/internal/config"
	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/zk"
)

// A Request is what a Proposer is asked to do.
type Request struct {
	Session zk.SessionID
	Cxid    int32
	Op      zk.OpCode
	Body    []byte  // owned by the receiver
	Auth    []zk.ID // immutable
	Timeout int32   // ms, of createSession
}

// A Proposer brings writes into the order of the ensemble. Its methods never block;
// the answers come through Applied, Synced, Refused and Revalidated.
type Proposer interface {
	// Submit takes a write, a sync, or the beginning or end of a session.
	Submit(r *Request)
	// Revalidate asks whether a session may be attached to this server.
	Revalidate(session zk.SessionID, timeout int32)
}

// Words answers four-letter words (client-protocol.md 1.5). ok is false when
// there is nothing to answer.
type Words interface {
	Word(word string, remote netip.AddrPort) (answer []byte, ok bool)
}

// Options are what a Server is made of.
type Options struct {
	Env      env.Env
	Config   *config.Config
	Auth     *auth.Auth
	Proposer Proposer
	Words    Words // nil: none
	ServerID zk.ServerID
}

// A Server holds the client connections of one server. Fire, Applied, Synced,
// Revalidated, Moved and SetServing are called by the apply loop; everything
// else may be called from anywhere.
type Server struct {
	o       Options
	cfg     *config.Config
	clock   env.Clock
	log     *slog.Logger
	watches *watch.Table
	limits  limits
	tree    atomic.Pointer[tree.Tree]
	counts  counters

	// outstanding is the number of writes that were submitted and not answered.
	outstanding atomic.Int64

	drainLoop env.Loop
	drainable env.Inbox[*conn]
	timerLoop env.Loop

	mu         sync.Mutex
	serving    bool
	closed     bool
	ids        *session.IDs
	conns      map[*conn]struct{}
	perAddr    map[netip.Addr]int
	connecting map[zk.SessionID]*conn // asked for their session
	attached   map[zk.SessionID]*conn
	fresh      []freshConn // without a session yet, by deadline; some have one by now, or ended
	freshTimer bool        // the timer loop will look at fresh
	accepted   uint64      // numbers the connections
}

// A freshConn must send a ConnectRequest before its deadline.
type freshConn struct {
	c        *conn
	deadline time.Time
}

// New returns a server that does not serve yet.
func New(o Options) *Server {
	s := &Server{
		o: o, cfg: o.Config, clock: o.Env.Clock, log: o.Env.Log,
		watches:    watch.New(),
		limits:     newLimits(o.Config),
		ids:        session.NewIDs(o.ServerID, o.Env.Clock.Wall().UnixMilli(), o.Env.Rand.Uint64()),
		conns:      make(map[*conn]struct{}),
		perAddr:    make(map[netip.Addr]int),
		connecting: make(map[zk.SessionID]*conn),
		attached:   make(map[zk.SessionID]*conn),
	}
	s.drainLoop = o.Env.Loops.Start("drain", s.drain)
	s.drainable.Init(s.drainLoop)
	s.timerLoop = o.Env.Loops.Start("connections", s.expireFresh)
	return s
}

// Listen opens a client port.
func (s *Server) Listen(net env.Net, addr string) (env.Listener, error) {
	o := env.StreamOptions{SendLimit: sendLimit, KeepAlive: s.cfg.Properties["clientTcpKeepAlive"] == "true"}
	return net.Listen(addr, o, s.accept)
}

// Close ends all connections and the server's loops. It must not be called from
// a loop of the server.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed, s.serving = true, false
	all := s.sortedConns()
	s.mu.Unlock()
	for _, c := range all {
		c.drop()
	}
	s.drainLoop.Stop()
	s.timerLoop.Stop()
}

// sortedConns returns the connections in the order in which they came. The
// caller holds mu.
func (s *Server) sortedConns() []*conn {
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *conn) int { return cmp.Compare(a.number, b.number) })
	return all
}

// accept takes a connection unless there are too many (client-protocol.md 2.15).
func (s *Server) accept(stream env.Stream) env.Handler {
	addr := stream.Remote().Addr()
	s.mu.Lock()
	defer s.mu.Unlock()
	perAddr, total := s.cfg.MaxClientCnxns, s.cfg.MaxCnxns
	if s.closed || perAddr > 0 && s.perAddr[addr] >= perAddr || total > 0 && len(s.conns) >= total {
		s.counts.rejected.Add(1)
		return nil
	}
	s.accepted++
	c := newConn(s, stream, s.accepted)
	s.conns[c] = struct{}{}
	s.perAddr[addr]++
	if d := s.cfg.SessionlessTimeout; d > 0 {
		s.forgetFresh()
		s.fresh = append(s.fresh, freshConn{c, s.clock.Now().Add(d)})
		s.awaitFresh()
	}
	return c
}

// forgetFresh drops those at the front that nothing is awaited of any more: many
// clients that come and go must not be held until their deadlines. The caller
// holds mu.
func (s *Server) forgetFresh() {
	for len(s.fresh) > 0 {
		c := s.fresh[0].c
		if _, alive := s.conns[c]; alive && c.session.Load() == 0 {
			return
		}
		s.fresh[0] = freshConn{}
		s.fresh = s.fresh[1:]
	}
}

// awaitFresh has the timer loop look at the first deadline. The caller holds mu.
func (s *Server) awaitFresh() {
	if len(s.fresh) > 0 && !s.freshTimer {
		s.freshTimer = true
		s.clock.WakeAt(s.fresh[0].deadline, s.timerLoop)
	}
}

// expireFresh is the step of the timer loop: it closes connections that have not
// asked for a session in time (client-protocol.md 2.9).
func (s *Server) expireFresh() func() {
	var late []*conn
	s.mu.Lock()
	now := s.clock.Now()
	for len(s.fresh) > 0 && !s.fresh[0].deadline.After(now) {
		late = append(late, s.fresh[0].c)
		s.fresh[0] = freshConn{}
		s.fresh = s.fresh[1:]
	}
	s.freshTimer = false
	s.awaitFresh()
	s.mu.Unlock()
	for _, c := range late {
		if c.session.Load() == 0 {
			c.drop()
		}
	}
	return nil
}

// gone forgets a connection that has ended.
func (s *Server) gone(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	addr := c.remote.Addr()
	if s.perAddr[addr]--; s.perAddr[addr] == 0 {
		delete(s.perAddr, addr)
	}
}

// detach takes a connection away from its session.
func (s *Server) detach(c *conn) {
	id := zk.SessionID(c.session.Load())
	s.mu.Lock()
	if s.attached[id] == c {
		delete(s.attached, id)
	}
	if s.connecting[id] == c {
		delete(s.connecting, id)
	}
	s.mu.Unlock()
	s.watches.RemoveAll(c)
}

// SetServing opens or closes the doors: while the server has no leader, the port
// stays open and every client is turned away (client-protocol.md 2.17). t is the
// tree to read from.
func (s *Server) SetServing(serving bool, t *tree.Tree) {
	if t != nil {
		s.tree.Store(t)
	}
	if serving && t != nil {
		// A clock that was set back must not give out the ids of live sessions.
		for id := range t.Sessions() {
			s.ids.Skip(id)
		}
	}
	s.mu.Lock()
	s.serving = serving && !s.closed
	var all []*conn
	if !serving {
		all = s.sortedConns()
	}
	s.mu.Unlock()
	for _, c := range all {
		if c.session.Load() != 0 {
			c.drop()
		}
	}
}

// drain is the step of the drain loop: it runs reads whose turn has come.
func (s *Server) drain() func() {
	for _, c := range s.drainable.Take() {
		c.drain()
	}
	return nil
}

// Touched returns the sessions with a sign of life since the last call, by id.
func (s *Server) Touched() []peerwire.SessionTouch {
	var touched []peerwire.SessionTouch
	s.mu.Lock()
	for id, c := range s.attached {
		if c.heard.Swap(false) {
			touched = append(touched, peerwire.SessionTouch{Session: id, Timeout: c.timeout.Load()})
		}
	}
	s.mu.Unlock()
	slices.SortFunc(touched, func(a, b peerwire.SessionTouch) int { return cmp.Compare(a.Session, b.Session) })
	return touched
}
