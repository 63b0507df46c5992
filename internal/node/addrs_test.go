package node_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/ensemble"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// The two networks of these tests.
const (
	firstNet  = "127.0.0.1"
	secondNet = "127.0.0.2"
)

// reachable reports whether somebody listens.
func reachable(t *testing.T, host string, port int) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", host, port))
	if err == nil {
		c.Close()
	}
	return err == nil
}

// twoNets are three fresh servers whose lines come from line; ports are quorum,
// election and client port of each.
func twoNets(t *testing.T, lines string, line func(id int, quorum, election int) string) (cfgs []*config.Config, ports []int) {
	t.Helper()
	ports = freePorts(t, 9)
	for i := range 3 {
		lines += fmt.Sprintf("server.%d=%s;%s:%d\n", i+1, line(i+1, ports[3*i], ports[3*i+1]), firstNet, ports[3*i+2])
	}
	for i := range 3 {
		dir := t.TempDir()
		write(t, dir+"/initialize", "")
		cfgs = append(cfgs, load(t, dir, i+1, lines, nil))
	}
	return cfgs, ports
}

// writeHereReadThere has a client of one server write what a client of another then reads.
func writeHereReadThere(t *testing.T, one, other string) {
	t.Helper()
	awaitServing(t, one)
	rawConnect(t, one, wire.ConnectRequest{}).want(zk.OpCreate, createRequest("/it", zk.ModePersistent), zk.OK)
	awaitServing(t, other)
	c := rawConnect(t, other, wire.ConnectRequest{})
	c.want(zk.OpSync, wire.PathRequest{Path: "/it"}, zk.OK)
	c.want(zk.OpGetData, wire.PathWatchRequest{Path: "/it"}, zk.OK)
}

// leaderOf is the index of the server that leads.
func leaderOf(t *testing.T, cfgs []*config.Config) int {
	t.Helper()
	for i, cfg := range cfgs {
		if strings.Contains(word(t, cfg.ClientAddr, "srvr"), "Mode: leader") {
			return i
		}
	}
	t.Fatal("nobody leads")
	return -1
}

// brokenFirst is a pair of addresses with another port in the first network.
func brokenFirst(a ensemble.Addrs, port int) ensemble.Addrs {
	return ensemble.Addrs(fmt.Sprintf("%s:%d|%s", firstNet, port, a.List()[1]))
}

// Servers with an address in each of two networks listen at both, and find each other
// though the first one named leads nowhere (quorum.md 1.9).
func TestEnsembleWithTwoNetworks(t *testing.T) {
	for _, check := range []bool{true, false} {
		dead := freePorts(t, 2)
		lines := fmt.Sprintf("multiAddress.enabled=true\nmultiAddress.reachabilityCheckEnabled=%v\n", check)
		cfgs, ports := twoNets(t, lines, func(id int, quorum, election int) string {
			return fmt.Sprintf("%s:%d:%d|%s:%d:%d", firstNet, quorum, election, secondNet, quorum, election)
		})
		for _, cfg := range cfgs {
			// As it sees it, the others' addresses in the first network refuse.
			for id, m := range cfg.Ensemble.Members {
				if id != cfg.MyID {
					m.QuorumAddr = brokenFirst(m.QuorumAddr, dead[0])
					m.ElectionAddr = brokenFirst(m.ElectionAddr, dead[1])
					cfg.Ensemble.Members[id] = m
				}
			}
			run(t, cfg)
		}
		writeHereReadThere(t, cfgs[0].ClientAddr, cfgs[1].ClientAddr)
		leader := leaderOf(t, cfgs)
		for i := range cfgs {
			for _, host := range []string{firstNet, secondNet} {
				if !reachable(t, host, ports[3*i+1]) {
					t.Errorf("check %v: server %d has no election port in network %s", check, i+1, host)
				}
				if got, want := reachable(t, host, ports[3*i]), i == leader; got != want {
					t.Errorf("check %v: the quorum port of server %d in network %s is open: %v, want %v", check, i+1, host, got, want)
				}
			}
		}
	}
}

// quorumListenOnAllIPs opens both ports in networks that the server's line does not
// name; without it they are open only where it says (quorum.md 1.8).
func TestQuorumListenOnAllIPs(t *testing.T) {
	for _, all := range []bool{true, false} {
		cfgs, ports := twoNets(t, fmt.Sprintf("quorumListenOnAllIPs=%v\n", all), func(_ int, quorum, election int) string {
			return fmt.Sprintf("%s:%d:%d", firstNet, quorum, election)
		})
		for _, cfg := range cfgs {
			run(t, cfg)
		}
		writeHereReadThere(t, cfgs[0].ClientAddr, cfgs[1].ClientAddr)
		leader := leaderOf(t, cfgs)
		for name, port := range map[string]int{"quorum": ports[3*leader], "election": ports[3*leader+1]} {
			if !reachable(t, firstNet, port) {
				t.Errorf("quorumListenOnAllIPs=%v: the %s port is not open at the server's own address", all, name)
			}
			if reachable(t, secondNet, port) != all {
				t.Errorf("quorumListenOnAllIPs=%v: the %s port is open elsewhere: %v", all, name, !all)
			}
		}
	}
}
