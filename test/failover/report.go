package main

import (
	"fmt"
	"slices"
	"time"

	"ostler/test/cluster"
)

// measures are the rows of the tables.
var measures = []struct {
	name  string
	value func(outage) time.Duration
}{
	{"first write, of a client of a server that stays", func(o outage) time.Duration { return o.survivors }},
	{"first write, of a client of the old leader", func(o outage) time.Duration { return o.moved }},
	{"first write of the last client", func(o outage) time.Duration { return o.all }},
	{"longest time without any acknowledgement", func(o outage) time.Duration { return o.gap }},
}

// report prints medians, 90th percentiles and maxima, and the ratio of the medians.
func (l loss) report(results map[string][]outage) {
	apache, ostler := results[cluster.Apache("").Name], results[cluster.Ostler("").Name]
	fmt.Printf("\n%s\n\n", l.title)
	fmt.Println("| ms from the signal | Apache ZooKeeper: median | p90 | max | Ostler: median | p90 | max | ratio of medians |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, m := range measures {
		fmt.Printf("| %s |%s%s%s\n", m.name, cells(apache, m.value), cells(ostler, m.value), ratio(apache, ostler, m.value))
	}
	if len(ostler) > 0 {
		breakDown(ostler)
	}
}

// cells are three cells of a row.
func cells(outages []outage, value func(outage) time.Duration) string {
	if len(outages) == 0 {
		return " | | |"
	}
	v := sorted(outages, value)
	return fmt.Sprintf(" %.0f | %.0f | %.0f |", ms(rank(v, 0.5)), ms(rank(v, 0.9)), ms(v[len(v)-1]))
}

func ratio(apache, ostler []outage, value func(outage) time.Duration) string {
	if len(apache) == 0 || len(ostler) == 0 {
		return " |"
	}
	return fmt.Sprintf(" %.2f |", float64(rank(sorted(ostler, value), 0.5))/float64(rank(sorted(apache, value), 0.5)))
}

func sorted(outages []outage, value func(outage) time.Duration) []time.Duration {
	var v []time.Duration
	for _, o := range outages {
		v = append(v, value(o))
	}
	slices.Sort(v)
	return v
}

// rank is the nearest-rank percentile of sorted values.
func rank(v []time.Duration, p float64) time.Duration {
	n := int(p*float64(len(v)) + 0.999999)
	return v[max(n, 1)-1]
}

// breakDown prints where Ostler's time goes.
func breakDown(outages []outage) {
	fmt.Printf("\n| Ostler, ms from the signal | median | p90 | max |\n| --- | --- | --- | --- |\n")
	for _, step := range steps {
		have := slices.DeleteFunc(slices.Clone(outages), func(o outage) bool { _, ok := o.phases[step.name]; return !ok })
		fmt.Printf("| %s |%s\n", step.name, cells(have, func(o outage) time.Duration { return o.phases[step.name] }))
	}
	fmt.Printf("| a client of a server that stays has its session again |%s\n", cells(outages, func(o outage) time.Duration { return o.attached }))
	fmt.Printf("| its first write is acknowledged |%s\n", cells(outages, func(o outage) time.Duration { return o.survivors }))
}
