package replica

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"ostler/internal/auth"
	"ostler/internal/config"
	"ostler/internal/datadir"
	"ostler/internal/election"
	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/prep"
	"ostler/internal/session"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// Clients is the client side, as far as replication needs it. Apart from Touched
// and Refused everything is called by the apply loop, in the order of history.
type Clients interface {
	// Fire is given to tree.Apply.
	Fire(c tree.Change)
	// Applied completes the request of (session, cxid) if it came in here.
	Applied(rec *txn.Record, res *tree.Result)
	// Synced completes the sync with that number.
	Synced(session zk.SessionID, number uint64)
	// Revalidated answers whether a session may be attached here.
	Revalidated(session zk.SessionID, valid bool)
	// Moved says that a session is attached to another server now.
	Moved(session zk.SessionID)
	// SetService opens or closes the doors; t is the tree to read from now on. Requests
	// under a full service have its term.
	SetService(service zk.Service, t *tree.Tree, term uint64)
	// Refused completes the request with that number, which cannot be passed on,
	// in its turn.
	Refused(session zk.SessionID, number uint64, code zk.Code)
	// Touched returns the sessions with a sign of life since the last call.
	Touched() []peerwire.SessionTouch
}

// An Observer is told what happens to a server, by its loops: for tests that
// check the Zab invariants.
type Observer interface {
	// Established: a leader or learner may serve in this epoch.
	Established(leader bool, epoch zk.Epoch, last zk.Zxid)
	// Delivered: the apply loop applied rec; digest is the tree's afterwards.
	Delivered(rec *txn.Record, digest uint64)
	// Restored: the state now is that of a snapshot or a reloaded directory.
	Restored(zxid zk.Zxid, digest uint64)
	// Expired: this server gives a session up.
	Expired(id zk.SessionID)
	// Credited: it was found that sessions could not be heard for a while, which
	// is not counted against them.
	Credited(d time.Duration)
}

// Options are what a replica is made of.
type Options struct {
	Env      env.Env
	Config   *config.Config
	Auth     *auth.Auth
	Dir      *datadir.Dir
	Loaded   Loaded
	Clients  Clients
	Observer Observer // may be nil
	Judge    Judge    // of a shadow; nil on any other server
	// Secret is the fingerprint of the secret that session passwords come from, 0
	// for ZooKeeper's.
	Secret uint64
	// LastCounter, if not 0, is where epochs end, for tests: their counters reach 2^32.
	LastCounter uint32
	// Members is told each configuration that comes into force; may be nil. Record
	// has it written where the configuration file is; it may block, and be nil.
	Members func(c *ensemble.Config)
	Record  func(c *ensemble.Config) error
	// Failed is told, once, why the server must stop.
	Failed func(error)
}

// A Loaded is what recovery found.
type Loaded struct {
	Tree              *tree.Tree
	History           *zab.History
	Accepted, Current zk.Epoch
	Committed         zk.Zxid // known to be committed, 0 when nothing is
	Members           []byte  // the newest configuration that was in force; nil: none is on record
	// Fresh: there was no data at all. Trusted: this server's votes count
	// although its history may be empty (decisions.md 2).
	Fresh, Trusted bool
	// Fuzzy: the tree may hold changes of transactions that it has still to apply.
	Fuzzy  bool
	Alarms *Alarms // goes on counting
}

// A phase is where a replica is in its life (see the package comment).
type phase int

const (
	starting phase = iota
	draining
	looking
	leading
	connecting
	learning
	solo
	stopped
)

