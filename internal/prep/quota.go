package prep

import (
	"fmt"

	"ostler/internal/tree"
	"ostler/internal/zk"
)

// An Excess is a change that would take the use of a quota beyond a limit.
type Excess struct {
	Path       string // of the quota
	Bytes      bool   // bytes rather than nodes
	Hard       bool   // so it is refused
	Use, Limit int64
}

// String is the line that operators look for (operations.md 8.7).
func (e Excess) String() string {
	kind, use, limit := "soft", "count", "CountLimit"
	if e.Hard {
		kind = "hard"
	}
	if e.Bytes {
		use, limit = "bytes", "ByteLimit"
	}
	return fmt.Sprintf("Quota exceeded: %s [current %s=%d, %s%s=%d]", e.Path, use, e.Use, kind, limit, e.Limit)
}

// checkQuota refuses what adds nodes and bytes beyond the hard limits of the quota
// that path falls under, nodes first (client-protocol.md 4.9). What is used is
// taken from the applied statistics, without what is under way.
func (d *draft) checkQuota(path string, nodes, bytes int) zk.Code {
	if !d.p.o.EnforceQuota {
		return zk.OK
	}
	q, ok := d.p.o.Source.QuotaOf(path)
	if !ok {
		return zk.OK
	}
	if d.exceeds(Excess{Path: q.Path}, q.Nodes, nodes) || d.exceeds(Excess{Path: q.Path, Bytes: true}, q.Bytes, bytes) {
		return zk.QuotaExceeded
	}
	return zk.OK
}

// exceeds reports whether a difference breaks a hard limit, and tells of an excess
// of either limit. Only one of them counts: the hard one, if there is one.
func (d *draft) exceeds(e Excess, u tree.Usage, diff int) bool {
	e.Limit = u.Soft
	if u.Hard >= 0 {
		e.Limit, e.Hard = u.Hard, true
	}
	e.Use = u.Used + int64(diff)
	if diff == 0 || e.Limit < 0 || e.Use <= e.Limit {
		return false
	}
	if d.p.o.OnExcess != nil {
		d.p.o.OnExcess(e)
	}
	return e.Hard
}
