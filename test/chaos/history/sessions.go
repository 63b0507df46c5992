package history

import (
	"time"

	"ostler/internal/zk"
)

// checkSessions wants each session to see the state go forward only, from whichever
// server it reads (INV-O2, O3, O5), and nothing of it after its end (INV-X10).
func (m *model) checkSessions() {
	type view struct {
		zxid zk.Zxid
		op   *Op
	}
	seen := map[zk.SessionID]view{}
	for i := range m.h.Ops {
		o := &m.h.Ops[i]
		if o.Outcome == Lost || o.Zxid <= 0 {
			continue
		}
		last := seen[o.Session]
		if o.Zxid < last.zxid {
			m.violateSession("INV-O5", o.Session, nil, "a reply has an earlier zxid than the one before: %v; %v", last.op, o)
			continue
		}
		if s := m.session[o.Session]; s != nil && s.closed != 0 && o.Zxid > s.closed {
			m.violateSession("INV-X10", o.Session, nil, "a session that was closed at %v was served: %v", s.closed, o)
		}
		if !o.writes() {
			for j := range o.Parts {
				m.checkRead(o, &o.Parts[j], last.zxid)
			}
		}
		seen[o.Session] = view{o.Zxid, o}
	}
}

// checkRead wants a state between the last one seen and the zxid of the reply that has
// what a read found.
func (m *model) checkRead(o *Op, p *Part, seen zk.Zxid) {
	switch {
	case p.Kind != zk.OpGetData:
	case p.Code == zk.OK:
		l := m.lifeOf(p.Path, p.Stat)
		if end := l.until(p.Stat.Version); end <= seen {
			m.violateSession("INV-O2", o.Session, []string{p.Path}, "a read shows what was over at %v, after the session had seen %v: %v", end, seen, o)
		}
	case p.Code == zk.NoNode:
		l := m.at(p.Path, seen+1)
		if l == nil {
			return
		}
		if end := m.earliest(l); end > o.Zxid {
			m.violateSession(missing(l), o.Session, []string{p.Path}, "a read at %v does not find a node that is there from %v to %s: %v", o.Zxid, l.born, atEnd(end), o)
		}
	}
}

// missing names the invariant that is broken where a life is not seen.
func missing(l *life) string {
	if l.owner != 0 {
		return "INV-S2"
	}
	return "INV-O2"
}

func atEnd(z zk.Zxid) string {
	if z == forever {
		return "the end"
	}
	return z.String()
}

// checkExpiry wants no session to be expired within its timeout of a sign of life that
// reached the leader (INV-S4). The call of an acknowledged write is such a sign.
func (m *model) checkExpiry() {
	signs := map[zk.SessionID]time.Duration{}
	for i := range m.h.Ops {
		if o := &m.h.Ops[i]; o.writes() && o.Outcome == Acked {
			signs[o.Session] = max(signs[o.Session], o.Call)
		}
	}
	for i := range m.h.Sessions {
		s := &m.h.Sessions[i]
		if s.End != Expired {
			continue
		}
		if sign := max(s.Opened, signs[s.ID]); s.Ended < sign+s.Timeout {
			m.violateSession("INV-S4", s.ID, nil, "session %v with timeout %v was expired at %v, and alive at %v", s.ID, s.Timeout, s.Ended, sign)
		}
	}
}
