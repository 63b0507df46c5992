//go:build interop

package differ

import (
	"slices"

	"ostler/internal/zk"
)

// A zxidMap translates between the zxids of both servers: how far apart they are,
// and where that has changed.
type zxidMap struct {
	points []zxidPoint // by zxid
}

// A zxidPoint says that two transactions are the same, and so are those behind
// them up to the next point.
type zxidPoint struct {
	ostler, apache zk.Zxid
	shown          zk.Zxid // where Apache stands when Ostler is just before, if not 0
}

// begin says that the two servers stand at these zxids; what was before cannot
// be told.
func (m *zxidMap) begin(o, a zk.Zxid) { m.points = []zxidPoint{{ostler: o, apache: a}} }

// apacheSpends says that the transaction z is Apache's alone.
func (m *zxidMap) apacheSpends(z zk.Zxid) {
	m.points = append(m.points, zxidPoint{ostler: m.fromApache(z), apache: z + 1, shown: z})
}

// ostlerSpends says that the transaction z is Ostler's alone, while Apache stands
// at shown, and goes on from there, or leaves out as many zxids.
func (m *zxidMap) ostlerSpends(z, shown zk.Zxid, leftOut int) {
	next := shown + 1
	if last := m.points[len(m.points)-1]; last.shown == shown {
		next = last.apache
	}
	m.points = append(m.points, zxidPoint{ostler: z + 1, apache: next + zk.Zxid(leftOut), shown: shown})
}

func (m *zxidMap) fromApache(z zk.Zxid) zk.Zxid {
	for _, p := range slices.Backward(m.points) {
		if z >= p.apache {
			return z - p.apache + p.ostler
		}
	}
	return z
}

// position is fromApache for where Apache stands.
func (m *zxidMap) position(z zk.Zxid) zk.Zxid {
	for _, p := range slices.Backward(m.points) {
		switch {
		case z == p.shown:
			return p.ostler - 1
		case z >= p.apache:
			return z - p.apache + p.ostler
		}
	}
	return z
}

// toApache returns what is to Apache as z is to Ostler: with the same transactions
// before it, and behind it.
func (m *zxidMap) toApache(z zk.Zxid) zk.Zxid {
	next := zk.Zxid(1<<63 - 1)
	for _, p := range slices.Backward(m.points) {
		if z >= p.ostler {
			return min(z-p.ostler+p.apache, next-1)
		}
		next = p.apache
	}
	return z
}
