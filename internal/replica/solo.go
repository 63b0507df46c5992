package replica

import (
	"ostler/internal/peerwire"
	"ostler/internal/zab"
	"ostler/internal/zk"
)

// beginSolo begins the only role of a standalone server.
func (r *Replica) beginSolo() {
	r.term++
	r.phase = solo
	r.role = peerwire.Leading
	r.initFresh()
	r.solo = zab.NewSolo(r.history)
	r.digest = r.applier.tree().Digest()
	r.beginPreparing()
	r.serving = true
	r.log.Info("serving", "role", "standalone", "zxid", r.history.Last())
	r.applier.put(applyServing{service: zk.FullService, term: r.term})
	r.publish()
}
