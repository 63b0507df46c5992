package zab

import "ostler/internal/peerwire"

// admit gives a learner its place among those that are brought up to date at a time,
// which it has until it acknowledges NEWLEADER (quorum.md 4.19). Followers always get
// one: the ensemble needs them. An observer over the limit has to come again.
func admit(p *peer, kind peerwire.PacketType, others []*peer, o *Options) bool {
	slot, limit := peerwire.Diff, o.MaxDiffSyncs
	if kind == peerwire.Snap {
		slot, limit = peerwire.Snap, o.MaxSnapSyncs
	}
	n := 0
	for _, other := range others {
		if other.slot == slot {
			n++
		}
	}
	if p.observer && limit > 0 && n >= limit {
		return false
	}
	p.slot = slot
	return true
}

// syncsFull is why an observer over the limit is sent away.
const syncsFull = "too many learners are brought up to date at once"
