package server

import (
	"slices"
	"sync"
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// submissions records what is submitted.
type submissions struct {
	mu   sync.Mutex
	list []Request
}

func (s *submissions) mark(r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, *r)
}

func (s *submissions) take() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

// forget drops what is held back, as a replica does with requests of an earlier term.
func (e *ensemble) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = nil
}

// When leadership is handed over, clients stay: what was not answered is submitted once
// more, in order and in the new term; reads go on meanwhile (INV-X9, INV-O4).
func TestClientsStayDuringAPause(t *testing.T) {
	r := newRig(t, nil)
	c, reader := r.connect(t), r.connect(t)
	var sent submissions
	r.ens.hold()
	r.ens.mu.Lock()
	r.ens.mark = sent.mark
	r.ens.mu.Unlock()
	c.request(1, zk.OpCreate, createBody("/a", ""))
	c.request(2, zk.OpSetData, setBody("/a", "x"))
	eventually(t, "both are submitted", func() bool { return r.ens.waiting() == 2 })
	before := sent.take()
	r.SetService(zk.Pause, r.ens.tree, 0)
	reader.request(1, zk.OpExists, wire.PathWatchRequest{Path: "/"})
	reader.want(1, -2, zk.OK)
	c.request(3, zk.OpDelete, wire.DeleteRequest{Path: "/a", Version: -1})
	eventually(t, "a third is submitted", func() bool { return r.ens.waiting() == 3 })
	before = append(before, sent.take()...)
	r.ens.forget()

	r.SetService(zk.FullService, r.ens.tree, 2)
	again := sent.take()
	if len(again) != 3 {
		t.Fatalf("%d requests are submitted again, want 3", len(again))
	}
	for i := range again {
		a, b := again[i], before[i]
		if a.Number != b.Number || a.Cxid != b.Cxid || a.Op != b.Op || !slices.Equal(a.Body, b.Body) || a.Term != 2 || b.Term != 1 {
			t.Errorf("request %d was %+v, and is %+v", i, b, a)
		}
	}
	r.ens.release(-1)
	for xid := int32(1); xid <= 3; xid++ {
		c.want(xid, -2, zk.OK)
	}
	c.request(4, zk.OpCreate, createBody("/b", ""))
	c.want(4, -2, zk.OK)
	if list := sent.take(); len(list) != 1 || list[0].Term != 2 {
		t.Errorf("a later request is submitted as %+v, want term 2", list)
	}
}

// A pause that ends badly ends like any loss of the leader.
func TestAPauseMayEndBadly(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	r.SetService(zk.Pause, r.ens.tree, 0)
	r.SetService(zk.NoService, r.ens.tree, 0)
	c.wantEnd()
}

// Nobody can answer a handshake in a pause: who is in one has to come again, and who
// comes waits at the door.
func TestHandshakesDoNotBearAPause(t *testing.T) {
	r := newRig(t, nil)
	r.ens.hold()
	c := r.dial(t)
	c.frame(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16)})
	eventually(t, "its session is asked for", func() bool { return r.ens.waiting() == 1 })
	r.SetService(zk.Pause, r.ens.tree, 0)
	c.wantEnd()
	r.ens.forget()
	d := r.dial(t)
	d.frame(wire.ConnectRequest{Timeout: 10000, Password: make([]byte, 16)})
	eventually(t, "it waits", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.porch.waiting) == 1
	})
	r.ens.release(-1)
	r.SetService(zk.FullService, r.ens.tree, 2)
	d.welcomed()
}
