package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"

	"ostler/internal/zk"
	"ostler/test/cluster"
)

// roundLimit is when a step of a round has failed.
const roundLimit = 2 * time.Minute

// A subject is one product with its running cluster and clients.
type subject struct {
	product cluster.Product
	cluster *cluster.Cluster
	load    *load
}

// An outage is what one loss of the leader cost, from the signal on.
type outage struct {
	// The first write that the new leader acknowledged: to a client of a server that
	// stayed, and to one that had to leave the old leader.
	survivors, moved time.Duration
	all              time.Duration // until every client had one
	gap              time.Duration // the longest time in which no client had any
	// When the first client of a server that stayed had its session again.
	attached time.Duration
	phases   map[string]time.Duration
}

// round takes the leader away with sig and measures what clients see, then waits
// until it is back.
func (s *subject) round(sig syscall.Signal) (outage, error) {
	s.load.idle.Store(false)
	defer s.load.idle.Store(true)
	if err := s.sendHome(); err != nil {
		return outage{}, err
	}
	time.Sleep(*settle)
	leader := s.cluster.Leader()
	if leader == nil {
		return outage{}, fmt.Errorf("%s has no leader", s.product.Name)
	}
	before := s.newestEpoch()
	s.forget()
	start := time.Now()
	if err := leader.Signal(sig); err != nil {
		return outage{}, err
	}
	if err := s.await("every client writes again", func(c *client) bool {
		a, _, ok := c.last()
		return ok && a.epoch > before
	}); err != nil {
		return outage{}, err
	}
	o := s.measure(leader, before, start)
	leader.Wait()
	if err := leader.Start(); err != nil {
		return outage{}, err
	}
	return o, leader.Await(roundLimit)
}

// sendHome spreads the clients over the servers again.
func (s *subject) sendHome() error {
	for _, c := range s.load.clients {
		c.goHome.Store(true)
	}
	s.forget()
	return s.await("every client writes at its own server", func(c *client) bool {
		_, where, ok := c.last()
		return ok && where == c.home
	})
}

// forget drops what the clients recorded.
func (s *subject) forget() {
	for _, c := range s.load.clients {
		c.take()
	}
}

// await waits until something holds for every client.
func (s *subject) await(what string, holds func(c *client) bool) error {
	for end := time.Now().Add(roundLimit); ; time.Sleep(5 * time.Millisecond) {
		if !slices.ContainsFunc(s.load.clients, func(c *client) bool { return !holds(c) }) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: not within %v: %s", s.product.Name, roundLimit, what)
		}
	}
}

// newestEpoch is that of the writes that were acknowledged last.
func (s *subject) newestEpoch() (e zk.Epoch) {
	for _, c := range s.load.clients {
		if a, _, ok := c.last(); ok {
			e = max(e, a.epoch)
		}
	}
	return e
}

// measure reads what the clients recorded since start.
func (s *subject) measure(leader *cluster.Server, before zk.Epoch, start time.Time) outage {
	var o outage
	var times []time.Time
	for _, c := range s.load.clients {
		acks, attached := c.take()
		first := time.Duration(0)
		for _, a := range acks {
			times = append(times, a.at)
			if a.epoch > before && first == 0 {
				first = a.at.Sub(start)
			}
		}
		o.all = max(o.all, first)
		if c.addrs[c.home] == leader.Addr {
			o.moved = earliest(o.moved, first)
			continue
		}
		o.survivors = earliest(o.survivors, first)
		if len(attached) > 0 {
			o.attached = earliest(o.attached, attached[0].Sub(start))
		}
	}
	times = append(times, start)
	slices.SortFunc(times, time.Time.Compare)
	for i := slices.IndexFunc(times, start.Equal) + 1; i < len(times); i++ {
		o.gap = max(o.gap, times[i].Sub(times[i-1]))
	}
	o.phases = s.phases(leader, start)
	return o
}

func earliest(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}
