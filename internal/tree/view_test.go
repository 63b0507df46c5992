package tree

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

var _ snapshot.Source = (*View)(nil)

// TestViewsStayAsTheyWere opens and closes views amid any transactions; each must
// yield the state it was opened at, parents first, children sorted.
func TestViewsStayAsTheyWere(t *testing.T) {
	type opened struct {
		v    *View
		want dump
	}
	rapid.Check(t, func(t *rapid.T) {
		tr := New(Options{Digest: true})
		var open []opened
		check := func(o opened) {
			got, err := walk(o.v)
			if err != nil {
				t.Fatalf("walk: %v", err)
			}
			diff(t, fmt.Sprintf("view at %v, now %v", o.v.Zxid(), tr.LastZxid()), got, walkOf(o.want))
			diff(t, "digest", o.v.Digest(), o.want.Digest)
			diff(t, "zxid", o.v.Zxid(), o.want.Last)
			diff(t, "sessions", o.v.Sessions(), o.want.Sessions)
		}
		for zxid := range zk.Zxid(rapid.IntRange(1, 40).Draw(t, "transactions")) {
			switch rapid.IntRange(0, 6).Draw(t, "view") {
			case 0:
				open = append(open, opened{tr.View(), dumpTree(tr)})
			case 1:
				if n := len(open); n > 0 {
					i := rapid.IntRange(0, n-1).Draw(t, "which")
					check(open[i])
					open[i].v.Close()
					open[i].v.Close() // harmless
					open = append(open[:i], open[i+1:]...)
				}
			}
			tr.Apply(drawTxn(t, zxid+1), func(Change) {})
		}
		for _, o := range open {
			check(o)
			o.v.Close()
		}
		if len(tr.views.open) != 0 {
			t.Fatalf("%d views are left", len(tr.views.open))
		}
		if err := tr.verify(); err != nil {
			t.Fatalf("%v", err)
		}
	})
}

// TestViewsWhileApplying walks several views in goroutines while the apply loop
// deletes, re-creates and adds enough children to split and merge their chunks.
func TestViewsWhileApplying(t *testing.T) {
	const kids = 700
	h := newHistory(t, Options{Digest: true})
	h.create("/p", "")
	for i := range kids {
		h.create(fmt.Sprintf("/p/k%04d", 11*i%kids), "first")
	}
	var walkers sync.WaitGroup
	defer walkers.Wait()
	for round := range 6 {
		want := walkOf(dumpTree(h.tree))
		for range 2 {
			v := h.tree.View()
			walkers.Go(func() {
				checkWalk(t, v, want)
				if round%2 == 0 {
					v.Close() // the others stay open
				}
			})
		}
		h.churn(round, kids)
	}
}

// checkWalk wants a walk of v to yield want, and says only the first difference.
func checkWalk(t *testing.T, v *View, want walked) {
	got, err := walk(v)
	if err != nil || len(got.Order) != len(want.Order) {
		t.Errorf("view at %v has %d nodes (%v), want %d", v.Zxid(), len(got.Order), err, len(want.Order))
		return
	}
	for i, p := range got.Order {
		if d := cmp.Diff(want.Nodes[p], got.Nodes[p]); d != "" || p != want.Order[i] {
			t.Errorf("view at %v: %q at %d, want %q (-want +got):\n%s", v.Zxid(), p, i, want.Order[i], d)
			return
		}
	}
}

// churn changes many nodes below /p; each round leaves others.
func (h *history) churn(round, kids int) {
	for i := range kids {
		name := fmt.Sprintf("/p/k%04d", i)
		_, ok := h.tree.Info(name)
		switch {
		case !ok:
			h.create(name, fmt.Sprint("again ", round))
			h.create(fmt.Sprintf("%s/sub%d", name, round), "")
		case (i+round)%3 == 0:
			h.delete(name)
		case (i+round)%7 == 0:
			h.delete(name)
			h.create(name, fmt.Sprint("at once ", round))
		case (i+round)%5 == 0:
			h.set(name, fmt.Sprint("set ", round), int32(round))
		}
	}
	h.verify()
}

// TestReadersWhileApplying reads in goroutines what a multi always changes
// together, by ReadAll, and wants it whole or not at all (invariant X, rule 9.5).
func TestReadersWhileApplying(t *testing.T) {
	h := newHistory(t, Options{Digest: true})
	pair := []string{"/a", "/b"}
	h.create(pair[0], "0")
	h.create(pair[1], "0")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			var last zk.Zxid
			for {
				select {
				case <-stop:
					return
				default:
				}
				var seen [2]zk.Zxid
				var data [2]string
				h.tree.ReadAll(pair, func(i int, n *Node) { seen[i], data[i] = n.Stat.Mzxid, string(n.Data) })
				if data[0] != data[1] || seen[0] != seen[1] && seen[1] > 2 || seen[0] < last {
					t.Errorf("read %v %q after %v", seen, data, last)
					return
				}
				last = seen[0]
			}
		})
	}
	for i := range int32(300) {
		data := fmt.Appendf(nil, "%d", i)
		m := &txn.Multi{}
		for _, p := range pair {
			m.Ops = append(m.Ops, txn.Op{Type: zk.OpSetData, Body: &txn.SetData{Path: p, Data: data, Version: i}})
		}
		h.do(1, zk.OpMulti, m)
	}
	close(stop)
	readers.Wait()
}

// TestViewLimit: a view that would need too much of the past gives up; the tree
// and other views do not.
func TestViewLimit(t *testing.T) {
	h := newHistory(t, Options{Digest: true, ViewBytesMax: 1000})
	for _, p := range []string{"/a", "/b", "/c", "/d", "/e", "/f"} {
		h.create(p, "data")
	}
	v := h.tree.View()
	defer v.Close()
	for _, p := range []string{"/a", "/b", "/c", "/d", "/e", "/f"} {
		h.set(p, "new", 1)
	}
	if _, err := walk(v); !errors.Is(err, ErrViewTooLarge) {
		t.Errorf("walk: %v, want %v", err, ErrViewTooLarge)
	}
	other := h.tree.View()
	defer other.Close()
	got, err := walk(other)
	if err != nil {
		t.Fatalf("another view: %v", err)
	}
	diff(t, "another view", got, walkOf(dumpTree(h.tree)))
}

// TestWalkStops: the error of the caller ends the walk and comes back.
func TestWalkStops(t *testing.T) {
	tr := New(Options{})
	v := tr.View()
	defer v.Close()
	stop, n := errors.New("stop"), 0
	err := v.Walk(func(*snapshot.Node) error {
		if n++; n == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || n != 2 {
		t.Errorf("%v after %d nodes, want %v after 2", err, n, stop)
	}
}
