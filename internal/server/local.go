package server

import (
	"sync"
	"time"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/session"
	"ostler/internal/zk"
)

// localSessions are the sessions that only this server knows
// (client-protocol.md 2.13): they need no transaction, and own no ephemerals.
// Unlike ZooKeeper's they outlive a change of the leader.
type localSessions struct {
	s       *Server
	upgrade bool // an ephemeral makes them global
	tick    time.Duration
	loop    env.Loop

	mu        sync.Mutex
	table     *session.Table
	timeouts  map[zk.SessionID]int32    // ms
	upgrading map[zk.SessionID]struct{} // their createSession is on its way
}

func newLocalSessions(s *Server) *localSessions {
	l := &localSessions{
		s: s, upgrade: s.cfg.UpgradeLocal, tick: s.cfg.Tick,
		table:     session.New(s.cfg.Tick),
		timeouts:  make(map[zk.SessionID]int32),
		upgrading: make(map[zk.SessionID]struct{}),
	}
	if s.cfg.LeaseHonest {
		l.table.CreditStalls()
	}
	l.loop = s.o.Env.Loops.Start("local sessions", l.expire)
	return l
}

// open begins a session, or renews one.
func (l *localSessions) open(id zk.SessionID, timeout int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.timeouts) == 0 {
		l.s.clock.WakeAt(l.s.clock.Now().Add(l.tick/2), l.loop)
	}
	l.timeouts[id] = timeout
	l.table.Add(id, millis(timeout), l.s.o.ServerID, l.s.clock.Now())
}

func millis(ms int32) time.Duration { return time.Duration(ms) * time.Millisecond }

// has reports whether a session is known here and only here.
func (l *localSessions) has(id zk.SessionID) bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.table.Has(id)
}

// remove forgets a session: it was closed, or the whole ensemble knows it now.
func (l *localSessions) remove(id zk.SessionID) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.table.Remove(id)
	delete(l.timeouts, id)
	delete(l.upgrading, id)
}

// count returns the number of local sessions.
func (l *localSessions) count() int {
	if l == nil {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.timeouts)
}

// LocalDeadlines returns when the sessions that only this server knows will expire;
// ok is false where every session is global.
func (s *Server) LocalDeadlines() (list []session.Deadline, ok bool) {
	if s.local == nil {
		return nil, false
	}
	s.local.mu.Lock()
	defer s.local.mu.Unlock()
	return s.local.table.Deadlines(), true
}

// beginUpgrade reports whether a session has to be made global now, with its
// timeout in ms; false when that is under way, or it is no local session.
func (l *localSessions) beginUpgrade(id zk.SessionID) (timeout int32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	timeout, ok = l.timeouts[id]
	if _, under := l.upgrading[id]; under || !ok {
		return 0, false
	}
	l.upgrading[id] = struct{}{}
	return timeout, true
}

// upgradingNow returns the sessions that are being made global; nil when there are none.
func (l *localSessions) upgradingNow() map[zk.SessionID]bool {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.upgrading) == 0 {
		return nil
	}
	now := make(map[zk.SessionID]bool, len(l.upgrading))
	for id := range l.upgrading {
		now[id] = true
	}
	return now
}

// touch renews those of the sessions that were heard of that are being made global.
func (l *localSessions) touch(heard []peerwire.SessionTouch, upgrading map[zk.SessionID]bool) {
	if len(upgrading) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.s.clock.Now()
	for _, t := range heard {
		if upgrading[t.Session] {
			l.table.Touch(t.Session, millis(t.Timeout), now)
		}
	}
}

// renew gives every session its full timeout, when clients may come again.
func (l *localSessions) renew() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.upgrading) // what of it was committed has been applied
	now := l.s.clock.Now()
	for id, timeout := range l.timeouts {
		l.table.Touch(id, millis(timeout), now)
	}
}

// expire is the step of the loop: it ends sessions that are silent for too long.
func (l *localSessions) expire() func() {
	heard := l.s.heardLocal()
	l.mu.Lock()
	now := l.s.clock.Now()
	for _, t := range heard {
		l.table.Touch(t.Session, millis(t.Timeout), now)
	}
	expired := l.table.Expire(now)
	for _, id := range expired {
		l.table.Remove(id)
		delete(l.timeouts, id)
		delete(l.upgrading, id)
	}
	if len(l.timeouts) > 0 {
		l.s.clock.WakeAt(now.Add(l.tick/2), l.loop)
	}
	l.mu.Unlock()
	for _, id := range expired {
		l.s.log.Info("local session expired", "session", id)
		l.s.Moved(id)
	}
	return nil
}

// submitLocal deals with a write or sync of a local session. done says that it
// needs nothing more; else local says what the Proposer is to know of the session.
func (c *conn) submitLocal(p *pendingRequest, body []byte) (local, done bool) {
	if !c.local.Load() {
		return false, false
	}
	if p.op == zk.OpCloseSession { // without a transaction
		c.push(*p)
		c.runReady()
		return true, true
	}
	l := c.server.local
	if !l.upgrade || !prep.MakesEphemeral(p.op, body) {
		return true, false
	}
	id := zk.SessionID(c.session.Load())
	if timeout, ok := l.beginUpgrade(id); ok {
		c.server.o.Proposer.Submit(&Request{Session: id, Op: zk.OpCreateSession, Timeout: timeout, Auth: c.identities(), Term: c.term})
	}
	return false, false
}

// closeLocal ends a local session in its turn. The caller holds mu.
func (c *conn) closeLocal(p *pendingRequest) {
	c.server.local.remove(zk.SessionID(c.session.Load()))
	c.replyError(p.xid, c.server.tree.Load().LastZxid(), zk.OK)
	c.finish()
}

// upgraded says that the whole ensemble knows a session now.
func (s *Server) upgraded(id zk.SessionID) {
	if !s.local.has(id) {
		return
	}
	s.local.remove(id)
	s.mu.Lock()
	c := s.attached[id]
	s.mu.Unlock()
	if c != nil {
		c.local.Store(false)
		c.heard.Store(true)
	}
}
