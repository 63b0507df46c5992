package sim

import (
	"math/rand/v2"
	"time"
)

// A stretch is a time in which clients do no more than keep their sessions, longer than
// these last, and then one with faults.
type stretch struct{ quiet, faulty time.Duration }

// drawStretches draws what comes behind the first time with faults, with dice of its own.
func drawStretches(r *rand.Rand) []stretch {
	if r.IntN(2) == 0 {
		return nil
	}
	s := stretch{quiet: 4*time.Second + time.Duration(r.Int64N(int64(10*time.Second)))}
	if r.IntN(2) == 0 {
		s.faulty = 2*time.Second + time.Duration(r.Int64N(int64(6*time.Second)))
	}
	return []stretch{s}
}

// pass lets a stretch pass: afterwards all is well again.
func (e *Ensemble) pass(s stretch) {
	e.setQuiet(true)
	e.W.Run(s.quiet)
	e.setQuiet(false)
	e.Load.met("a quiet stretch")
	if s.faulty == 0 {
		return
	}
	e.Load.met("faults after a quiet stretch")
	e.Plan.Start()
	e.W.Run(s.faulty)
	e.Plan.Stop()
	e.recover()
}

// setQuiet keeps all clients from asking anything new, or no longer.
func (e *Ensemble) setQuiet(quiet bool) {
	for _, c := range e.Clients {
		if c.quiet = quiet; c.loop != nil {
			c.loop.Wake()
		}
	}
}
