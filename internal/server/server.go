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
	"ostler/internal/sasl"
	"ostler/internal/session"
	"ostler/internal/throttle"
	"ostler/internal/tree"
	"ostler/internal/watch"
	"ostler/internal/zk"
)

// A Request is what a Proposer is asked to do.
type Request struct {
	Session zk.SessionID
	Cxid    int32
	Number  uint64 // no other request of this server has it; clients may repeat a Cxid
	Op      zk.OpCode
	Body    []byte  // owned by the receiver
	Auth    []zk.ID // immutable
	Timeout int32   // ms, of createSession
	Local   bool    // the session is known to this server only
	Term    uint64  // of the service under which it was asked; see SetService
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
	// Argument is how many bytes must follow the word before it is answered.
	Argument(word string) int
	// Word answers; rest is what came behind the word.
	Word(word string, rest []byte, remote netip.AddrPort) (answer []byte, ok bool)
}

// Options are what a Server is made of.
type Options struct {
	Env      env.Env
	Config   *config.Config
	Auth     *auth.Auth
	Proposer Proposer
	Words    Words          // nil: none
	SASL     sasl.Mechanism // nil: nobody can log in by SASL
	ServerID zk.ServerID
	// Passwords are those of the sessions.
	Passwords session.Passwords
}

// A Server holds the client connections of one server. Fire, Applied, Synced,
// Revalidated, Moved and SetService are called by the apply loop; everything
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
	local   *localSessions // nil: every session is global

	// outstanding is the number of requests that were submitted or queued and not
	// answered.
	outstanding atomic.Int64
	submitted   atomic.Uint64 // numbers the writes and syncs
	gate        *gate         // nil: no limit
	rate        *rate
	rare        rareLines

	largeMu sync.Mutex
	large   throttle.Account

	drainLoop env.Loop
	drainable env.Inbox[*conn]
	timerLoop env.Loop

	mu         sync.Mutex
	service    zk.Service
	term       uint64 // of the full service, the last one
	closed     bool
	ids        *session.IDs
	conns      map[*conn]struct{}
	connecting map[zk.SessionID]*conn // asked for their session
	attached   map[zk.SessionID]*conn
	left       map[zk.SessionID]lastSign
	fresh      []freshConn // without a session yet, by deadline; some have one by now, or ended
	freshTimer bool        // the timer loop will look at fresh
	porch      porch
	accepted   uint64 // numbers the connections
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
		connecting: make(map[zk.SessionID]*conn),
		attached:   make(map[zk.SessionID]*conn),
		left:       make(map[zk.SessionID]lastSign),
	}
	s.drainLoop = o.Env.Loops.Start("drain", s.drain)
	s.drainable.Init(s.drainLoop)
	s.timerLoop = o.Env.Loops.Start("connections", s.lookAtTime)
	if s.cfg.LocalSessions && s.cfg.Ensemble != nil {
		s.local = newLocalSessions(s)
	}
	s.gate = newGate(o.Config.Requests, o.Env)
	s.rate = newRate(o.Config, o.Env)
	s.closeDoors()
	s.large = throttle.Account{Threshold: o.Config.LargeThreshold, Max: o.Config.LargeMaxBytes}
	return s
}

// Close ends all connections and the server's loops. It must not be called from
// a loop of the server.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed, s.service = true, zk.NoService
	all := s.sortedConns()
	s.mu.Unlock()
	for _, c := range all {
		c.drop()
	}
	s.drainLoop.Stop()
	s.timerLoop.Stop()
	if s.local != nil {
		s.local.loop.Stop()
	}
	if s.gate != nil {
		s.gate.loop.Stop()
	}
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

// lookAtTime is the step of the timer loop.
func (s *Server) lookAtTime() func() {
	s.expireFresh()
	s.clearPorch()
	return nil
}

// expireFresh closes connections that have not asked for a session in time
// (client-protocol.md 2.9).
func (s *Server) expireFresh() {
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
}

// gone forgets a connection that has ended.
func (s *Server) gone(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.conns[c]; !ok {
		return
	}
	delete(s.conns, c)
	c.port.left(c.remote.Addr())
}

// detach takes a connection away from its session.
func (s *Server) detach(c *conn) {
	id := zk.SessionID(c.session.Load())
	s.mu.Lock()
	if s.attached[id] == c {
		delete(s.attached, id)
		s.leave(id, c)
	}
	if s.connecting[id] == c {
		delete(s.connecting, id)
	}
	s.mu.Unlock()
	s.watches.RemoveAll(c)
}

// SetService opens or closes the doors: while the server has no leader, the port
// stays open and every client is turned away after a while (client-protocol.md 2.17),
// or only those that are content with reading are let in (2.14). Whoever was let in
// under another service is sent away, but for a Pause. t is the tree to read from. term
// names a full service: requests of an earlier one are not to be carried out.
func (s *Server) SetService(service zk.Service, t *tree.Tree, term uint64) {
	if t != nil {
		s.tree.Store(t)
	}
	if service == zk.FullService && t != nil {
		// A clock that was set back must not give out the ids of live sessions.
		for id := range t.Sessions() {
			s.ids.Skip(id)
		}
	}
	s.local.renew()
	s.mu.Lock()
	before := s.service
	var all []*conn
	if service != zk.FullService || before != zk.NoService {
		all = s.sortedConns()
	}
	if !letsIn(service) && letsIn(before) {
		s.closeDoors()
	}
	clear(s.left) // nobody asks for what was heard under another leader
	if service == zk.FullService {
		s.term = term
	}
	if s.service = service; s.closed {
		s.service = zk.NoService
	}
	var waiting []*conn
	if letsIn(s.service) {
		waiting = s.takeWaiting()
	}
	s.mu.Unlock()
	for _, c := range all {
		c.serveUnder(before, service, term)
	}
	for _, c := range waiting {
		wake(c)
	}
}

// letsIn reports whether clients are let in.
func letsIn(s zk.Service) bool { return s == zk.FullService || s == zk.ReadOnly }

// drain is the step of the drain loop: it runs reads whose turn has come.
func (s *Server) drain() func() {
	for _, c := range s.drainable.Take() {
		c.drain()
	}
	return nil
}
