package zab

import (
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// A past is the history of a server that brings learners up to date: a leader, or a
// follower that observers follow.
type past struct {
	history *History
	epoch   zk.Epoch // in which the learner is to take part
	current zk.Epoch // the last one whose initial history is here for sure
}

// A syncPlan is how a learner is brought up to date (quorum.md 4.6).
type syncPlan struct {
	kind   peerwire.PacketType // Diff, Trunc or Snap; 0: refuse
	base   zk.Zxid             // where the learner's history is joined to ours
	reason string              // of a refusal
}

// plan decides for a learner whose history ends at z. It answers DIFF and TRUNC
// only where the history in memory proves that the learner's is a prefix of ours,
// or of ours and a tail that nobody committed (quorum.md R7): two servers
// that both hold the record z of epoch e have the same history up to z, namely
// that of the leader of e (quorum.md 7.1, I4).
func (p past) plan(z zk.Zxid) syncPlan {
	h := p.history
	last := h.Last()
	if z >= 0 {
		z = p.place(z)
	}
	switch {
	case z >= 0 && h.Contains(z):
		return syncPlan{kind: peerwire.Diff, base: z}
	case z < h.Floor():
		return syncPlan{kind: peerwire.Snap}
	case z > last && z.Epoch() == p.epoch:
		return syncPlan{reason: "it holds a transaction of this epoch that was never proposed"}
	case z > last && z.Epoch() == last.Epoch() && last.Counter() > 0:
		return syncPlan{kind: peerwire.Trunc, base: last}
	default:
		// Its tail is of another epoch than what follows here: cutting across
		// epochs is left to SNAP, as ZooKeeper does.
		return syncPlan{kind: peerwire.Snap}
	}
}

// place translates the beginning of an epoch, which leaders of ZooKeeper take for
// the zxid of their tree once they are established, into the last transaction
// before it. That is sound only if what is here before that point is the
// initial history of that epoch: so if this server took part in it or in a later
// one, or it is the present one.
func (p past) place(z zk.Zxid) zk.Zxid {
	if z.Counter() != 0 || z.Epoch() > p.current && z.Epoch() != p.epoch {
		return z
	}
	return p.upTo(z)
}

// upTo returns the last transaction here that is not after z; z itself if all that
// is held comes after it.
func (p past) upTo(z zk.Zxid) zk.Zxid {
	h := p.history
	recs := h.Records(h.Floor(), z)
	switch {
	case z <= h.Floor():
		return z
	case len(recs) == 0:
		return h.Floor()
	default:
		return recs[len(recs)-1].Zxid
	}
}
