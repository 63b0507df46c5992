package tree

import (
	"errors"
	"sync"

	"ostler/internal/snapshot"
	"ostler/internal/zk"
)

// ErrViewTooLarge is returned by a View's Walk when so much changed since it
// was opened that keeping the past would take more than ViewBytesMax.
var ErrViewTooLarge = errors.New("the view had to keep more of the past than its limit")

// A views is the open views of a tree.
type views struct {
	mu   sync.Mutex
	open []*View // oldest first
}

// newest returns the generation of the newest open view, 0 without one.
func (vs *views) newest() uint32 {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if n := len(vs.open); n > 0 {
		return vs.open[n-1].gen
	}
	return 0
}

// keep saves r as it is for every view that was opened since it last changed.
func (vs *views) keep(r *record) {
	kept := *r
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for _, v := range vs.open {
		if r.gen < v.gen {
			v.keep(&kept)
		}
	}
}

// A View is the tree and its sessions at one zxid, while the tree goes on. It
// implements snapshot.Source. Close it when done.
type View struct {
	t        *Tree
	gen      uint32 // records of this generation or later are not in the view
	zxid     zk.Zxid
	digest   uint64
	sessions map[zk.SessionID]int32

	mu    sync.Mutex
	kept  map[string]*record // as they were, by path
	bytes int64
	full  bool
}

// View opens a view of the present state. Apply loop only.
func (t *Tree) View() *View {
	t.gen++
	v := &View{
		t: t, gen: t.gen, zxid: t.LastZxid(), digest: t.digest,
		sessions: t.Sessions(), kept: make(map[string]*record),
	}
	t.views.mu.Lock()
	defer t.views.mu.Unlock()
	t.views.open = append(t.views.open, v)
	return v
}

// Close ends the view; callable from any goroutine, also more than once.
func (v *View) Close() {
	vs := &v.t.views
	vs.mu.Lock()
	defer vs.mu.Unlock()
	for i, o := range vs.open {
		if o == v {
			vs.open = append(vs.open[:i:i], vs.open[i+1:]...)
			return
		}
	}
}

// Zxid implements snapshot.Source.
func (v *View) Zxid() zk.Zxid { return v.zxid }

// Digest implements snapshot.Source.
func (v *View) Digest() uint64 { return v.digest }

// Sessions implements snapshot.Source.
func (v *View) Sessions() map[zk.SessionID]int32 { return v.sessions }

// keep saves a record, once.
func (v *View) keep(r *record) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.full || v.kept[r.path] != nil {
		return
	}
	if v.bytes += r.size() + 200; v.bytes > v.t.o.ViewBytesMax {
		v.full, v.kept = true, nil
		return
	}
	v.kept[r.path] = r
}

// Walk implements snapshot.Source: every node, parents first, children sorted. No
// lock is held while f runs, so f may take its time.
func (v *View) Walk(f func(n *snapshot.Node) error) error { return v.walk("", f) }

func (v *View) walk(key string, f func(n *snapshot.Node) error) error {
	r, ok, err := v.record(key)
	if err != nil || !ok {
		return err
	}
	if err := f(&snapshot.Node{Path: key, Data: r.data, ACL: r.acl.entries, Stat: r.stat}); err != nil {
		return err
	}
	if r.kids.len() == 0 {
		return nil
	}
	// The list is not changed in place while the view is open.
	for i := range r.kids.chunks {
		for _, name := range r.kids.chunks[i].names {
			if err := v.walk(key+"/"+name, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// record returns a node as the view sees it. The live one is looked at first: the
// apply loop keeps a record before it changes it, under the stripe's write lock,
// so a record that is found changed has been kept.
func (v *View) record(key string) (record, bool, error) {
	s := &v.t.stripes[v.t.stripeOf(key)]
	s.mu.RLock()
	r := s.nodes[key]
	if r != nil && r.gen < v.gen {
		live := *r
		s.mu.RUnlock()
		return live, true, nil
	}
	s.mu.RUnlock()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.full {
		return record{}, false, ErrViewTooLarge
	}
	if kept := v.kept[key]; kept != nil {
		return *kept, true, nil
	}
	return record{}, false, nil
}
