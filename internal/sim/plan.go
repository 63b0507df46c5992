package sim

import (
	"fmt"
	"strings"
	"time"
)

// A fault is something that happens again and again while a plan is on.
type fault struct {
	name string
	mean time.Duration // between two of them
	do   func(p *Plan)
}

// A Plan is what goes wrong in one run: a drawn part of all faults, each with a
// rate of its own, so that no two seeds test the same world.
type Plan struct {
	e      *Ensemble
	faults []fault
	on     bool
	starts int
	rotten *Member // whose files may hold damage that nobody has met
}

// allFaults lists every fault with a middling rate.
var allFaults = []fault{
	{"crash", 3 * time.Second, (*Plan).crash},
	{"crash at file call", 3 * time.Second, (*Plan).crashAtCall},
	{"restart", 6 * time.Second, (*Plan).restart},
	{"retirement", 6 * time.Second, (*Plan).retire},
	{"hand-over", 4 * time.Second, (*Plan).handOver},
	{"blackout", 10 * time.Second, (*Plan).blackout},
	{"pause", 3 * time.Second, (*Plan).pause},
	{"partition", 4 * time.Second, (*Plan).partition},
	{"one-way cut", 3 * time.Second, (*Plan).oneWay},
	{"client cut", 2 * time.Second, (*Plan).clientCut},
	{"reset", 2 * time.Second, (*Plan).reset},
	{"stuck link", 3 * time.Second, (*Plan).stick},
	{"slow link", 4 * time.Second, (*Plan).slowLink},
	{"slow disk", 4 * time.Second, (*Plan).slowDisk},
	{"full disk", 8 * time.Second, (*Plan).fullDisk},
	{"failing sync", 8 * time.Second, (*Plan).failSync},
	{"clock jump", 3 * time.Second, (*Plan).clockJump},
	{"wiped disk", 10 * time.Second, (*Plan).wipe},
	{"bit rot", 6 * time.Second, (*Plan).rot},
}

func newPlan(e *Ensemble) *Plan {
	p := &Plan{e: e}
	for _, f := range allFaults {
		if e.W.Rand.IntN(5) < 2 {
			f.mean = f.mean / 2 * time.Duration(1+e.W.Rand.IntN(6))
			p.faults = append(p.faults, f)
		}
	}
	return p
}

// String names the faults.
func (p *Plan) String() string {
	names := make([]string, len(p.faults))
	for i, f := range p.faults {
		names[i] = fmt.Sprintf("%s every %v", f.name, f.mean)
	}
	return strings.Join(names, ", ")
}

// Start begins with the faults.
func (p *Plan) Start() {
	p.on = true
	p.starts++
	for i := range p.faults {
		p.next(&p.faults[i])
	}
}

func (p *Plan) next(f *fault) {
	wait := time.Duration(p.e.W.Rand.ExpFloat64() * float64(f.mean))
	starts := p.starts
	p.e.W.After(wait, func() {
		if p.on && p.starts == starts {
			f.do(p)
			p.next(f)
		}
	})
}

// Stop ends the faults and repairs everything.
func (p *Plan) Stop() {
	p.on = false
	w := p.e.W
	w.note(kindFault, nil, "faults end", 0, "")
	w.HealAll()
	for _, m := range w.machines {
		m.disk.repair()
		m.disk.crashIn = 0
		if m.Paused() {
			m.resume()
		}
		for _, o := range w.machines {
			w.SetLink(m, o, 100*time.Microsecond, 200*time.Microsecond)
		}
	}
	for _, m := range p.e.Members {
		p.e.rebootIn(m, 100*time.Millisecond)
	}
}

// repair undoes what makes a disk fail.
func (d *Disk) repair() { d.Slow, d.Full, d.FailSync = 0, false, 0 }

// for a while: undo is called in min to max, even if faults have ended by then.
func (p *Plan) forAWhile(shortest, longest time.Duration, undo func()) {
	w := p.e.W
	w.After(shortest+time.Duration(w.Rand.Int64N(int64(longest-shortest))), undo)
}

func (p *Plan) member() *Member { return p.e.Members[p.e.W.Rand.IntN(len(p.e.Members))] }

// two draws two different machines.
func (p *Plan) two() (a, b *Machine) {
	ms := p.e.W.machines
	i := p.e.W.Rand.IntN(len(ms))
	j := p.e.W.Rand.IntN(len(ms) - 1)
	if j >= i {
		j++
	}
	return ms[i], ms[j]
}

func (p *Plan) coin() bool { return p.e.W.Rand.IntN(2) == 0 }

