//go:build interop

package differ

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A coverage counts what came up in scripts.
type coverage struct {
	actions [actionCount]int
	ops     map[zk.OpCode]int
	codes   map[string]int // "op code"
	events  map[zk.EventType]int
	excuses map[string]int
}

func newCoverage() *coverage {
	return &coverage{ops: map[zk.OpCode]int{}, codes: map[string]int{}, events: map[zk.EventType]int{}, excuses: map[string]int{}}
}

// answer counts what Ostler said.
func (c *coverage) answer(g got) {
	switch g.kind {
	case event:
		var e wire.WatcherEvent
		e.Decode(g.body)
		c.events[e.Type]++
	case replied:
		if g.req.mark {
			return
		}
		op := g.req.op.String()
		if !known(g.req.op) {
			op = "unknown"
		}
		c.ops[g.req.op]++
		c.codes[fmt.Sprintf("%s %d", op, g.head.Err)]++
		if g.req.op == zk.OpMulti && g.head.Err == zk.OK {
			c.results(g.body)
		}
	}
}

// results counts why a multi failed.
func (c *coverage) results(b []byte) {
	var r wire.MultiResponse
	if r.Decode(b) != nil {
		return
	}
	for _, res := range r.Results {
		if res.Op == zk.OpError {
			c.codes[fmt.Sprintf("in multi %d", res.Code)]++
		}
	}
}

// add adds what another player has counted.
func (c *coverage) add(o *coverage) {
	for i, n := range o.actions {
		c.actions[i] += n
	}
	sum(c.ops, o.ops)
	sum(c.codes, o.codes)
	sum(c.events, o.events)
	sum(c.excuses, o.excuses)
}

func sum[K comparable](to, from map[K]int) {
	for k, n := range from {
		to[k] += n
	}
}

// total returns how many requests were answered.
func (c *coverage) total() int {
	n := 0
	for _, k := range c.ops {
		n += k
	}
	return n
}

func (c *coverage) String() string {
	var b strings.Builder
	for a, n := range c.actions {
		fmt.Fprintf(&b, "%v: %d\n", action(a), n)
	}
	for _, k := range slices.Sorted(maps.Keys(c.codes)) {
		fmt.Fprintf(&b, "%s: %d\n", k, c.codes[k])
	}
	for _, k := range slices.Sorted(maps.Keys(c.events)) {
		fmt.Fprintf(&b, "event %d: %d\n", k, c.events[k])
	}
	for _, e := range table {
		fmt.Fprintf(&b, "intended, %s: %d\n", e.name, c.excuses[e.name])
	}
	return b.String()
}
