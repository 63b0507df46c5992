package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ostler/internal/env"
	"ostler/internal/node"
	"ostler/internal/prep"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

const reapInterval = 300 * time.Millisecond

// reapingNode is a real server that sweeps often, and removes slowly enough that a
// leader dies in the middle.
func reapingNode(e env.Env, s Setup, report *Reporter) (Node, error) {
	cfg := realConfig(s)
	cfg.ExtendedTypes, cfg.ReapInterval, cfg.ReapPerMinute = true, reapInterval, 3000
	n, err := node.New(e, cfg, node.Options{Observer: report})
	if err != nil {
		return nil, err
	}
	return &realServer{n, len(s.Servers) == 1}, nil
}

// A planter asks a leader for containers and TTL nodes, on behalf of a session of
// its own.
type planter struct {
	leader  *realServer
	session zk.SessionID
	cxid    int32
}

func (p *planter) submit(op zk.OpCode, body wire.Record) {
	p.cxid++
	r := &prep.Request{Session: p.session, Cxid: p.cxid, Op: op, Timeout: 3_600_000}
	if body != nil {
		r.Body = body.Append(nil)
	}
	p.leader.Replica().Submit(r)
}

func (p *planter) create(op zk.OpCode, path string, mode zk.CreateMode, ttl int64) {
	r := wire.CreateRequest{Path: path, ACL: zk.OpenACL(), Flags: mode}
	if op == zk.OpCreateTTL {
		p.submit(op, wire.CreateTTLRequest{CreateRequest: r, TTL: ttl})
		return
	}
	p.submit(op, r)
}

// plant asks for nodes that must end (/gone…, /over…) and some that must not (/kept…).
func (p *planter) plant(round int) {
	p.submit(zk.OpCreateSession, nil)
	for i := range 30 {
		n := fmt.Sprintf("%d-%d", round, i)
		p.create(zk.OpCreateContainer, "/gone"+n, zk.ModeContainer, 0)
		p.create(zk.OpCreate, "/gone"+n+"/x", zk.ModePersistent, 0)
		p.submit(zk.OpDelete, wire.DeleteRequest{Path: "/gone" + n + "/x", Version: -1})
		p.create(zk.OpCreateTTL, "/over"+n, zk.ModeTTL, int64(1+37*i))
		p.create(zk.OpCreateContainer, "/kept-full"+n, zk.ModeContainer, 0)
		p.create(zk.OpCreate, "/kept-full"+n+"/x", zk.ModePersistent, 0)
		p.create(zk.OpCreateContainer, "/kept-new"+n, zk.ModeContainer, 0)
		p.create(zk.OpCreateTTL, "/kept-young"+n, zk.ModeTTL, zk.TTLMax)
		p.create(zk.OpCreateTTL, "/kept-busy"+n, zk.ModeTTL, 1)
		p.create(zk.OpCreate, "/kept-busy"+n+"/x", zk.ModePersistent, 0)
	}
}

// Leaders die while they remove containers and TTL nodes. Nothing ends that is not due
// (the oracle checks each removal, INV-T17), all that is due ends, once, and at
// every server, whoever leads.
func TestLeadersDieWhileReaping(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		e := reapingRun(t, seed)
		if f := e.W.Failure(); f != nil {
			t.Errorf("seed %d: %.600s\n%s", seed, f.Error(), e.W.TraceTail())
			continue
		}
		e.checkReaped(t, seed)
	}
}

// The order in which nodes are removed is the same in every run, although where the
// tree keeps them is not.
func TestReapingIsRepeatable(t *testing.T) {
	if first, second := reapingRun(t, 1).W.TraceHash(), reapingRun(t, 1).W.TraceHash(); first != second {
		t.Errorf("two runs of one seed have traces %x and %x", first, second)
	}
}

func reapingRun(t *testing.T, seed uint64) *Ensemble {
	t.Helper()
	e := calmEnsembleWith(seed, reapingNode, func(s *Settings) { s.ExtendedTypes = true })
	for round := range 4 {
		leader := e.leader()
		if leader == nil {
			t.Fatalf("seed %d: no leader", seed)
		}
		p := planter{leader: leader.M.Server().(*realServer), session: zk.SessionID(0x7e<<56 | round)}
		e.W.After(0, func() { p.plant(round) })
		e.W.Run(reapInterval + time.Duration(e.W.Rand.Int64N(int64(time.Second))))
		leader.M.EndIn(0, round%2 == 0)
		e.W.After(400*time.Millisecond, leader.M.Boot)
		e.W.Run(2 * time.Second)
		e.recover()
	}
	e.W.Run(10 * time.Second)
	e.Load.steady = true
	e.rest()
	e.finish()
	return e
}

// checkReaped compares what was ever made with what is left.
func (e *Ensemble) checkReaped(t *testing.T, seed uint64) {
	made := map[string]int{}
	for path := range e.O.model.nodes {
		made[strings.TrimRight(strings.TrimPrefix(path, "/"), "-0123456789")]++
		switch exists := e.O.model.now(path).exists; {
		case strings.HasPrefix(path, "/kept-") && !exists:
			t.Errorf("seed %d: %s ended", seed, path)
		case (strings.HasPrefix(path, "/gone") || strings.HasPrefix(path, "/over")) && exists:
			t.Errorf("seed %d: %s is still there", seed, path)
		}
	}
	for _, kind := range []string{"gone", "over", "kept-full", "kept-new", "kept-young", "kept-busy"} {
		if made[kind] == 0 {
			t.Errorf("seed %d: no node of kind %s was ever made", seed, kind)
		}
	}
}