func (p *Plan) crash() {
	m := p.member()
	m.M.EndIn(time.Duration(p.e.W.Rand.Int64N(int64(100*time.Millisecond))), p.coin())
	p.forAWhile(150*time.Millisecond, 3*time.Second, m.M.Boot)
}

func (p *Plan) crashAtCall() {
	p.member().M.CrashAtFileCall(1+p.e.W.Rand.IntN(40), p.coin())
}

func (p *Plan) restart() {
	m := p.member()
	m.M.Stop()
	p.forAWhile(50*time.Millisecond, 2*time.Second, m.M.Boot)
}

// blackout is the end of all servers at about one moment.
func (p *Plan) blackout() {
	for _, m := range p.e.Members {
		m.M.EndIn(time.Duration(p.e.W.Rand.Int64N(int64(20*time.Millisecond))), p.e.W.Rand.IntN(4) > 0)
		p.forAWhile(50*time.Millisecond, 2*time.Second, m.M.Boot)
	}
}

func (p *Plan) pause() {
	p.member().M.Pause(10*time.Millisecond + time.Duration(p.e.W.Rand.Int64N(int64(4*time.Second))))
}

// partition cuts the servers, and with them the clients, into two groups.
func (p *Plan) partition() {
	w := p.e.W
	side := make([]bool, len(w.machines))
	for i := range side {
		side[i] = p.coin()
	}
	for i, a := range w.machines {
		for j, b := range w.machines {
			if side[i] != side[j] {
				w.Cut(a, b)
			}
		}
	}
	p.forAWhile(100*time.Millisecond, 5*time.Second, func() {
		for _, a := range w.machines {
			for _, b := range w.machines {
				p.heal(a, b)
			}
		}
	})
}

func (p *Plan) oneWay() {
	a, b := p.two()
	p.e.W.Cut(a, b)
	p.forAWhile(100*time.Millisecond, 5*time.Second, func() { p.heal(a, b) })
}

// heal undoes a cut; some connections do not outlive it.
func (p *Plan) heal(a, b *Machine) {
	w := p.e.W
	if w.link(a, b).cut && p.coin() {
		w.ResetConnections(a, b, 0.5)
	}
	w.Heal(a, b)
}

func (p *Plan) clientCut() {
	c := p.e.Clients[p.e.W.Rand.IntN(len(p.e.Clients))]
	a, b := p.e.W.names[c.name], p.member().M
	p.e.W.Cut(a, b)
	p.e.W.Cut(b, a)
	p.forAWhile(50*time.Millisecond, 3*time.Second, func() {
		p.heal(a, b)
		p.heal(b, a)
	})
}

func (p *Plan) reset() {
	a, b := p.two()
	p.e.W.ResetConnections(a, b, 0.7)
}

func (p *Plan) stick() {
	a, b := p.two()
	p.e.W.Stick(a, b, time.Duration(p.e.W.Rand.Int64N(int64(2*time.Second))))
}

func (p *Plan) slowLink() {
	a, b := p.two()
	w := p.e.W
	old := *w.link(a, b)
	w.SetLink(a, b, time.Duration(w.Rand.Int64N(int64(50*time.Millisecond))), time.Duration(1+w.Rand.Int64N(int64(200*time.Millisecond))))
	p.forAWhile(100*time.Millisecond, 5*time.Second, func() {
		if l := w.link(a, b); p.on { // else all links are good already
			l.set(w.now, old.latency, old.jitter)
		}
	})
}

func (p *Plan) slowDisk() {
	d := p.member().M.disk
	d.Slow = 10 + p.e.W.Rand.IntN(300)
	p.forAWhile(time.Second, 4*time.Second, func() { d.Slow = 0 })
}

func (p *Plan) fullDisk() {
	d := p.member().M.disk
	d.Full = true
	p.forAWhile(200*time.Millisecond, 4*time.Second, func() { d.Full = false })
}

func (p *Plan) failSync() {
	d := p.member().M.disk
	d.FailSync = 0.3
	p.forAWhile(100*time.Millisecond, 2*time.Second, func() { d.FailSync = 0 })
}

func (p *Plan) clockJump() {
	p.member().M.JumpWall(time.Duration(p.e.W.Rand.Int64N(int64(2*time.Hour))) - time.Hour)
}

// wipe replaces one server's disk.
func (p *Plan) wipe() {
	m := p.member()
	if !p.mayLose(m) {
		return
	}
	m.empty = true
	m.M.PowerOff()
	p.e.loseDisk(m)
	p.forAWhile(50*time.Millisecond, 2*time.Second, m.M.Boot)
}
