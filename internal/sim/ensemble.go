package sim

import (
	"strings"
	"time"

	"ostler/internal/env"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// An Ensemble is a run: servers, clients, faults, and all that checks them.
type Ensemble struct {
	W       *World
	O       *Oracle
	Members []*Member
	Clients []*Client
	Load    *Workload
	Plan    *Plan
	// Faulty is how long faults go on; 0: drawn.
	Faulty time.Duration
	// later are what comes behind it.
	later []stretch
	// lastCounter is where epochs end, see Setup.
	lastCounter uint32
	tick        time.Duration
	make        NodeFactory
	// settings are drawn with dice of their own, and so is how often later kinds of
	// requests are made: the faults of a seed stay what they were.
	settings Settings
}

// NewEnsemble draws an ensemble from the world's seed.
func NewEnsemble(w *World, make NodeFactory) *Ensemble {
	roles := drawRoles(w)
	e := newEnsembleOf(w, make, roles)
	e.lastCounter = drawLastCounter(w.dice(22))
	for _, m := range e.Members {
		m.setup.LastCounter = e.lastCounter
	}
	if drawChanges(w.dice(23), roles) {
		e.reconfigure()
	}
	return e
}

// newEnsemble is one of so many voters.
func newEnsemble(w *World, make NodeFactory, size int) *Ensemble {
	return newEnsembleOf(w, make, Roles{Voters: size})
}

func newEnsembleOf(w *World, make NodeFactory, r Roles) *Ensemble {
	ticks := [...]time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond}
	e := &Ensemble{W: w, O: NewOracle(w), make: make}
	e.tick = ticks[w.Rand.IntN(len(ticks))]
	e.settings = drawSettings(w.dice(4))
	e.Faulty = 5*time.Second + time.Duration(w.Rand.Int64N(int64(20*time.Second)))
	e.later = drawStretches(w.dice(11))
	e.O.Logs = e.logs
	e.addServers(r)
	e.Load = newWorkload(w, e.O, e.tick, e.settings)
	e.Load.behind = e.behind
	for i := range 2 + w.Rand.IntN(3) {
		e.addClient(i)
	}
	e.Plan = newPlan(e)
	e.Load.leases = newLeases(e)
	e.O.Expired = e.Load.leases.expired
	return e
}

func (e *Ensemble) addServers(r Roles) {
	s := Setup{Voters: r.Voters, Masters: r.Masters, Groups: r.Groups, Weights: r.Weights, Tick: e.tick, Settings: e.settings, SnapCount: 20 + e.W.Rand.IntN(500), CommitLog: 5 + e.W.Rand.IntN(500)}
	s.Narrow = r.Narrow
	for i := range r.Voters + r.Observers {
		s.Servers = append(s.Servers, zk.ServerID(i+1))
	}
	for _, id := range s.Servers {
		m := &Member{ID: id, setup: s}
		m.setup.ID = id
		m.M = e.W.AddMachine(HostName(id), func(en env.Env) (Server, error) { return e.build(m, en) })
		m.M.Exited = func(err error) {
			m.lastErr = err
			e.refused(m, err)
			e.rebootIn(m, 200*time.Millisecond+time.Duration(e.W.Rand.Int64N(int64(2*time.Second))))
		}
		e.Members = append(e.Members, m)
	}
}

// build makes one life of a server.
func (e *Ensemble) build(m *Member, en env.Env) (Server, error) {
	r := &Reporter{o: e.O, member: m}
	node, err := e.make(en, m.setup, r)
	if err != nil {
		return nil, err
	}
	r.node = node
	e.O.Booted(m.ID, node.Applied())
	if node.Standalone() {
		r.Established(true, 0, node.Applied())
	}
	return node, nil
}

// leader is the leader that was established last, nil without one.
func (e *Ensemble) leader() *Member {
	var best *Member
	for _, m := range e.Members {
		v := e.O.views[m.ID]
		if v != nil && v.established && e.O.leaders[v.epoch] == m.ID && (best == nil || v.epoch > e.O.views[best.ID].epoch) {
			best = m
		}
	}
	return best
}

func (e *Ensemble) rebootIn(m *Member, d time.Duration) {
	e.W.After(d, func() {
		if !m.M.Running() {
			m.M.Boot()
		}
	})
}

func (e *Ensemble) addClient(i int) {
	var addrs []string
	for _, m := range e.Members {
		addrs = append(addrs, ClientAddr(m.ID))
	}
	c := newClient(e.W, e.O, e.Load, i, addrs)
	e.Clients = append(e.Clients, c)
	e.Load.clients = append(e.Load.clients, c)
}

// logs reads the logs of all servers from their disks, those set aside included.
func (e *Ensemble) logs(first zk.ServerID, after zk.Zxid) [][]*txn.Record {
	var all [][]*txn.Record
	for i := range e.Members {
		m := e.Members[(int(first)-1+i)%len(e.Members)]
		fs := m.M.disk.FS()
		all = append(all, readLog(fs, DataDir+"/version-2", after))
		dirs, _ := fs.List(DataDir)
		for _, d := range dirs {
			if strings.HasPrefix(d.Name, "quarantine") {
				all = append(all, readLog(fs, DataDir+"/"+d.Name, after))
			}
		}
	}
	return all
}

// readLog reads a log as far as it is good.
func readLog(fs env.FS, dir string, after zk.Zxid) []*txn.Record {
	r, err := txnlog.Open(fs, dir, after)
	if err != nil {
		return nil
	}
	defer r.Close()
	var recs []*txn.Record
	for {
		rec, err := r.Next()
		if err != nil || rec == nil {
			return recs
		}
		recs = append(recs, rec)
	}
}

// DataDir is where servers keep their data.
const DataDir = "/data"

// Run lets the ensemble work under faults, then without, and checks that
// it comes to rest in the right state.
func (e *Ensemble) Run() {
	w := e.W
	w.note(kindFault, nil, "plan", int64(len(e.Members)), e.Plan.String())
	for _, m := range e.Members {
		e.bootSoon(m)
	}
	for _, c := range e.Clients {
		w.names[c.name].Boot()
	}
	e.supervise()
	w.After(time.Duration(w.Rand.Int64N(int64(2*time.Second))), e.Plan.Start)
	w.Run(e.Faulty)
	e.Plan.Stop()
	e.recover()
	for _, s := range e.later {
		e.pass(s)
	}
	e.Load.steady = true
	w.Run(2*time.Second + 10*e.tick)
	e.rest()
	e.finish()
}

func (e *Ensemble) bootSoon(m *Member) {
	e.W.After(time.Duration(e.W.Rand.Int64N(int64(500*time.Millisecond))), m.M.Boot)
}

// supervise restarts servers that end themselves, as an init system does.
func (e *Ensemble) supervise() {
	for _, m := range e.Members {
		node, ok := m.M.Server().(Node)
		if !ok || m.M.Paused() {
			continue
		}
		select {
		case <-node.Done():
			m.M.Exit(node.Err())
		default:
		}
	}
	e.W.After(50*time.Millisecond, e.supervise)
}
