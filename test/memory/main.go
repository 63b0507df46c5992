// Command memory measures what watches and idle clients cost a live server, and
// prints it as a Markdown table. The server runs in a process of its own, so that
// nothing of the load is counted.
package main

import (
	"flag"
	"fmt"
	"os"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

var (
	idle        = flag.Int("idle", 10000, "idle sessions")
	connections = flag.Int("connections", 1000, "connections that watch")
	watches     = flag.Int("watches", 1000, "one-shot watches of each of them")
	serveDir    = flag.String("serve", "", "be the server, with this data directory")
)

func main() {
	flag.Parse()
	if *serveDir != "" {
		serve(*serveDir)
		return
	}
	fmt.Println("| what | number | live heap and stacks, bytes each | resident, bytes each | resident as it ran, bytes each |")
	fmt.Println("| --- | --- | --- | --- | --- |")
	idleClients()
	watchCase("watch, every path its own, no such nodes", false, distinct)
	watchCase("watch, every path its own, nodes exist", true, distinct)
	watchCase("watch, all connections on the same paths, nodes exist", true, shared)
}

// idleClients measures sessions with their connections that do nothing.
func idleClients() {
	s := startServer()
	defer s.stop()
	for _, c := range connect(s.addr, 100) { // what the first ones bring into being
		c.Close()
	}
	before := s.measure()
	clients := connect(s.addr, *idle)
	after := s.measure()
	report("idle session with its connection", *idle, before, after)
	parallel(clients, func(_ int, c *client) {
		c.pipeline(100, func(int) (zk.OpCode, wire.Record) { return zk.OpGetData, wire.PathWatchRequest{Path: "/"} })
	})
	report("the same, once each has read 100 times", *idle, before, s.measure())
	fmt.Fprintf(os.Stderr, "%.2f goroutines for an idle session\n", float64(after.Goroutines-before.Goroutines)/float64(*idle))
	for _, c := range clients {
		c.Close()
	}
}

// distinct and shared name watch i of connection c: 30 bytes.
func distinct(c, i int) string { return fmt.Sprintf("/services/group-%04d/inst-%04d", c, i) }
func shared(_, i int) string   { return distinct(0, i) }

// watchCase measures watches, without the connections that hold them.
func watchCase(name string, exist bool, path func(c, i int) string) {
	s := startServer()
	defer s.stop()
	clients := connect(s.addr, *connections)
	if exist {
		create(clients[0], path)
	}
	before := s.measure()
	parallel(clients, func(n int, c *client) {
		c.pipeline(*watches, func(i int) (zk.OpCode, wire.Record) {
			return zk.OpExists, wire.PathWatchRequest{Path: path(n, i), Watch: true}
		})
	})
	report(name, *connections**watches, before, s.measure())
	for _, c := range clients {
		c.Close()
	}
}

// create makes the nodes that will be watched.
func create(c *client, path func(c, i int) string) {
	node := func(path string) (zk.OpCode, wire.Record) {
		return zk.OpCreate, wire.CreateRequest{Path: path, Data: []byte{}, ACL: zk.OpenACL()}
	}
	c.pipeline(1, func(int) (zk.OpCode, wire.Record) { return node("/services") })
	seen := map[string]bool{}
	for n := range *connections {
		first := path(n, 0)
		if seen[first] {
			return
		}
		seen[first] = true
		c.pipeline(1+*watches, func(i int) (zk.OpCode, wire.Record) {
			if i == 0 {
				parent, _ := zk.Parent(first)
				return node(parent)
			}
			return node(path(n, i-1))
		})
	}
}

// report prints a row: the growth for each of n.
func report(name string, n int, before, after usage) {
	each := func(before, after uint64) int64 { return (int64(after) - int64(before)) / int64(n) }
	fmt.Printf("| %s | %d | %d | %d | %d |\n", name, n,
		each(before.Live, after.Live), each(before.Resident, after.Resident), each(before.Resident, after.AsItRan))
}

func fatal(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