// A Replica drives one server. Its fields belong to the replica loop unless they
// say otherwise.
type Replica struct {
	o     Options
	cfg   *config.Config
	log   *slog.Logger
	clock env.Clock
	rand  *rand.Rand

	loop  env.Loop
	inbox env.Inbox[event]

	logger  *logLoop
	applier *applyLoop
	keeper  *keeperLoop
	pusher  *pusherLoop
	oracle  env.Loop // nil: none
	mesh    *peers.Mesh

	phase    phase
	term     uint64           // counts roles
	ensemble *ensemble.Config // in force, with one proposed behind it
	election *election.Core
	leader   *zab.Leader
	learner  *zab.Learner
	solo     *zab.Solo
	history  *zab.History
	accepted zk.Epoch
	current  zk.Epoch
	fresh    bool // there is no snapshot on disk yet
	// trusted: the history counts in elections. A server whose directory was empty
	// becomes trusted once it has synced (quorum.md R15).
	trusted      bool
	needSnapshot bool                       // the next leader is asked for one (quorum.md R24)
	committed    zk.Zxid                    // known to be committed
	noted        zk.Zxid                    // of that, what the directory remembers
	activating   *activation                // nil: none
	orphaned     *activation                // of a role that is over; no other begins before it is recorded
	designated   zk.ServerID                // leads next without an election; 0: nobody
	appointed    bool                       // the present role began without an election
	staying      bool                       // clients may stay when this role ends
	paused       bool                       // clients stay, and wait for the next role
	handing      *handing                   // nil: nobody has asked for another leader
	parting      map[zab.LinkID]*peers.Link // they close when what was sent has left
	waitingFor   []zk.ServerID
	role         peerwire.ServerState // what the others are told
	leaderID     zk.ServerID
	backers      []zk.ServerID // of this server as the leader, in the last election

	delivered zk.Zxid // handed to the apply loop up to here
	applied   zk.Zxid // the apply loop is done up to here
	digest    uint64  // of the tree, as of the last idle report
	serving   bool

	readOnly   bool      // reads are served without a leader
	readOnlyAt time.Time // when that begins; zero for never

	prep        *prep.Preparer
	sessions    *session.Table
	credit      credit
	closing     []closingSession
	reaper      reaper
	excesses    excessLog
	orphans     bool // sessions that own ephemerals but do not exist are to be closed
	nextExpiry  time.Time
	syncs       []pendingSync // of this server's clients, oldest first
	views       map[zab.LinkID]*tree.View
	listener    listeners       // for learners; nil unless this server leads, or is a master
	master      *observerMaster // nil: none
	masters     masterList
	binding     binding
	lookAt      time.Time // when a former observer may look for a leader; zero: at once
	links       map[zab.LinkID]*peers.Link
	leaderLink  zab.LinkID
	dial        dialState
	idle        idleState
	out         zab.Output
	votes       election.Output
	wakeAt      time.Time // the timer that is set
	txnsSince   int       // transactions since the last snapshot
	bytesSince  int64
	snapAfter   int
	snapBytes   int64
	electionEnd time.Time

	status    atomic.Pointer[Status]
	deadlines atomic.Pointer[[]session.Deadline] // nil unless this server expires sessions
	nextLink  atomic.Uint64                      // any goroutine
	digests   digestLog
	shadow    shadowState
}

// A closingSession is one whose closeSession transaction is on its way.
type closingSession struct {
	zxid zk.Zxid
	id   zk.SessionID
}

// A pendingSync is a sync that a client of this server waits for.
type pendingSync struct {
	session zk.SessionID
	number  uint64
	after   zk.Zxid // of a standalone server: what was proposed before
}

// New returns a replica that has not started.
func New(o Options) *Replica {
	r := &Replica{
		o: o, cfg: o.Config, log: o.Env.Log, clock: o.Env.Clock, rand: o.Env.Rand,
		ensemble: o.Config.Ensemble,
		history:  o.Loaded.History,
		accepted: o.Loaded.Accepted, current: o.Loaded.Current,
		committed: o.Loaded.Committed, noted: o.Loaded.Committed,
		fresh: o.Loaded.Fresh, trusted: o.Loaded.Trusted,
		delivered: o.Loaded.Tree.LastZxid(), applied: o.Loaded.Tree.LastZxid(),
		sessions: session.New(o.Config.Tick),
		views:    make(map[zab.LinkID]*tree.View),
		links:    make(map[zab.LinkID]*peers.Link),
		parting:  make(map[zab.LinkID]*peers.Link),
	}
	r.loadMembers(o.Loaded.Members)
	r.drawSnapshotLimits()
	r.publish()
	return r
}

