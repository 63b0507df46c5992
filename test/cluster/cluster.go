// Package cluster runs three servers of one product on loopback for measurements,
// in programs of their own; tests have package proc.
package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A Product is one of those that are compared. Command runs a server of it.
type Product struct {
	Name    string
	Command func(cfg string) *exec.Cmd
}

// Ostler is the product whose binary is at path.
func Ostler(path string) Product {
	return Product{"Ostler", func(cfg string) *exec.Cmd { return exec.Command(path, "server", cfg) }}
}

// Apache is Apache ZooKeeper as Debian packages it, with a heap such as 2g.
func Apache(heap string) Product {
	return Product{"Apache ZooKeeper", func(cfg string) *exec.Cmd {
		return exec.Command("java", "-Xms"+heap, "-Xmx"+heap, "-cp", "/usr/share/java/zookeeper.jar",
			"org.apache.zookeeper.server.quorum.QuorumPeerMain", cfg)
	}}
}

// A Cluster is an ensemble of three.
type Cluster struct {
	Dir     string
	Servers []*Server
}

// portsEach is how many ports a server has, and Ports how many a cluster takes.
const (
	portsEach = 10
	Ports     = 4 * portsEach
)

// Start starts three servers with empty data directories, at ports from first, and
// waits until all serve. After an error nothing runs.
func Start(p Product, first int) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "cluster")
	if err != nil {
		return nil, err
	}
	c := &Cluster{Dir: dir}
	members := ""
	for i := 1; i <= 3; i++ {
		port := first + portsEach*i
		c.Servers = append(c.Servers, &Server{
			product: p, ID: i, Dir: filepath.Join(dir, strconv.Itoa(i)), Addr: fmt.Sprintf("127.0.0.1:%d", port),
		})
		members += fmt.Sprintf("server.%d=127.0.0.1:%d:%d\n", i, port+1, port+2)
	}
	if err := c.start(first, members); err != nil {
		for _, s := range c.Servers {
			s.Kill()
		}
		return nil, fmt.Errorf("%w; see %s", err, dir)
	}
	return c, nil
}

func (c *Cluster) start(first int, members string) error {
	for _, s := range c.Servers {
		if err := s.configure(first+portsEach*s.ID, members); err != nil {
			return err
		}
		if err := s.Start(); err != nil {
			return err
		}
	}
	for _, s := range c.Servers {
		if err := s.Await(time.Minute); err != nil {
			return err
		}
	}
	return nil
}

// Addrs returns the client addresses.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Servers))
	for i, s := range c.Servers {
		addrs[i] = s.Addr
	}
	return addrs
}

// Leader returns the server that says it leads; nil: none does.
func (c *Cluster) Leader() *Server {
	for _, s := range c.Servers {
		if s.Mode() == "leader" {
			return s
		}
	}
	return nil
}

// Stop kills the servers and removes their data.
func (c *Cluster) Stop() {
	for _, s := range c.Servers {
		s.Kill()
	}
	os.RemoveAll(c.Dir)
}
