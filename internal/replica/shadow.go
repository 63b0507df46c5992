package replica

import (
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/tree"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// A Judge watches on behalf of a shadow what the ensemble decides (package shadow). A
// server with a Judge takes a digest that differs for a finding, and goes on with a
// snapshot of the leader's.
type Judge interface {
	// Before and After are called around each transaction, by the apply loop. exact
	// says that t is known to be what the leader's tree was at that point: right
	// behind a snapshot that was taken while the leader went on it is not.
	Before(t *tree.Tree, rec *txn.Record, exact bool)
	After(t *tree.Tree, rec *txn.Record, res *tree.Result, exact bool)
	// Restored says that the state now is that of a snapshot, Skipped that n
	// transactions are not applied before one comes; by the apply loop.
	Restored(t *tree.Tree, zxid zk.Zxid)
	Skipped(n int)
	// The others are called by the replica loop. Syncing: DIFF, TRUNC or SNAP begins.
	// Pinged: the leader has proposed up to zxid. Left: this server follows no more.
	Syncing(by string, zxid zk.Zxid)
	Following(leader zk.ServerID, epoch zk.Epoch)
	Pinged(zxid zk.Zxid)
	Left(reason string)
}

// A shadowState is what a replica keeps for a shadow alone.
type shadowState struct {
	// spoilt: the tree is known to be wrong, and a snapshot is needed.
	spoilt bool
	starts int // how often that was so
}

// How long a shadow waits before it asks for another snapshot, at first and at most:
// sending it costs the leader something.
const (
	startOverFirst = time.Second
	startOverMax   = 5 * time.Minute
)

// startOver leaves the leader, to come back for a snapshot.
func (r *Replica) startOver(zxid zk.Zxid) {
	r.log.Warn("the digest of the tree differs from the leader's; going on with a snapshot", "zxid", zxid)
	r.shadow.spoilt = true
	r.shadow.starts++
	if r.phase == learning {
		r.leaveRole("the tree is not what the leader's is")
	}
}

// shadowPause is how long to wait before dialling a leader.
func (r *Replica) shadowPause() time.Duration {
	if !r.shadow.spoilt {
		return 0
	}
	return min(startOverFirst<<min(r.shadow.starts-1, 20), startOverMax)
}

// nobodysAddr is what a server without an election port says that its address is: the
// wildcard, which receivers leave out (quorum.md 2.3).
const nobodysAddr = "0.0.0.0:1"

// advertised is the election address that the others are told.
func (r *Replica) advertised(self ensemble.Addrs) []string {
	if r.cfg.Shadow {
		return []string{nobodysAddr}
	}
	return self.List()
}

// avoidItself stops a shadow when its id has become a member's: as long as it were
// connected, the member could not be (quorum.md R17).
func (r *Replica) avoidItself(c *ensemble.Config) {
	if _, taken := c.Members[r.cfg.MyID]; r.cfg.Shadow && taken {
		r.inbox.Put(evTaken{})
	}
}

type evTaken struct{}

func (evTaken) handle(r *Replica) {
	r.failf("server %d is a member of the ensemble now; start the shadow again, with another id", r.cfg.MyID)
}

// skip leaves transactions out, since the tree is wrong already.
func (a *applyLoop) skip(n int) {
	if j := a.r.o.Judge; j != nil && n > 0 {
		j.Skipped(n)
	}
}
