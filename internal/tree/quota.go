package tree

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"ostler/internal/zk"
)

// The leaves that hold a quota and its statistics (client-protocol.md 4.9).
const (
	limitsLeaf = "/zookeeper_limits"
	statsLeaf  = "/zookeeper_stats"
)

// A quotas knows the paths that have limits. The apply loop changes it, and may
// read it without the lock, which others need. The lock is taken after stripes, and
// no stripe while it is held.
type quotas struct {
	mu    sync.RWMutex
	paths map[string]struct{}
	some  atomic.Bool // paths has any
}

func (q *quotas) init() { q.paths = make(map[string]struct{}) }

func (q *quotas) register(p string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paths[p] = struct{}{}
	q.some.Store(true)
}

func (q *quotas) unregister(p string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.paths, p)
	q.some.Store(len(q.paths) > 0)
}

// inQuotas reports whether a node is below /zookeeper/quota.
func inQuotas(path string) bool { return strings.HasPrefix(path, zk.PathQuota+"/") }

// quotaOf returns P when path is exactly /zookeeper/quota<P><leaf> with a P of
// one element or more; anything else is an ordinary node (client-protocol.md H3).
func quotaOf(path, leaf string) (string, bool) {
	rest, ok := strings.CutPrefix(path, zk.PathQuota)
	if !ok {
		return "", false
	}
	p, ok := strings.CutSuffix(rest, leaf)
	return p, ok && len(p) > 1 && p[0] == '/'
}

// longest returns the longest registered prefix of path, "" if there is none.
func (q *quotas) longest(path string) string {
	if len(q.paths) == 0 {
		return ""
	}
	for p := path; p != "" && p[0] == '/'; p = p[:strings.LastIndexByte(p, '/')] {
		if _, ok := q.paths[p]; ok {
			return p
		}
	}
	return ""
}

// statsFor returns the statistics node that counts path, "" if there is none.
// Apply loop only.
func (q *quotas) statsFor(path string) string {
	if p := q.longest(path); p != "" {
		return zk.PathQuota + p + statsLeaf
	}
	return ""
}

// quotaCreated keeps the books after a create.
func (a *applying) quotaCreated(r *record) {
	if p, ok := quotaOf(r.path, limitsLeaf); ok {
		a.t.quotas.register(p)
	} else if r.path == zk.PathQuota+limitsLeaf {
		a.poisoned("limits of no path: made as an ordinary node (client-protocol.md H3)")
	}
	if p, ok := quotaOf(r.path, statsLeaf); ok {
		a.t.recount(p, r)
	}
	a.count(r.path, 1, int64(len(r.data)))
}

// quotaDeleted keeps the books after a delete.
func (a *applying) quotaDeleted(r *record) {
	if p, ok := quotaOf(r.path, limitsLeaf); ok {
		a.t.quotas.unregister(p)
	} else if strayLimits(r.path) {
		a.poisoned("limits that are of no quota: removed as an ordinary node (client-protocol.md H3)")
	}
	a.count(r.path, -1, -int64(len(r.data)))
}

// strayLimits reports whether a node has the name of limits and lies beside the
// quotas rather than among them, where ZooKeeper looks for the path of a quota that
// is not there.
func strayLimits(path string) bool {
	parent, ok := strings.CutSuffix(path, limitsLeaf)
	return ok && strings.HasPrefix(parent, zk.PathZK) && len(parent) <= len(zk.PathQuota)
}

// quotaChanged keeps the books after new data in place of before bytes.
func (a *applying) quotaChanged(r *record, before int) {
	a.count(r.path, 0, int64(len(r.data)-before))
}

// count adds to the statistics of the quota that path falls under. Only the
// data of the statistics node changes: no number, no event, no digest.
func (a *applying) count(path string, nodes, bytes int64) {
	t := a.t
	if path == "" || nodes == 0 && bytes == 0 {
		return
	}
	key := t.quotas.statsFor(path)
	if key == "" {
		return
	}
	stats := t.node(key)
	if stats == nil {
		return
	}
	haveNodes, haveBytes, ok := parseStats(stats.data)
	if !ok {
		a.poisoned("statistics of a quota that do not parse: counted afresh (client-protocol.md H3)")
		p, _ := quotaOf(key, statsLeaf)
		t.recount(p, stats)
		return
	}
	t.setRecord(stats, formatStats(haveNodes+nodes, haveBytes+bytes), stats.stat)
}

// recount replaces the data of a statistics node by what the subtree holds.
func (t *Tree) recount(p string, stats *record) {
	nodes, bytes := t.usage(p)
	t.setRecord(stats, formatStats(nodes, bytes), stats.stat)
}

// usage counts a subtree, its root included.
func (t *Tree) usage(p string) (nodes, bytes int64) {
	r := t.node(p)
	if r == nil {
		return 0, 0
	}
	nodes, bytes = 1, int64(len(r.data))
	for _, name := range r.kids.appendTo(nil) {
		n, b := t.usage(p + "/" + name)
		nodes, bytes = nodes+n, bytes+b
	}
	return nodes, bytes
}

func formatStats(nodes, bytes int64) []byte {
	return fmt.Appendf(nil, "count=%d,bytes=%d", nodes, bytes)
}

// pieces splits the data of either leaf.
func pieces(data []byte) iter.Seq[string] {
	return strings.FieldsFuncSeq(string(data), separates)
}

func separates(r rune) bool { return r == ',' || r == ';' }

// parseStats reads count and bytes; other keys are passed over.
func parseStats(data []byte) (nodes, bytes int64, ok bool) {
	found := 0
	for piece := range pieces(data) {
		key, value, _ := strings.Cut(piece, "=")
		if value == "" || key != "count" && key != "bytes" {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(value, "="), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		found++
		if key == "count" {
			nodes = n
		} else {
			bytes = n
		}
	}
	return nodes, bytes, found == 2
}

// loadQuotas registers every quota after a snapshot, and counts afresh.
func (t *Tree) loadQuotas() {
	var visit func(key string)
	visit = func(key string) {
		r := t.node(key)
		if r == nil {
			return
		}
		if p, ok := quotaOf(key, limitsLeaf); ok {
			t.quotas.register(p)
			if stats := t.node(zk.PathQuota + p + statsLeaf); stats != nil {
				t.recount(p, stats)
			}
		}
		for _, name := range r.kids.appendTo(nil) {
			visit(key + "/" + name)
		}
	}
	visit(zk.PathQuota)
}
