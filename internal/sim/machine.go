package sim

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"time"

	"ostler/internal/env"
)

// A Server is what runs on a machine.
type Server interface {
	Start() error
	Stop()
}

// A Factory builds a server in the world that e shows it. It may block on files.
type Factory func(e env.Env) (Server, error)

// A Machine has a disk that outlives its process, clocks, and an address.
type Machine struct {
	w     *World
	index int
	name  string
	from  string                // "from " and the name, for the trace
	addrs []netip.Addr          // one in each of its networks
	own   map[string]netip.Addr // what it calls them itself
	disk  *Disk
	log   *slog.Logger
	make  Factory

	proc     *process // nil: none runs
	powered  bool
	boots    int
	lastPort uint16

	pausedUntil int64
	deferred    []*event // what came due during a pause
	stops       []span   // all pauses

	mono time.Duration // this boot's monotonic clock, ahead of the world's
	wall time.Duration // the wall clock's error

	// Exited is called when the server could not be started, or ended itself.
	Exited func(err error)
}

// A process is one life of a server.
type process struct {
	m         *Machine
	alive     bool
	endAt     int64 // when a crash is planned; 0: never
	server    Server
	loops     []*loop
	listeners []*listener
	ends      []*end
	locks     []string
}

func (p *process) machineName() string {
	if p == nil {
		return "the world"
	}
	return p.m.name
}

// Frozen is the panic that ends a step in the middle of a file call. The rest of
// the process lives on until its end comes.
type frozen struct{}

// AddMachine adds a machine with an empty disk, powered, with nothing running.
// Its name resolves to its address.
func (w *World) AddMachine(name string, f Factory) *Machine {
	m := &Machine{w: w, index: len(w.machines), name: name, from: "from " + name, make: f, powered: true, lastPort: 32768}
	m.own = make(map[string]netip.Addr)
	w.AddAddr(m, name)
	m.log = slog.New(&logHandler{m: m})
	m.disk = newDisk(m, w.Rand.Uint64())
	w.machines = append(w.machines, m)
	w.names[name] = m
	w.growLinks()
	return m
}

// Name is the machine's host name.
func (m *Machine) Name() string { return m.name }

// Addr is the machine's first address.
func (m *Machine) Addr() netip.Addr { return m.addrs[0] }

// Disk is the machine's disk.
func (m *Machine) Disk() *Disk { return m.disk }

// Running reports whether a process is alive, paused ones included.
func (m *Machine) Running() bool { return m.proc != nil }

// Powered reports whether the machine answers at all.
func (m *Machine) Powered() bool { return m.powered }

// Paused reports whether the process stands still.
func (m *Machine) Paused() bool { return m.pausedUntil > m.w.now }

// Server is what runs, or nil.
func (m *Machine) Server() Server {
	if m.proc == nil {
		return nil
	}
	return m.proc.server
}

// Boot starts the server on what the disk holds. An error of the factory or of
// Start is told to Exited.
func (m *Machine) Boot() {
	if m.proc != nil {
		return
	}
	w := m.w
	m.boots++
	m.powered = true
	m.mono = time.Duration(w.net.Int64N(int64(1000 * time.Hour)))
	p := &process{m: m, alive: true}
	m.proc = p
	w.note(kindFault, m, "boot", int64(m.boots), "")
	m.wakeSleepers()
	var err error
	w.exec(p, "boot", true, func() {
		if p.server, err = m.make(m.env(p)); err == nil {
			err = p.server.Start()
		}
	})
	if err != nil {
		m.exit(p, fmt.Errorf("start: %w", err))
	}
}

// env is what a process sees of the world.
func (m *Machine) env(p *process) env.Env {
	return env.Env{
		Clock: &clock{p}, Rand: rand.New(rand.NewPCG(m.w.Rand.Uint64(), uint64(m.boots))),
		FS: &procFS{d: m.disk, p: p}, Net: &procNet{p}, Loops: &loops{p}, Log: m.log,
	}
}

// Exit is for a server that ends itself, as a process that exits: what it wrote
// stays in the cache of the machine.
func (m *Machine) Exit(err error) {
	if m.proc != nil {
		m.exit(m.proc, err)
	}
}

