package client

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"

	"ostler/internal/zk"
)

// DefaultPort is the port of servers that are named without one.
const DefaultPort = "2181"

// parseServers splits a connect string, host[:port][,host[:port]...][/chroot].
func parseServers(s string) (addrs []string, chroot string, err error) {
	hosts := s
	if i := strings.IndexByte(s, '/'); i >= 0 {
		hosts, chroot = s[:i], s[i:]
		if chroot == "/" {
			chroot = ""
		} else if err := zk.ValidatePath(chroot); err != nil {
			return nil, "", fmt.Errorf("chroot %s: %w", chroot, err)
		}
	}
	for host := range strings.SplitSeq(hosts, ",") {
		if host = strings.TrimSpace(host); host == "" {
			continue
		}
		addr, err := withPort(host)
		if err != nil {
			return nil, "", err
		}
		addrs = append(addrs, addr)
	}
	if len(addrs) == 0 {
		return nil, "", fmt.Errorf("no server in %q", s)
	}
	return addrs, chroot, nil
}

// withPort returns host:port; a bare IPv6 address needs no brackets when it has
// no port.
func withPort(host string) (string, error) {
	if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
		return net.JoinHostPort(host, DefaultPort), nil
	}
	name, port, found := strings.Cut(host, ":")
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", fmt.Errorf("server %s: missing ]", host)
		}
		name = host[1:end]
		port, found = strings.CutPrefix(host[end+1:], ":")
	}
	if !found {
		port = DefaultPort
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", fmt.Errorf("server %s: port %q is not a number from 0 to 65535", host, port)
	}
	return net.JoinHostPort(name, port), nil
}

// A rotation yields servers in random order, each once in every round.
type rotation struct {
	addrs []string
	next  int
}

func newRotation(addrs []string) *rotation {
	r := &rotation{addrs: append([]string(nil), addrs...)}
	rand.Shuffle(len(r.addrs), func(i, j int) { r.addrs[i], r.addrs[j] = r.addrs[j], r.addrs[i] })
	return r
}

// take returns the next server; last tells that it ends a round.
func (r *rotation) take() (addr string, last bool) {
	addr = r.addrs[r.next]
	r.next = (r.next + 1) % len(r.addrs)
	return addr, r.next == 0
}