// Start opens the election port and starts the loops.
func (r *Replica) Start() error {
	loops := r.o.Env.Loops
	r.loop = loops.Start("replica", r.step)
	r.inbox.Init(r.loop)
	r.logger = startLogLoop(r)
	r.applier = startApplyLoop(r)
	r.keeper = startKeeperLoop(r)
	r.pusher = startPusherLoop(r)
	if r.ensemble != nil {
		r.election = election.New(r.electionOptions())
		r.mesh = peers.NewMesh(r.meshOptions())
		if err := r.openElection(); err != nil {
			return err
		}
		r.startOracle()
	}
	r.inbox.Put(evStart{})
	return nil
}

// Stop ends everything. The server's log and data directory are closed after it;
// nothing is acknowledged any more.
func (r *Replica) Stop() {
	if r.mesh != nil {
		r.mesh.Close()
	}
	if r.oracle != nil {
		r.oracle.Stop()
	}
	r.loop.Stop()
	for _, id := range sortedKeys(r.parting) {
		r.parting[id].Close()
	}
	r.closePeers()
	r.applier.loop.Stop()
	r.keeper.stop()
	r.pusher.loop.Stop()
	r.logger.stop()
}

// closePeers ends every connection to another server.
func (r *Replica) closePeers() {
	if r.listener != nil {
		r.listener.Close()
		r.listener = nil
	}
	for _, id := range r.linkIDs() {
		r.links[id].Close()
	}
	for _, id := range sortedKeys(r.views) {
		r.views[id].Close()
	}
	clear(r.links)
	clear(r.views)
	r.pusher.set(nil)
}

// step is one step of the replica loop: everything that has arrived, then time.
func (r *Replica) step() func() {
	for _, ev := range r.inbox.Take() {
		if r.phase == stopped {
			return nil
		}
		ev.handle(r)
	}
	if r.phase != stopped {
		r.passTime()
		r.carryOut()
		r.setTimer()
	}
	return nil
}

// passTime does what time asks for in the present phase.
func (r *Replica) passTime() {
	now := r.clock.Now()
	switch r.phase {
	case starting:
		r.bindAgain(now)
	case looking:
		r.election.Tick(now, &r.votes)
		r.carryOutElection()
		r.maybeReadOnly(now)
	case leading:
		r.expireSessions(now)
		r.stepLeader(zab.Tick{})
		r.reap(now)
	case solo:
		r.expireSessions(now)
		r.reap(now)
	case connecting:
		r.dialAgain(now)
	case learning:
		r.stepLearner(zab.Tick{})
		r.stepMaster(zab.Tick{})
	case draining:
		if !r.lookAt.IsZero() {
			r.drained()
		}
	}
}

// setTimer asks to be woken when time next matters.
func (r *Replica) setTimer() {
	now := r.clock.Now()
	var at time.Time
	switch r.phase {
	case starting:
		at = r.binding.next
	case looking:
		at = earlier(r.votes.WakeAt, r.readOnlyAt)
	case leading:
		at = earlier(earlier(r.out.WakeAt, r.nextExpiry), r.reapAt())
	case solo:
		at = earlier(r.nextExpiry, r.reapAt())
	case connecting:
		at = r.dial.next
	case learning:
		if at = r.out.WakeAt; r.master != nil {
			at = earlier(at, r.master.out.WakeAt)
		}
	case draining:
		if r.lookAt.After(now) {
			at = r.lookAt // else it is for other loops to go on
		}
	}
	if at.IsZero() || !r.wakeAt.IsZero() && r.wakeAt.After(now) && !at.Before(r.wakeAt) {
		return
	}
	r.wakeAt = at
	r.clock.WakeAt(at, r.loop)
}

// earlier returns the earlier of two times; zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// fail stops the server for good.
func (r *Replica) fail(err error) {
	if r.phase == stopped {
		return
	}
	r.phase = stopped
	r.serving = false
	r.applier.put(applyServing{service: zk.NoService})
	if r.mesh != nil {
		r.mesh.Close()
	}
	r.closePeers()
	r.publish()
	r.o.Failed(err)
}

// failf is fail with a message.
func (r *Replica) failf(format string, args ...any) { r.fail(fmt.Errorf(format, args...)) }

// linkID names a new connection; callable from any goroutine.
func (r *Replica) linkID() uint64 { return r.nextLink.Add(1) }
