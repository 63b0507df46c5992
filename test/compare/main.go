// Command compare measures three Ostler servers against three Apache ZooKeeper
// servers on this machine, in alternating runs, and prints medians and ratios as
// a Markdown table. Servers and load share the cores.
package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"ostler/test/cluster"
)

var (
	pairs       = flag.Int("pairs", 5, "runs of each product")
	connections = flag.Int("connections", 16, "client connections, spread over the servers")
	outstanding = flag.Int("outstanding", 64, "requests under way on each connection")
	size        = flag.Int("size", 100, "bytes of data in a node")
	seconds     = flag.Float64("seconds", 5, "length of each measurement")
	warmup      = flag.Float64("warmup", 3, "seconds of load before each measurement")
	ostlerPath  = flag.String("ostler", "bin/ostler", "path of the Ostler binary")
	heap        = flag.String("heap", "2g", "Apache's heap")
)

func main() {
	flag.Parse()
	products := []cluster.Product{cluster.Apache(*heap), cluster.Ostler(*ostlerPath)}
	results := map[string]map[string][]result{}
	for round := range *pairs {
		for _, p := range products {
			for _, r := range measure(p) {
				if results[r.workload] == nil {
					results[r.workload] = map[string][]result{}
				}
				results[r.workload][p.Name] = append(results[r.workload][p.Name], r)
				fmt.Fprintf(os.Stderr, "round %d  %-17s %-4s %9.0f op/s  %6.1f µs CPU/op  p50 %v  p99 %v  %4d MiB\n",
					round+1, p.Name, r.workload, r.rate, r.cpu, r.p50, r.p99, r.memory>>20)
			}
		}
	}
	table(results)
}

const firstPort = 21810

// A result is one measurement: operations a second, server CPU in microseconds
// for each operation (all servers together), latencies, and the servers' peak resident bytes.
type result struct {
	workload string
	rate     float64
	cpu      float64
	p50, p99 time.Duration
	memory   int64
}

// measure starts a fresh ensemble of p and runs both workloads on it.
func measure(p cluster.Product) []result {
	c, err := cluster.Start(p, firstPort)
	fatal(err)
	defer c.Stop()
	l := newLoad(c.Addrs())
	defer l.close()
	var results []result
	for _, w := range []string{"set", "get"} {
		l.run(w, time.Duration(*warmup*float64(time.Second)))
		before := cpu(c)
		n, took, latencies := l.run(w, time.Duration(*seconds*float64(time.Second)))
		used := cpu(c) - before
		memory, err := c.Memory()
		fatal(err)
		slices.Sort(latencies)
		results = append(results, result{
			workload: w,
			rate:     float64(n) / took.Seconds(),
			cpu:      float64(used.Microseconds()) / float64(n),
			p50:      latencies[len(latencies)/2], p99: latencies[len(latencies)*99/100],
			memory: memory,
		})
	}
	return results
}

func cpu(c *cluster.Cluster) time.Duration {
	used, err := c.CPU()
	fatal(err)
	return used
}

// table prints medians, and Ostler's ratio to Apache.
func table(results map[string]map[string][]result) {
	fmt.Println("| workload | measure | Apache ZooKeeper | Ostler | ratio | spread of the ratio |")
	fmt.Println("| --- | --- | --- | --- | --- | --- |")
	measures := []struct {
		name  string
		value func(result) float64
	}{
		{"operations/s", func(r result) float64 { return r.rate }},
		{"server CPU, µs/operation", func(r result) float64 { return r.cpu }},
		{"p50, ms", func(r result) float64 { return float64(r.p50) / 1e6 }},
		{"p99, ms", func(r result) float64 { return float64(r.p99) / 1e6 }},
		{"peak memory of 3 servers, MiB", func(r result) float64 { return float64(r.memory >> 20) }},
	}
	for _, w := range []string{"get", "set"} {
		for _, m := range measures {
			a, o := values(results[w]["Apache ZooKeeper"], m.value), values(results[w]["Ostler"], m.value)
			ratios := make([]float64, len(a))
			for i := range a {
				ratios[i] = o[i] / a[i]
			}
			fmt.Printf("| %s | %s | %.4g | %.4g | %.2f | %.2f to %.2f |\n", w, m.name,
				median(a), median(o), median(ratios), slices.Min(ratios), slices.Max(ratios))
		}
	}
	fmt.Printf("\n%d connections x %d outstanding, %d bytes, %d pairs of runs of %gs, %s\n",
		*connections, *outstanding, *size, *pairs, *seconds, cluster.Machine())
}

func values(rs []result, f func(result) float64) []float64 {
	v := make([]float64, len(rs))
	for i, r := range rs {
		v[i] = f(r)
	}
	return v
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// fatal ends the program: a measurement that did not run is no measurement.
func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}
