package node

import (
	"ostler/internal/config"
	"ostler/internal/ensemble"
)

// members follows a configuration that has come into force: the client port may be
// another.
func (n *Node) members(c *ensemble.Config) {
	m, ok := c.Members[n.cfg.MyID]
	if !ok || n.listen == nil {
		return
	}
	addr := config.ClientAddrOf(m)
	if addr == "" || addr == n.clientAddr {
		return
	}
	l, err := n.srv.Listen(n.env.Net, addr)
	if err != nil {
		n.log.Error("cannot open the client port of the new configuration; the old one stays open", "addr", addr, "err", err)
		return
	}
	n.listen.Close()
	n.listen, n.clientAddr = l, addr
	n.log.Info("client port open", "addr", l.Addr())
}

// record writes a configuration where ZooKeeper would look for it.
func (n *Node) record(c *ensemble.Config) error {
	if n.cfg.File == "" {
		return nil
	}
	return config.SaveMembers(n.env.FS, n.cfg.File, c, n.cfg.MyID)
}
