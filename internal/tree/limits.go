package tree

import (
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// A Quota is what a quota allows and what is used, as of the applied state
// (client-protocol.md 4.9).
type Quota struct {
	Path         string // whose subtree it is about
	Nodes, Bytes Usage
}

// A Usage is one dimension of a quota. Limits below 0 are none.
type Usage struct{ Used, Soft, Hard int64 }

// QuotaOf returns the quota that a node at path falls under: that of the longest
// prefix with limits. It is false without one, and when the limits or the statistics
// are missing or do not parse, which counts as no limit (H3, INV-Q5). Callable
// from any goroutine; without any quota it costs one atomic load.
func (t *Tree) QuotaOf(path string) (q Quota, ok bool) {
	if !t.quotas.some.Load() {
		return Quota{}, false
	}
	if q.Path = t.quotas.prefix(path); q.Path == "" {
		return Quota{}, false
	}
	limits, stats := zk.PathQuota+q.Path+limitsLeaf, zk.PathQuota+q.Path+statsLeaf
	read := 0
	t.ReadAll([]string{limits, stats}, func(i int, n *Node) {
		if n != nil && (i == 0 && q.parseLimits(n.Data) || i == 1 && q.parseStats(n.Data)) {
			read++
		}
	})
	return q, read == 2
}

// prefix is longest for those who are not the apply loop.
func (q *quotas) prefix(path string) string {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return q.longest(path)
}

// parseLimits reads the limits; keys of other names are passed over. Whatever
// ZooKeeper cannot parse does not parse here either.
func (q *Quota) parseLimits(data []byte) bool {
	q.Nodes.Soft, q.Nodes.Hard, q.Bytes.Soft, q.Bytes.Hard = -1, -1, -1, -1
	if len(data) > 0 && separates(rune(data[0])) {
		return false
	}
	for piece := range pieces(data) {
		key, rest, found := strings.Cut(piece, "=")
		value, _, _ := strings.Cut(rest, "=")
		n := int64(-1)
		var err error
		if value != "" {
			n, err = strconv.ParseInt(value, 10, 64)
		}
		if !found || err != nil {
			return false
		}
		if limit := q.limit(key); limit != nil {
			*limit = n
		}
	}
	return true
}

// limit is where the limit called key goes, nil when there is none of that name.
func (q *Quota) limit(key string) *int64 {
	switch key {
	case "count":
		return &q.Nodes.Soft
	case "countHardLimit":
		return &q.Nodes.Hard
	case "bytes":
		return &q.Bytes.Soft
	case "byteHardLimit":
		return &q.Bytes.Hard
	}
	return nil
}

func (q *Quota) parseStats(data []byte) (ok bool) {
	q.Nodes.Used, q.Bytes.Used, ok = parseStats(data)
	return ok
}
