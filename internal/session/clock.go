package session

import "time"

// A clock is the time that the sessions of a table are measured by. Where stalls are
// credited it stands still while the table's owner does: an owner that is stopped, or
// waits for a processor, hears nobody, and that is no silence of the clients.
//
//	steps   |--|--|--|                  |--|--|      half a tick apart, or less
//	clock   |--|--|--|--               -|--|--|      half a tick goes on, the rest is credited
//
// Times are counted from the table's origin.
type clock struct {
	period time.Duration // between two readings, at most; 0: it never stands still
	last   time.Duration // the newest reading, of the time that does not stand still
	lost   time.Duration // what was credited
	stalls int
}

// slackOf is by how much a step may be late before that counts as a stall: timers are
// never quite punctual.
func slackOf(period time.Duration) time.Duration { return period / 2 }

// read takes the time that never stands still, and tells the other.
func (c *clock) read(d time.Duration) time.Duration {
	if late := lateness(d-c.last, c.period); late > 0 {
		c.lost += late
		c.stalls++
	}
	c.last = max(c.last, d)
	return d - c.lost
}

// lateness is by how much a gap is longer than the period, if that is worth a word. It
// is less than the whole stall, since that began within the period.
func lateness(gap, period time.Duration) time.Duration {
	if period <= 0 || gap <= period+slackOf(period) {
		return 0
	}
	return gap - period
}

// Stalls are how often and for how long the owner of a table stood still, and for how
// long the learners, all together, were silent.
type Stalls struct {
	Count   int
	Lost    time.Duration // credited to every session
	Silence time.Duration // credited to the sessions of the learner
}

// Stalls returns what was credited so far.
func (t *Table) Stalls() Stalls {
	return Stalls{Count: t.clock.stalls, Lost: t.clock.lost, Silence: t.silence}
}

// CreditStalls makes the table count no time against sessions in which they could not
// be heard (INV-S4). Its owner calls Expire every half tick then, at least while there
// are sessions.
func (t *Table) CreditStalls() { t.clock.period = t.tick / 2 }
