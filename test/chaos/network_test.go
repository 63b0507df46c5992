package chaos

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"ostler/test/proc"
)

// A network is where the servers are: all on loopback, or each on a machine of its own,
// whose links can be cut.
type network interface {
	host(i int) string // address of the i-th seat, counted from 0
	clientPort(i int) int
	clientAddr(i int) string
	serverAddr(i int) string // host:quorum:election
	inside(i int) func(*exec.Cmd) *exec.Cmd
	// cut makes what is sent from one to another disappear; outside is where the
	// clients are.
	cut(from, to int)
	heal(from, to int)
	cuts() bool
}

// outside is the clients' place in a network.
const outside = -1

func newNetwork(t testing.TB, n int, cuts bool) network {
	if cuts {
		return newNamespaces(t, n)
	}
	return loopback{proc.FreePorts(t, 3*n)}
}

// loopback is a network without cuts.
type loopback struct{ ports []int }

func (loopback) host(int) string           { return "127.0.0.1" }
func (l loopback) clientPort(i int) int    { return l.ports[3*i] }
func (l loopback) clientAddr(i int) string { return fmt.Sprintf("127.0.0.1:%d", l.ports[3*i]) }
func (l loopback) serverAddr(i int) string {
	return fmt.Sprintf("127.0.0.1:%d:%d", l.ports[3*i+1], l.ports[3*i+2])
}

func (loopback) inside(int) func(*exec.Cmd) *exec.Cmd {
	return func(cmd *exec.Cmd) *exec.Cmd { return cmd }
}
func (loopback) cut(int, int)  {}
func (loopback) heal(int, int) {}
func (loopback) cuts() bool    { return false }

// namespaces is a network namespace for each seat, tied to a bridge. A cut sends what
// goes to a neighbour to a hardware address that nobody has: packets disappear without
// a sign, as on a broken switch, and connections stay half open.
type namespaces struct {
	t      testing.TB
	name   string // prefix of all names
	subnet string // its first three numbers
	n      int
}

// canCut reports whether the machine lets a test make networks.
func canCut() bool {
	name := fmt.Sprintf("chaos%d", os.Getpid())
	if os.Geteuid() != 0 || exec.Command("ip", "netns", "add", name).Run() != nil {
		return false
	}
	exec.Command("ip", "netns", "del", name).Run()
	return true
}

func newNamespaces(t testing.TB, n int) *namespaces {
	t.Helper()
	x := &namespaces{t: t, name: fmt.Sprintf("%s%d", prefix, os.Getpid()), n: n}
	x.subnet = fmt.Sprintf("10.%d.%d", 64+os.Getpid()/250%64, 1+os.Getpid()%250)
	sweep()
	t.Cleanup(x.remove)
	x.ip("link", "add", x.name, "address", mac(outside), "type", "bridge")
	x.ip("addr", "add", x.subnet+".254/24", "dev", x.name)
	x.ip("link", "set", x.name, "up")
	for i := range n {
		ns, port := x.ns(i), x.ns(i)
		x.ip("netns", "add", ns)
		x.ip("link", "add", port, "type", "veth", "peer", "name", "e0", "address", mac(i), "netns", ns)
		x.ip("link", "set", port, "master", x.name, "up")
		x.ip("-n", ns, "addr", "add", x.host(i)+"/24", "dev", "e0")
		x.ip("-n", ns, "link", "set", "lo", "up")
		x.ip("-n", ns, "link", "set", "e0", "up")
	}
	for from := outside; from < n; from++ {
		for to := outside; to < n; to++ {
			if from != to {
				x.heal(from, to)
			}
		}
	}
	return x
}

// prefix begins the names of all networks that tests make; the process's id follows.
const prefix = "chaos"

// sweep removes what killed tests have left.
func sweep() {
	out, _ := exec.Command("ip", "netns", "list").Output()
	for line := range strings.Lines(string(out)) {
		ns, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		var pid, seat int
		if n, _ := fmt.Sscanf(ns, prefix+"%d-%d", &pid, &seat); n < 2 {
			continue
		}
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			exec.Command("ip", "netns", "del", ns).Run()
			exec.Command("ip", "link", "del", fmt.Sprint(prefix, pid)).Run()
		}
	}
}

func (x *namespaces) remove() {
	exec.Command("ip", "link", "del", x.name).Run()
	for i := range x.n {
		exec.Command("ip", "netns", "del", x.ns(i)).Run()
	}
}

func (x *namespaces) ip(args ...string) {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		x.t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (x *namespaces) ns(i int) string { return fmt.Sprintf("%s-%d", x.name, i+1) }

func mac(i int) string { return fmt.Sprintf("02:00:00:00:00:%02x", i+2) }

func (x *namespaces) host(i int) string {
	if i == outside {
		return x.subnet + ".254"
	}
	return fmt.Sprintf("%s.%d", x.subnet, i+1)
}
func (x *namespaces) clientPort(int) int      { return 2181 }
func (x *namespaces) clientAddr(i int) string { return x.host(i) + ":2181" }
func (x *namespaces) serverAddr(i int) string { return x.host(i) + ":2888:3888" }
func (x *namespaces) cuts() bool              { return true }

func (x *namespaces) inside(i int) func(*exec.Cmd) *exec.Cmd {
	return func(cmd *exec.Cmd) *exec.Cmd {
		return exec.Command("ip", append([]string{"netns", "exec", x.ns(i)}, cmd.Args...)...)
	}
}

func (x *namespaces) cut(from, to int)  { x.neighbour(from, to, "02:ff:ff:ff:ff:ff") }
func (x *namespaces) heal(from, to int) { x.neighbour(from, to, mac(to)) }

func (x *namespaces) neighbour(from, to int, hardware string) {
	args := []string{"neigh", "replace", x.host(to), "lladdr", hardware, "nud", "permanent", "dev"}
	if from == outside {
		x.ip(append(args, x.name)...)
		return
	}
	x.ip(append(append([]string{"-n", x.ns(from)}, args...), "e0")...)
}
