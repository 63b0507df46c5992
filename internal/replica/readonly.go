package replica

import (
	"time"

	"ostler/internal/tree"
	"ostler/internal/zk"
)

// readOnlyAfter is how long a server looks for a leader before it serves reads
// without one (client-protocol.md 2.14), unless a tick is longer.
const readOnlyAfter = 2 * time.Second

// awaitReadOnly sets when this server, which looks for a leader, begins to serve
// read-only clients.
func (r *Replica) awaitReadOnly(now time.Time) {
	if r.cfg.ReadOnlyMode {
		r.readOnlyAt = now.Add(max(readOnlyAfter, r.cfg.Tick))
	}
}

// maybeReadOnly begins read-only service when it is time. Clients see nothing that
// is not known to be committed (quorum.md R25, decisions.md 4): the tree has the
// whole log, so while the end of the log is in doubt they get one of their own.
func (r *Replica) maybeReadOnly(now time.Time) {
	if r.readOnlyAt.IsZero() || now.Before(r.readOnlyAt) {
		return
	}
	r.readOnlyAt = time.Time{}
	last := r.history.Last()
	switch {
	case r.committed >= last:
		r.serveReadOnly(r.applier.tree())
	case r.committed == 0:
		r.log.Warn("no read-only service: this server does not know what of its history is committed", "zxid", last)
	default:
		r.logger.put(logReload{term: r.term, limit: r.committed})
	}
}

func (r *Replica) serveReadOnly(t *tree.Tree) {
	r.log.Info("serving read-only clients, without a leader", "zxid", t.LastZxid())
	r.readOnly = true
	r.applier.put(applyServing{service: zk.ReadOnly, tree: t})
	r.publish()
}

// endReadOnly turns read-only clients away, before this server takes a role.
func (r *Replica) endReadOnly() {
	r.readOnlyAt = time.Time{}
	if r.readOnly {
		r.readOnly = false
		r.applier.put(applyServing{service: zk.NoService})
	}
}

// onReloaded serves the committed part of the history.
func (r *Replica) onReloaded(e evReloaded) {
	switch {
	case e.err != nil:
		r.fail(e.err)
	case e.term != r.term || r.phase != looking:
	case e.tree.LastZxid() > r.committed:
		r.log.Warn("no read-only service: the snapshot that a leader sent may hold what was never committed", "zxid", e.tree.LastZxid())
	default:
		r.serveReadOnly(e.tree)
	}
}

// noteCommitted has the directory remember what is known to be committed.
func (r *Replica) noteCommitted() {
	if r.ensemble != nil && r.committed > r.noted {
		r.noted = r.committed
		r.keeper.note(r.committed)
	}
}
