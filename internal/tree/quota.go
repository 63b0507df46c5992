package tree

import (
	"fmt"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// The leaves that hold a quota and its statistics (client-protocol.md 4.9).
const (
	limitsLeaf = "/zookeeper_limits"
	statsLeaf  = "/zookeeper_stats"
)

// A quotas knows the paths that have limits. Owned by the apply loop.
type quotas struct{ paths map[string]struct{} }

func (q *quotas) init() { q.paths = make(map[string]struct{}) }

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

// statsFor returns the statistics node that counts path: that of the longest
// registered prefix, "" if there is none.
func (q *quotas) statsFor(path string) string {
	if len(q.paths) == 0 {
		return ""
	}
	for p := path; p != ""; p = p[:strings.LastIndexByte(p, '/')] {
		if _, ok := q.paths[p]; ok {
			return zk.PathQuota + p + statsLeaf
		}
		if p[0] != '/' {
			return ""
		}
	}
	return ""
}

// quotaCreated keeps the books after a create.
func (t *Tree) quotaCreated(r *record) {
	if p, ok := quotaOf(r.path, limitsLeaf); ok {
		t.quotas.paths[p] = struct{}{}
	}
	if p, ok := quotaOf(r.path, statsLeaf); ok {
		t.recount(p, r)
	}
	t.count(r.path, 1, int64(len(r.data)))
}

// quotaDeleted keeps the books after a delete.
func (t *Tree) quotaDeleted(r *record) {
	if p, ok := quotaOf(r.path, limitsLeaf); ok {
		delete(t.quotas.paths, p)
	}
	t.count(r.path, -1, -int64(len(r.data)))
}

// quotaChanged keeps the books after new data in place of before bytes.
func (t *Tree) quotaChanged(r *record, before int) {
	t.count(r.path, 0, int64(len(r.data)-before))
}

// count adds to the statistics of the quota that path falls under. Only the
// data of the statistics node changes: no number, no event, no digest.
func (t *Tree) count(path string, nodes, bytes int64) {
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
		// Somebody wrote what is no statistics there: begin anew.
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

// parseStats reads count and bytes; other keys are passed over.
func parseStats(data []byte) (nodes, bytes int64, ok bool) {
	found := 0
	for _, piece := range strings.FieldsFunc(string(data), func(r rune) bool { return r == ',' || r == ';' }) {
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
			t.quotas.paths[p] = struct{}{}
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
