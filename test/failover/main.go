// Command failover measures for how long clients cannot write when the leader of
// three servers is killed, and when it is stopped, with Ostler and with Apache
// ZooKeeper on this machine, in alternating rounds. It prints Markdown tables.
package main

import (
	"flag"
	"fmt"
	"os"
	"syscall"
	"time"

	"ostler/test/cluster"
)

var (
	rounds     = flag.Int("rounds", 20, "how often each product loses its leader in each way")
	clients    = flag.Int("clients", 4, "clients of each server, each with one write under way")
	size       = flag.Int("size", 100, "bytes of data in a node")
	settle     = flag.Duration("settle", time.Second, "load before the leader is taken away")
	ostlerPath = flag.String("ostler", "bin/ostler", "path of the Ostler binary")
	heap       = flag.String("heap", "1g", "Apache's heap")
	only       = flag.String("only", "", "measure one product: ostler or apache")
	way        = flag.String("way", "", "lose the leader in one way: kill or stop")
	trace      = flag.Bool("trace", false, "print what Ostler's servers log in each round")
)

// A loss is one way in which a leader goes.
type loss struct {
	name, title string
	signal      syscall.Signal
}

var losses = []loss{
	{"kill", "The leader is killed (kill -9)", syscall.SIGKILL},
	{"stop", "The leader is stopped (SIGTERM)", syscall.SIGTERM},
}

const firstPort = 21900

func main() {
	flag.Parse()
	subjects := start()
	fmt.Printf("%s; %d clients of each of three servers, one write of %d bytes under way each; %d rounds\n",
		cluster.Machine(), *clients, *size, *rounds)
	for _, l := range losses {
		if *way == "" || *way == l.name {
			results := l.measure(subjects)
			l.report(results)
		}
	}
	for _, s := range subjects {
		if n := s.load.expired.Load(); n > 0 {
			fmt.Printf("\n%s: %d sessions expired\n", s.product.Name, n)
		}
		s.load.end()
		s.cluster.Stop()
	}
}

// start starts the products' clusters. Each has no load while the other is measured.
func start() []*subject {
	products := map[string]cluster.Product{"apache": cluster.Apache(*heap), "ostler": cluster.Ostler(*ostlerPath)}
	var subjects []*subject
	for _, name := range []string{"apache", "ostler"} {
		if *only != "" && *only != name {
			continue
		}
		c, err := cluster.Start(products[name], firstPort+cluster.Ports*len(subjects))
		fatal(err)
		l := startLoad(c.Addrs(), *clients)
		l.idle.Store(true)
		subjects = append(subjects, &subject{products[name], c, l})
	}
	return subjects
}

// measure takes the leader away again and again, of one product after the other.
func (l loss) measure(subjects []*subject) map[string][]outage {
	results := map[string][]outage{}
	for i := range *rounds {
		for _, s := range subjects {
			o, err := s.round(l.signal)
			fatal(err)
			results[s.product.Name] = append(results[s.product.Name], o)
			fmt.Fprintf(os.Stderr, "%s %2d  %-17s first write of a client that stayed %6.1f ms, that moved %6.1f, of every client %6.1f; longest gap %6.1f\n",
				l.name, i+1, s.product.Name, ms(o.survivors), ms(o.moved), ms(o.all), ms(o.gap))
		}
	}
	return results
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// fatal ends the program: a measurement that did not run is no measurement.
func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "failover:", err)
		os.Exit(1)
	}
}
