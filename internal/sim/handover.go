package sim

import "time"

// A handOverer can let another server lead.
type handOverer interface {
	HandOver(leaving bool, done func())
}

// retireTime is how long a server that is to stop waits for another one to lead, as the
// binary does.
const retireTime = 1500 * time.Millisecond

// HandOver asks a running server to let another one lead; done is called when that is
// so. It reports whether the server was asked.
func (m *Machine) HandOver(leaving bool, done func()) bool {
	p := m.proc
	if p == nil || m.Paused() {
		return false
	}
	s, ok := p.server.(handOverer)
	if ok {
		m.w.exec(p, "hand over", true, func() { s.HandOver(leaving, done) })
	}
	return ok
}

// Retire stops a server as the binary does: after another one leads, or a while.
func (m *Machine) Retire() {
	p := m.proc
	stop := func() {
		if m.proc == p {
			m.Stop()
		}
	}
	if p == nil {
		return
	}
	m.w.After(retireTime, stop)
	m.HandOver(true, func() { m.w.After(0, stop) })
}

// retire restarts a server, which lets another one lead before.
func (p *Plan) retire() {
	m := p.member()
	p.expectHandOver(m)
	m.M.Retire()
	p.forAWhile(retireTime+50*time.Millisecond, retireTime+2*time.Second, m.M.Boot)
}

// handOver lets another server lead. Both are asked now and then though they do not.
func (p *Plan) handOver() {
	m := p.member()
	if l := p.e.leader(); l != nil && p.e.W.Rand.IntN(4) > 0 {
		m = l
	}
	p.expectHandOver(m)
	m.M.HandOver(false, func() {})
}

// expectHandOver counts a hand-over of the established leader, if there is another one
// before an election could have ended.
func (p *Plan) expectHandOver(m *Member) {
	if m != p.e.leader() {
		return
	}
	epoch := p.e.O.views[m.ID].epoch
	p.e.W.After(150*time.Millisecond, func() {
		if l := p.e.leader(); l != nil && l != m && p.e.O.views[l.ID].epoch == epoch+1 {
			p.e.Load.met("leadership handed over")
		}
	})
}
