package replica

import (
	"time"

	"ostler/internal/prep"
	"ostler/internal/tree"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A reaper decides when a server looks for nodes that end by themselves, and when
// it removes those it found (client-protocol.md 4.8). It has no effects: step is
// called when time passes, and tells.
//
//	wait ──► look at the parts of the tree, in steps ──► remove, evenly spaced ────┐
//	  ▲                                                                            │
//	  └────────────────────────────────────────────────────────────────────────────┘
type reaper struct {
	interval time.Duration // from the beginning of a sweep to that of the next
	pause    time.Duration // between removals
	burst    int           // nodes removed at a time

	at    time.Time // when step has something to do
	next  time.Time // when the next sweep may begin
	part  int       // to be looked at next; tree.MortalParts when all were
	found []string  // to be removed, sorted
}

// burstsPerMinute is how often nodes are removed at most: a finer timer would cost
// more than it spreads.
const burstsPerMinute = 60_000

// newReaper returns one that first sweeps after an interval.
func newReaper(interval time.Duration, perMinute int64, now time.Time) reaper {
	p := reaper{interval: interval, burst: 1, at: now.Add(interval)}
	if perMinute > burstsPerMinute {
		p.burst, perMinute = int(perMinute/burstsPerMinute), burstsPerMinute
	}
	p.pause = (time.Minute + time.Duration(perMinute) - 1) / time.Duration(perMinute)
	return p
}

// lookAtOnce is how many nodes may be looked at in one step. Where there are more, a
// step looks at a part of the tree: which nodes that are differs from run to run.
const lookAtOnce = 4096

// step returns the nodes to remove now. Look appends to dst those of a part of the
// tree whose time has come, and sorts it; mortal is how many nodes it looks at in all
// parts.
func (p *reaper) step(now time.Time, mortal int, look func(dst []string, part int) []string) (remove []string) {
	if now.Before(p.at) {
		return nil
	}
	if p.part == 0 {
		p.next = now.Add(p.interval)
	}
	if p.part < tree.MortalParts {
		for first := p.part; p.part < tree.MortalParts && (p.part == first || mortal <= lookAtOnce); p.part++ {
			p.found = look(p.found, p.part)
		}
		p.at = now
		return nil
	}
	n := min(p.burst, len(p.found))
	remove, p.found = p.found[:n], p.found[n:]
	p.at = now
	if n > 0 {
		p.at = now.Add(p.pause)
	}
	if len(p.found) == 0 {
		p.part, p.found = 0, nil
		if p.at.Before(p.next) {
			p.at = p.next
		}
	}
	return remove
}

// reap submits the removal of nodes whose time has come, as the server's own
// transactions. Preparing them looks again (INV-T17).
func (r *Replica) reap(now time.Time) {
	if !r.preparing() {
		return
	}
	t, wall := r.applier.tree(), r.clock.Wall().UnixMilli()
	due := func(s *zk.StatPersisted, children int) bool { return r.prep.Reapable(s, children, wall) }
	remove := r.reaper.step(now, t.ContainerCount()+t.TTLCount(), func(dst []string, part int) []string { return t.AppendMortals(dst, part, due) })
	for _, path := range remove {
		if r.preparing() {
			r.propose(&prep.Request{Op: zk.OpDeleteContainer, Body: wire.PathRequest{Path: path}.Append(nil)}, r.cfg.MyID)
		}
	}
}

// reapAt is when reap has something to do, zero for never.
func (r *Replica) reapAt() time.Time {
	if !r.preparing() {
		return time.Time{}
	}
	return r.reaper.at
}
