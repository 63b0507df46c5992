package zab

import (
	"ostler/internal/invariant"
	"ostler/internal/zk"
)

// A Solo orders the transactions of a standalone server: a quorum of one, which
// commits what is durable. It takes no epoch: zxids go on from the last one, as
// in ZooKeeper.
type Solo struct {
	history   *History
	committed zk.Zxid
}

// NewSolo returns a core that continues history, all of which counts as committed.
func NewSolo(history *History) *Solo {
	return &Solo{history: history, committed: history.Last()}
}

// NextZxid returns the zxid that the next Propose must carry. Past the last
// counter a new epoch begins, with counter 1.
func (s *Solo) NextZxid() zk.Zxid {
	last := s.history.Last()
	if last.Counter() == 1<<32-1 {
		return zk.MakeZxid(last.Epoch()+1, 1)
	}
	return last + 1
}

// Committed returns the zxid up to which everything is committed.
func (s *Solo) Committed() zk.Zxid { return s.committed }

// Step takes a Propose or a Durable; other inputs do not concern it.
func (s *Solo) Step(in Input, out *Output) {
	switch in := in.(type) {
	case Propose:
		s.history.Append(in.Record)
		out.Append = append(out.Append, in.Record)
	case Durable:
		if in.Zxid <= s.committed {
			return
		}
		invariant.Check(in.Zxid <= s.history.Last(), "durable %v was appended (last %v)", in.Zxid, s.history.Last())
		s.committed = in.Zxid
		out.Deliver = append(out.Deliver, Delivery{Commit: in.Zxid})
	}
}
