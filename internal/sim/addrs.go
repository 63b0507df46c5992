package sim

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"ostler/internal/env"
)

// errNotOwn is what listening at another machine's address gives.
var errNotOwn = errors.New("cannot assign requested address")

// An addressBook says which names stand for which addresses, as a name server does, and
// whose those are.
type addressBook struct {
	names  map[string]netip.Addr
	owners map[netip.Addr]*Machine
	dark   map[netip.Addr]bool // nothing gets to or from there
	last   uint16              // number of the newest address
	quiet  bool                // nobody has moved, and nothing was ever dark
}

func newAddressBook() addressBook {
	return addressBook{
		names: make(map[string]netip.Addr), owners: make(map[netip.Addr]*Machine), dark: make(map[netip.Addr]bool),
		quiet: true,
	}
}

// give gives a machine an address in a network of the given number.
func (b *addressBook) give(m *Machine, network byte) netip.Addr {
	b.last++
	a := netip.AddrFrom4([4]byte{10, network, byte(b.last >> 8), byte(b.last)})
	b.owners[a] = m
	return a
}

// AddAddr gives a machine an address in one more network, with a name of its own.
func (w *World) AddAddr(m *Machine, name string) {
	a := w.book.give(m, byte(len(m.addrs)))
	m.addrs = append(m.addrs, a)
	m.own[name] = a
	w.book.names[name] = a
}

// Move gives a machine without a process another first address, as when it is started
// again elsewhere. The name server still tells the old one for a while.
func (w *World) Move(m *Machine, stale time.Duration) {
	w.book.quiet = false
	old := m.addrs[0]
	delete(w.book.owners, old)
	m.addrs[0] = w.book.give(m, 0)
	m.own[m.name] = m.addrs[0]
	w.note(kindFault, m, "has another address", 0, m.addrs[0].String())
	w.troubleAddr(m.addrs[0])
	moved := m.addrs[0]
	w.After(stale, func() {
		if m.addrs[0] == moved {
			w.book.names[m.name] = moved
		}
	})
}

// CutAddr stops what comes from and goes to the address of that name; HealAddr undoes it.
func (w *World) CutAddr(name string) {
	w.note(kindFault, nil, "network down", 0, name)
	w.book.quiet = false
	w.book.dark[w.book.names[name]] = true
	w.troubleAddr(w.book.names[name])
}

// troubleAddr notes that the links of the machine with an address are not sound.
func (w *World) troubleAddr(a netip.Addr) {
	m := w.book.owners[a]
	if m == nil {
		return
	}
	for _, o := range w.machines {
		w.link(m, o).trouble(w.now)
		w.link(o, m).trouble(w.now)
	}
}

// darkened reports whether nothing gets to or from one of a machine's addresses.
func (w *World) darkened(m *Machine) bool {
	return slices.ContainsFunc(m.addrs, func(a netip.Addr) bool { return w.book.dark[a] })
}

// HealAddr undoes CutAddr.
func (w *World) HealAddr(name string) {
	w.note(kindFault, nil, "network up", 0, name)
	delete(w.book.dark, w.book.names[name])
	w.troubleAddr(w.book.names[name])
	for _, e := range w.ends {
		if e.peer != nil && len(e.wire) > 0 {
			e.retransmit()
		}
	}
}

// resolve is what the name server says; zero for a name that it does not know.
func (m *Machine) resolve(host string) netip.Addr {
	if host == "localhost" || host == "127.0.0.1" {
		return m.addrs[0]
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a
	}
	if a, ok := m.own[host]; ok {
		return a
	}
	return m.w.book.names[host]
}

// source is the address that a machine uses to reach another: that in the same network.
func (m *Machine) source(to netip.Addr) netip.Addr {
	for _, a := range m.addrs {
		if a.As4()[1] == to.As4()[1] {
			return a
		}
	}
	return m.addrs[0]
}

// passes reports whether anything gets from one address to another, whose owner must be
// the machine that it was when the connection was made.
func (w *World) passes(from, to netip.Addr, owner *Machine) bool {
	return w.book.quiet || !w.book.dark[from] && !w.book.dark[to] && w.book.owners[to] == owner
}

// bind is where a port is opened: at one of the machine's addresses, or at all for the
// zero address.
func (m *Machine) bind(host string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		return netip.Addr{}, nil
	}
	a := m.resolve(host)
	if !slices.Contains(m.addrs, a) {
		return a, errNotOwn
	}
	return a, nil
}

// watchLost looks from time to time whether the other machine answers, as its system does
// (env.StreamOptions.LostAfter).
func (e *end) watchLost() {
	if e.lostAfter <= 0 || e.state == closed {
		return
	}
	e.m.w.schedule(e.lostAfter/4, e.p, kindTimer, "", e.checkLost)
}

func (e *end) checkLost() {
	w, peer := e.m.w, e.peer
	switch {
	case e.state == closed:
		return
	case e.deaf():
		if w.now-e.answered >= e.lostAfter {
			e.wire, e.wireBytes = nil, 0
			e.fail(env.ErrLost)
			return
		}
	case peer.state == closed && len(peer.wire) == 0 && e.eof == nil:
		// The machine is there again and knows nothing of the connection.
		e.fail(errReset)
		return
	default:
		e.answered = w.now
	}
	e.watchLost()
}

// deaf reports whether nothing that this side sends is answered now.
func (e *end) deaf() bool {
	w, peer := e.m.w, e.peer
	return e.blockedWire() || w.link(peer.m, e.m).cut || !w.passes(e.remote.Addr(), e.local.Addr(), e.m)
}
