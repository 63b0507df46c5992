package replica

import (
	"time"

	"ostler/internal/env"
	"ostler/internal/zab"
)

// oracleFileMax is the size that an oracle's file may have; one byte counts.
const oracleFileMax = 1 << 16

// startOracle reads the file of the oracle every half tick, in ensembles that have one
// (quorum.md 1.5). An answer holds for a tick: a file that cannot be read in time is a no.
func (r *Replica) startOracle() {
	path := r.cfg.OraclePath
	if path == "" {
		return
	}
	r.log.Warn("an oracle decides whether this server may go on without the other one: if it ever lets both, or the one "+
		"that has not followed the other since, acknowledged writes are lost", "oraclePath", path)
	e := r.o.Env
	r.oracle = e.Loops.Start("oracle", func() func() {
		until := e.Clock.Now().Add(r.cfg.Tick)
		text, err := env.ReadFile(e.FS, path, oracleFileMax)
		if err != nil || len(text) == 0 || text[0] != '1' {
			until = time.Time{}
		}
		return func() {
			r.inbox.Put(evOracle{until})
			e.Clock.WakeAt(e.Clock.Now().Add(r.cfg.Tick/2), r.oracle)
		}
	})
	r.oracle.Wake()
}

// An evOracle says until when this server may go on alone; zero: it may not.
type evOracle struct{ until time.Time }

func (e evOracle) handle(r *Replica) {
	r.election.Oracle(e.until)
	if r.phase == leading {
		r.stepLeader(zab.Oracle{Until: e.until})
	}
}
