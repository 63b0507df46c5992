package sim

import (
	"fmt"
	"time"

	"ostler/internal/env"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// The ports of every simulated server.
const (
	clientPort   = 2181
	quorumPort   = 2888
	electionPort = 3888
)

// A Node is a server of an ensemble, with what checkers look at.
type Node interface {
	Server
	// Done is closed when the server has ended itself, and Err says why.
	Done() <-chan struct{}
	Err() error
	// Looking reports whether it has no leader, so that what it applies may
	// not be committed, except up to Committed; Applied is what its tree holds.
	Looking() bool
	// Serving reports whether it serves clients in full.
	Serving() bool
	Committed() zk.Zxid
	Applied() zk.Zxid
	// Standalone servers are established from the start.
	Standalone() bool
}

// A Setup is what one server of a run is told.
type Setup struct {
	ID      zk.ServerID
	Servers []zk.ServerID // all of them; one: standalone
	Voters  int           // of these the first so many; the others observe
	Masters bool          // observers follow followers
	Narrow  bool          // one learner is brought up to date at a time
	// Groups and Weights are set for a hierarchical quorum.
	Groups, Weights map[zk.ServerID]int64
	Tick            time.Duration
	// SnapCount is how many transactions come between snapshots.
	SnapCount int
	// CommitLog is how many transactions are kept for learners.
	CommitLog int
	Settings  Settings
	// TwoNetworks: every server has an address in each of two networks.
	TwoNetworks bool
	// Oracle is the file of an oracle, "" for none.
	Oracle string
	// LastCounter is where epochs end; 0: where their counters do.
	LastCounter uint32
}

// HostName is where a server is.
func HostName(id zk.ServerID) string { return fmt.Sprintf("server%d", id) }

// SecondName is the name of a server's address in the second network.
func SecondName(id zk.ServerID) string { return HostName(id) + "b" }

// ClientAddr is where clients reach a server.
func ClientAddr(id zk.ServerID) string { return fmt.Sprintf("%s:%d", HostName(id), clientPort) }

// QuorumAddr is where learners reach a server that leads.
func QuorumAddr(id zk.ServerID) string { return fmt.Sprintf("%s:%d", HostName(id), quorumPort) }

// ElectionAddr is where servers reach each other for elections.
func ElectionAddr(id zk.ServerID) string { return fmt.Sprintf("%s:%d", HostName(id), electionPort) }

// A NodeFactory builds one life of a server, which tells report what it does.
type NodeFactory func(e env.Env, s Setup, report *Reporter) (Node, error)

// A Member is one server of the ensemble under test.
type Member struct {
	ID    zk.ServerID
	M     *Machine
	setup Setup
	// empty: its disk was wiped, and it has not been established since.
	// formed: it was established at least once.
	// followed: it was established by a follower.
	// rotten: bits of its files were flipped.
	empty, formed, followed, rotten bool
	lastErr                         error
}

// A Reporter is told what one life of a server does, by its loops, and tells the oracle.
type Reporter struct {
	o      *Oracle
	member *Member
	node   Node
}

// Established is when a leader or learner may serve.
func (r *Reporter) Established(leads bool, epoch zk.Epoch, last zk.Zxid) {
	r.member.formed, r.member.empty = true, false
	if w, ok := r.member.setup.Weights[r.member.ID]; ok && w == 0 && leads {
		r.o.w.Failf("server %d leads though its vote has no weight", r.member.ID)
	}
	r.member.followed = r.member.followed || r.member.master() != 0
	r.o.Established(r.member.ID, leads, epoch, last)
}

// Delivered is when a transaction was applied; digest is the tree's afterwards.
func (r *Reporter) Delivered(rec *txn.Record, digest uint64) {
	if r.node.Looking() && rec.Zxid > r.node.Committed() {
		r.o.Left(r.member.ID)
	}
	r.o.Delivered(r.member.ID, rec, digest)
}

// Expired is when the server gives a session up.
func (r *Reporter) Expired(id zk.SessionID) { r.o.expired(r.member.ID, id) }

// Credited is when sessions could not be heard for a while.
func (r *Reporter) Credited(time.Duration) { r.o.credited++ }

// Restored is when the state becomes that of a snapshot or of a shorter log.
func (r *Reporter) Restored(zxid zk.Zxid, digest uint64) { r.o.Restored(r.member.ID, zxid, digest) }
