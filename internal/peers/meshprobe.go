package peers

import (
	"maps"
	"slices"

	"ostler/internal/env"
	"ostler/internal/zk"
)

// startProbing dials every member without a link again and again, whether there is
// something to say or not: a link that is missing when an election begins costs time
// (quorum.md R23). Links that are there are probed by the system, see streamOptions.
func (m *Mesh) startProbing(loops env.Loops, clock env.Clock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	var prober env.Loop
	prober = loops.Start("mesh", func() func() {
		m.probe()
		clock.WakeAt(clock.Now().Add(m.o.Every), prober)
		return nil
	})
	m.prober = prober
	prober.Wake()
}

// probe dials the members without a link.
func (m *Mesh) probe() {
	for _, id := range m.missing() {
		m.dial(id)
	}
}

// missing lists the members without a link.
func (m *Mesh) missing() []zk.ServerID {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []zk.ServerID
	for _, id := range slices.Sorted(maps.Keys(m.peers)) {
		if p := m.peers[id]; p.link == nil && !p.stranger {
			ids = append(ids, id)
		}
	}
	return ids
}
