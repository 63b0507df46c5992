package replica

import (
	"fmt"
	"time"

	"ostler/internal/config"
)

// bindPause is how long to wait between two tries to open the election port.
const bindPause = time.Second

// A binding is the way to an open election port: without it this server has no part in
// the ensemble. Its own name may not be known yet, or the port not free (quorum.md 2.10).
type binding struct {
	tries int
	next  time.Time // zero: it is open
}

// openElection tries to open the election port. Unless it was the last try, a failure is
// no error yet.
func (r *Replica) openElection() error {
	err := r.mesh.Start()
	if err == nil {
		r.binding = binding{}
		return nil
	}
	r.binding.tries++
	r.binding.next = r.clock.Now().Add(bindPause)
	if limit := r.cfg.Learners.ElectionBinds; limit > 0 && r.binding.tries >= limit {
		return &config.Error{Exit: config.ExitElectionPort, Err: fmt.Errorf("%w (electionPortBindRetry=%d)", err, limit)}
	}
	r.log.Error("no part in the ensemble without the election port; it is tried again", "err", err, "tries", r.binding.tries)
	return nil
}

// bindAgain opens the election port when it is time, and begins.
func (r *Replica) bindAgain(now time.Time) {
	if r.binding.next.IsZero() || now.Before(r.binding.next) {
		return
	}
	if err := r.openElection(); err != nil {
		r.fail(err)
		return
	}
	if r.binding.next.IsZero() {
		r.begin()
	}
}
