package replica

import (
	"sync"

	"ostler/internal/env"
	"ostler/internal/peers"
)

// A pusherLoop moves the snapshots on that are being sent to learners, as fast as
// their links take them.
type pusherLoop struct {
	loop env.Loop

	mu    sync.Mutex
	links []*peers.Link
}

func startPusherLoop(r *Replica) *pusherLoop {
	p := &pusherLoop{}
	p.loop = r.o.Env.Loops.Start("pusher", p.step)
	return p
}

// set says which links there are.
func (p *pusherLoop) set(links []*peers.Link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links = links
}

func (p *pusherLoop) step() func() {
	p.mu.Lock()
	links := p.links
	p.mu.Unlock()
	more := false
	for _, l := range links {
		more = l.PushSnapshot() || more
	}
	if more {
		p.loop.Wake()
	}
	return nil
}

// publishLinks tells the pusher loop about the links.
func (r *Replica) publishLinks() {
	ids := r.linkIDs()
	links := make([]*peers.Link, len(ids))
	for i, id := range ids {
		links[i] = r.links[id]
	}
	r.pusher.set(links)
}
