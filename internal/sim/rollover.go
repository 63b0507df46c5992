package sim

import (
	"math/rand/v2"

	"ostler/internal/zk"
)

// drawLastCounter draws where epochs end: in most runs where the counter does, out of
// reach; in a few so early that they are used up under load (quorum.md R13, T-1277).
func drawLastCounter(r *rand.Rand) uint32 {
	if r.IntN(6) > 0 {
		return 0
	}
	return 20 + uint32(r.IntN(400))
}

// usedUp counts the epochs of which every zxid was given away.
func (o *Oracle) usedUp(last uint32) (n int) {
	for i := range o.log {
		if last != 0 && o.log[i].rec.Zxid.Counter() == last {
			n++
		}
	}
	return n
}

// spent reports whether every zxid of an epoch was given away.
func (o *Oracle) spent(epoch zk.Epoch, last uint32) bool {
	i := o.before(zk.MakeZxid(epoch, last))
	return last != 0 && i < len(o.log) && o.log[i].rec.Zxid == zk.MakeZxid(epoch, last)
}
