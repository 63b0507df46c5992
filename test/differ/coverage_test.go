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

// coverageOps is how many operations let everything come up.
const coverageOps = 15_000

// wanted is what has to come up, by operation: the codes of its answers.
var wanted = []struct {
	op    string
	codes []zk.Code
}{
	{"create", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.NodeExists, zk.NoChildrenForEphemerals, zk.InvalidACL, zk.BadArguments, zk.MarshallingError}},
	{"create2", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.NodeExists, zk.NoChildrenForEphemerals, zk.InvalidACL, zk.BadArguments, zk.MarshallingError}},
	{"createContainer", []zk.Code{zk.OK, zk.NoNode, zk.NodeExists, zk.InvalidACL, zk.BadArguments, zk.MarshallingError}},
	{"createTTL", []zk.Code{zk.OK, zk.NoNode, zk.InvalidACL, zk.BadArguments, zk.MarshallingError}},
	{"delete", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.BadVersion, zk.NotEmpty, zk.BadArguments, zk.MarshallingError}},
	{"exists", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.BadArguments, zk.MarshallingError}},
	{"getData", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.MarshallingError}},
	{"setData", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.BadVersion, zk.BadArguments, zk.MarshallingError}},
	{"getACL", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.MarshallingError}},
	{"setACL", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.BadVersion, zk.InvalidACL, zk.BadArguments, zk.MarshallingError}},
	{"getChildren", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.MarshallingError}},
	{"getChildren2", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.MarshallingError}},
	{"sync", []zk.Code{zk.OK, zk.MarshallingError}},
	{"ping", []zk.Code{zk.OK}},
	{"check", []zk.Code{zk.Unimplemented}},
	{"multi", []zk.Code{zk.OK, zk.MarshallingError}},
	{"in multi", []zk.Code{zk.RuntimeInconsistency, zk.NoNode, zk.NoAuth, zk.BadVersion, zk.NodeExists, zk.NotEmpty, zk.NoChildrenForEphemerals, zk.InvalidACL, zk.BadArguments}},
	{"multiRead", []zk.Code{zk.OK, zk.MarshallingError}},
	{"reconfig", []zk.Code{zk.ReconfigDisabled}},
	{"checkWatches", []zk.Code{zk.OK, zk.NoWatcher, zk.MarshallingError}},
	{"removeWatches", []zk.Code{zk.OK, zk.NoWatcher, zk.MarshallingError}},
	{"addWatch", []zk.Code{zk.OK, zk.MarshallingError}},
	{"setWatches", []zk.Code{zk.OK, zk.MarshallingError}},
	{"setWatches2", []zk.Code{zk.OK, zk.MarshallingError}},
	{"getEphemerals", []zk.Code{zk.OK, zk.MarshallingError}},
	{"getAllChildrenNumber", []zk.Code{zk.OK, zk.NoNode, zk.NoAuth, zk.MarshallingError}},
	{"whoAmI", []zk.Code{zk.OK}},
	{"auth", []zk.Code{zk.OK, zk.AuthFailed}},
	{"sasl", []zk.Code{zk.OK}},
	{"deleteContainer", []zk.Code{zk.Unimplemented}},
	{"createSession", []zk.Code{zk.Unimplemented}},
	{"closeSession", []zk.Code{zk.OK}},
	{"unknown", []zk.Code{zk.Unimplemented}},
}

// missing lists what should have come up and did not.
func (c *coverage) missing() []string {
	var list []string
	for a, n := range c.actions {
		if n == 0 {
			list = append(list, action(a).String())
		}
	}
	for _, w := range wanted {
		for _, code := range w.codes {
			if c.codes[fmt.Sprintf("%s %d", w.op, code)] == 0 {
				list = append(list, fmt.Sprintf("%s answered with %d (%v)", w.op, code, code))
			}
		}
	}
	for _, e := range []zk.EventType{zk.EventCreated, zk.EventDeleted, zk.EventDataChanged, zk.EventChildrenChanged} {
		if c.events[e] == 0 {
			list = append(list, fmt.Sprintf("event of type %d", e))
		}
	}
	for _, e := range table {
		if c.excuses[e.name] == 0 && c.total() >= e.within {
			list = append(list, "the intended difference "+e.name)
		}
	}
	return list
}
