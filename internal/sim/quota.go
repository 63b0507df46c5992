package sim

import (
	"fmt"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// The nodes of a quota (client-protocol.md 4.9). In the workload the two of a path are
// made and removed together, quotas do not lie within each other, and nobody writes
// statistics: so these are a recount of the subtree at every moment (INV-Q1).
const (
	limitsLeaf = "/zookeeper_limits"
	statsLeaf  = "/zookeeper_stats"
)

// counted is a version as it is read: the data of statistics are made when asked for.
func (m *model) counted(path string, z zk.Zxid, v version) version {
	p, ok := strings.CutPrefix(path, zk.PathQuota)
	if !ok || !v.exists {
		return v
	}
	if p, ok = strings.CutSuffix(p, statsLeaf); !ok || !m.at(zk.PathQuota+p+limitsLeaf, z).exists {
		return v
	}
	nodes, bytes := m.usage(p, z)
	v.data = fmt.Appendf(nil, "count=%d,bytes=%d", nodes, bytes)
	v.stat.DataLength = int32(len(v.data))
	return v
}

// usage counts a subtree, its root included.
func (m *model) usage(path string, z zk.Zxid) (nodes, bytes int64) {
	v := m.at(path, z)
	if !v.exists {
		return 0, 0
	}
	nodes, bytes = 1, int64(len(v.data))
	for _, name := range v.children {
		n, b := m.usage(zk.Join(path, name), z)
		nodes, bytes = nodes+n, bytes+b
	}
	return nodes, bytes
}

// A quotaLimits is what a limits node says; -1: no limit.
type quotaLimits struct{ count, bytes, hardCount, hardBytes int64 }

// parseLimits reads the data of a limits node.
func parseLimits(data []byte) quotaLimits {
	l := quotaLimits{-1, -1, -1, -1}
	fields := map[string]*int64{"count": &l.count, "bytes": &l.bytes, "countHardLimit": &l.hardCount, "byteHardLimit": &l.hardBytes}
	for _, piece := range strings.FieldsFunc(string(data), func(r rune) bool { return r == ',' || r == ';' }) {
		parts := strings.Split(piece, "=")
		if at := fields[parts[0]]; at != nil && len(parts) > 1 && parts[1] != "" {
			if n, err := strconv.ParseInt(parts[1], 10, 64); err == nil {
				*at = n
			}
		}
	}
	return l
}

// exceeded says whether a change of this size below path breaks a quota with a hard
// limit, by the statistics at z.
func (m *model) exceeded(path string, z zk.Zxid, count, bytes int64) bool {
	for p := path; len(p) > 1; p = parentOf(p) {
		limits := m.at(zk.PathQuota+p+limitsLeaf, z)
		if !limits.exists {
			continue
		}
		if !m.at(zk.PathQuota+p+statsLeaf, z).exists {
			return false
		}
		l := parseLimits(limits.data)
		haveCount, haveBytes := m.usage(p, z)
		return count != 0 && l.hardCount >= 0 && haveCount+count > l.hardCount ||
			bytes != 0 && l.hardBytes >= 0 && haveBytes+bytes > l.hardBytes
	}
	return false
}