func (m *Machine) exit(p *process, err error) {
	if m.proc != p {
		return
	}
	m.w.note(kindFault, m, "exit", 0, fmt.Sprint(err))
	m.end(false)
	if m.Exited != nil {
		m.Exited(err)
	}
}

// Stop ends the server in an orderly way.
func (m *Machine) Stop() {
	p := m.proc
	if p == nil {
		return
	}
	m.w.note(kindFault, m, "stop", 0, "")
	m.resume()
	if p.server != nil {
		m.w.exec(p, "stop", true, p.server.Stop)
	}
	if m.proc == p {
		m.end(false)
	}
}

// Kill ends the process at once. What it wrote stays in the cache of the machine.
func (m *Machine) Kill() {
	if m.proc != nil {
		m.w.note(kindFault, m, "kill", 0, "")
		m.end(false)
	}
}

// PowerOff ends everything at once: what was not synced may be lost, and the
// other sides of connections hear nothing.
func (m *Machine) PowerOff() {
	if m.powered {
		m.w.note(kindFault, m, "power off", 0, "")
		m.end(true)
	}
}

// EndIn ends the process in d, with or without loss of power. A file call that is
// under way at that moment has not happened, or in part.
func (m *Machine) EndIn(d time.Duration, power bool) {
	m.plannedEnd(int64(d), power, false)
}

// CrashAtFileCall ends the process in the middle of its n-th file call from now.
// Exited is told ErrCrashed.
func (m *Machine) CrashAtFileCall(n int, power bool) {
	m.disk.crashIn, m.disk.crashPower = n, power
}

func (m *Machine) plannedEnd(d int64, power, tell bool) {
	w, p := m.w, m.proc
	if p == nil || p.endAt != 0 {
		return
	}
	p.endAt = max(w.now+w.cur.blocked+d, w.now+1)
	w.schedule(d, nil, kindFault, "", func() {
		if m.proc != p {
			return
		}
		if w.note(kindFault, m, "crash", 0, ""); power {
			m.PowerOff()
		} else {
			m.Kill()
		}
		if tell && m.Exited != nil {
			m.Exited(ErrCrashed)
		}
	})
}

// end is the end of the process.
func (m *Machine) end(power bool) {
	p := m.proc
	m.disk.crashIn = 0
	if p != nil {
		p.alive = false
		m.proc = nil
		m.resume()
		p.release(power)
	}
	if power {
		m.powered = false
		m.disk.powerOff()
	}
}

// release gives back what the process held of the world.
func (p *process) release(silent bool) {
	for _, l := range p.loops {
		l.stopped = true
	}
	for _, l := range p.listeners {
		l.closed = true
	}
	for _, e := range append([]*end(nil), p.ends...) {
		e.abandon(silent)
	}
	for _, name := range p.locks {
		delete(p.m.disk.locked, name)
	}
	p.listeners, p.ends, p.locks = nil, nil, nil
}

// Pause stops the process for d, as a long stop of the machine's scheduler does.
// The network goes on: what arrives waits.
func (m *Machine) Pause(d time.Duration) {
	if m.proc == nil {
		return
	}
	m.w.note(kindFault, m, "pause", 0, d.String())
	until := m.w.now + int64(d)
	m.pausedUntil = until
	m.noteStop()
	m.w.After(d, func() {
		if m.pausedUntil == until {
			m.resume()
		}
	})
}

// resume ends a pause; what came due happens now, in any order.
func (m *Machine) resume() {
	m.pausedUntil = 0
	m.noteGo()
	late := m.deferred
	m.deferred = nil
	for _, e := range late {
		m.w.push(e, m.w.now, e.proc, e.kind, e.what)
	}
}

// JumpWall moves the wall clock.
func (m *Machine) JumpWall(by time.Duration) {
	m.w.note(kindFault, m, "wall clock jumps", 0, by.String())
	m.wall += by
}

// WallError is how far the wall clock is ahead of the world's.
func (m *Machine) WallError() time.Duration { return m.wall }

// Wipe replaces the disk by an empty one; nothing may run.
func (m *Machine) Wipe() {
	m.w.note(kindFault, m, "disk wiped", 0, "")
	m.disk = newDisk(m, m.w.Rand.Uint64())
}
