package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ostler/internal/zk"
)

// The three words show watches on data and existence only, as in ZooKeeper;
// watch_count of mntr counts those on children too.

func wchs(s State) string {
	watchers := s.DataWatches()
	total := 0
	paths := map[string]bool{}
	for _, w := range watchers {
		total += len(w.Paths)
		for _, p := range w.Paths {
			paths[p] = true
		}
	}
	return fmt.Sprintf("%d connections watching %d paths\nTotal watches:%d\n", len(watchers), len(paths), total)
}

func wchc(s State) string {
	watchers := slices.SortedFunc(slices.Values(s.DataWatches()), func(a, b Watcher) int { return byNumber(a.Session, b.Session) })
	var b strings.Builder
	for _, w := range watchers {
		fmt.Fprintf(&b, "%v\n", w.Session)
		for _, p := range slices.Sorted(slices.Values(w.Paths)) {
			fmt.Fprintf(&b, "\t%s\n", p)
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func wchp(s State) string {
	byPath := map[string][]zk.SessionID{}
	for _, w := range s.DataWatches() {
		for _, p := range w.Paths {
			byPath[p] = append(byPath[p], w.Session)
		}
	}
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(byPath)) {
		fmt.Fprintf(&b, "%s\n", p)
		for _, id := range slices.SortedFunc(slices.Values(byPath[p]), byNumber) {
			fmt.Fprintf(&b, "\t%v\n", id)
		}
	}
	b.WriteByte('\n')
	return b.String()
}
