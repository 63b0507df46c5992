package replica

import (
	"slices"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/peers"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// meshOptions are those of the election port.
func (r *Replica) meshOptions() peers.MeshOptions {
	self := r.self().ElectionAddr
	o := peers.MeshOptions{
		Self: r.cfg.MyID, Outsider: r.cfg.Shadow, Advertise: r.advertised(self), Listen: r.bindAddrs(self), Addrs: r.electionAddrs(),
		DialTimeout:      r.cfg.ElectionDialTimeout,
		HandshakeTimeout: r.cfg.Learners.Handshake,
		Every:            r.cfg.Tick, LostAfter: r.ticks(r.cfg.SyncLimit),
		Net: r.o.Env.Net, Clock: r.o.Env.Clock, Loops: r.o.Env.Loops, Log: r.log,
		Received: func(from zk.ServerID, n peerwire.Notification) {
			// The election bears lost notifications, and a flood of them must not
			// fill the memory (quorum.md 2.8, R26).
			if r.inbox.Len() < notificationsMax {
				r.inbox.Put(evNotification{from, n})
			}
		},
		Linked: func(to zk.ServerID, up bool) { r.inbox.Put(evMeshLink{to, up}) },
	}
	if o.HandshakeTimeout <= 0 {
		o.HandshakeTimeout = r.ticks(r.cfg.SyncLimit)
	}
	if _, several := r.ensemble.Multiple(); several && r.cfg.ReachCheck {
		// A link in a network that is down has to make room soon for one in another
		// (quorum.md 1.9).
		o.Reach, o.LostAfter = r.cfg.ReachTimeout, min(o.LostAfter, r.cfg.ReachTimeout)
	}
	return o
}

// bindAddrs is where a port of this server is bound: at its own addresses, or at the
// wildcard when quorumListenOnAllIPs says so.
func (r *Replica) bindAddrs(own ensemble.Addrs) []string {
	addrs := own.List()
	if !r.cfg.ListenOnAllIPs {
		return addrs
	}
	for i, addr := range addrs {
		addrs[i] = port(addr)
	}
	slices.Sort(addrs)
	return slices.Compact(addrs)
}

// port is an address without its host.
func port(addr string) string {
	for i := len(addr) - 1; i >= 0; i-- {
		if addr[i] == ':' {
			return addr[i:]
		}
	}
	return addr
}

// linkOptions are those of links of the quorum port.
func (r *Replica) linkOptions() env.StreamOptions {
	return peers.StreamOptions(r.ticks(max(r.cfg.InitLimit, r.cfg.SyncLimit)))
}

// dialMax is how long one try to reach a leader takes, if a tick is not longer: the next
// one may find it at another address.
const dialMax = time.Second

// dialServer opens a connection to the quorum port of a server, whichever of its
// addresses answers first (quorum.md 1.9).
func (r *Replica) dialServer(m ensemble.Member, timeout time.Duration, connected peers.Connected) {
	timeout = min(timeout, max(r.cfg.Tick, dialMax))
	peers.DialAny(r.o.Env.Net, m.QuorumAddr.List(), timeout, r.linkOptions(), connected)
}

// openPort opens a port for learners at all addresses of this server. One that cannot be
// had, as while one of its networks is down, is left out as long as there is another.
func (r *Replica) openPort(own ensemble.Addrs) error {
	var failed error
	var open listeners
	for _, addr := range r.bindAddrs(own) {
		l, err := r.o.Env.Net.Listen(addr, r.linkOptions(), r.acceptLearner)
		if err != nil {
			r.log.Error("cannot open a port for learners", "addr", addr, "err", err)
			failed = err
			continue
		}
		open = append(open, l)
	}
	if len(open) == 0 {
		return failed
	}
	r.listener = open
	return nil
}

// listeners are the open ports of one purpose.
type listeners []env.Listener

// Close closes them all.
func (l listeners) Close() {
	for _, one := range l {
		one.Close()
	}
}
