package election

import (
	"time"

	"ostler/internal/peerwire"
)

// Oracle tells until when this server may go on alone, in an ensemble of two voters with
// an oracle; the zero time: it may not (quorum.md 1.5).
func (c *Core) Oracle(until time.Time) { c.granted = until }

// alone reports whether this server may lead without the other's vote: after it was asked
// once more, the oracle's word stands in for it (quorum.md 3.13 a).
func (c *Core) alone(now time.Time) bool {
	return c.mayBeAlone() && now.Before(c.granted) && c.voter && c.counts && c.proposed.Leader == c.o.Self &&
		c.interval > c.o.MinInterval
}

// led reports whether a server leads alone by its word: it alone may (quorum.md 3.13 b).
func (c *Core) led(now time.Time, v Vote, from peerwire.ServerState) bool {
	return c.mayBeAlone() && from == peerwire.Leading && v.Leader != c.o.Self && !now.Before(c.granted)
}

func (c *Core) mayBeAlone() bool { return c.o.Oracle && c.o.Config.Pair() }
