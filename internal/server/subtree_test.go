package server

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// TestRecursiveWatchSeesExactlyWhatFollows sets and removes a recursive watch
// while nodes below it change as fast as they can: the changes after the zxid of
// the reply that set it are told, each once and in order, up to the zxid of the
// reply that removed it, and no others (invariants W1, W3, W4, W6).
func TestRecursiveWatchSeesExactlyWhatFollows(t *testing.T) {
	r := newRig(t, nil)
	c := r.connect(t)
	c.c.SetDeadline(time.Now().Add(10 * patience)) // it is many rounds
	const kids = 40
	// Not the parent of what changes, whose lock a change takes too.
	paths := []string{"/a", "/a/b"}
	for i := range kids {
		paths = append(paths, fmt.Sprintf("/a/b/%d", i))
	}
	for _, path := range paths {
		c.request(1, zk.OpCreate, createBody(path, ""))
		c.want(1, -2, zk.OK)
	}
	stop := r.changeAll(paths[2:])
	defer stop()
	set := map[zk.OpCode]wire.Record{
		zk.OpAddWatch:    wire.AddWatchRequest{Path: "/a", Mode: wire.AddWatchPersistentRecursive},
		zk.OpSetWatches2: setWatches2{wire.SetWatchesRequest{PersistentRecursive: []string{"/a"}}},
	}
	told := 0
	for round := range 2000 {
		op := zk.OpAddWatch
		if round%2 > 0 {
			op = zk.OpSetWatches2
		}
		c.request(1, op, set[op])
		typ := wire.WatcherPersistentRecursive
		if round%3 == 0 {
			typ = wire.WatcherAny
		}
		c.request(2, zk.OpRemoveWatches, wire.WatchesRequest{Path: "/a", Type: typ})
		first := c.header()
		if first.Xid != 1 {
			t.Fatalf("round %d, %v: %+v came before the reply", round, op, first)
		}
		events, end := 0, c.header()
		for ; end.Xid == wire.XidNotification; end = c.header() {
			if want := first.Zxid + 1 + zk.Zxid(events/kids); end.Zxid != want {
				t.Fatalf("round %d, %v: event %d is of %v, want %v", round, op, events, end.Zxid, want)
			}
			events++
		}
		if want := kids * int(end.Zxid-first.Zxid); events != want {
			t.Fatalf("round %d, %v: %d events from %v to %v, want %d", round, op, events, first.Zxid, end.Zxid, want)
		}
		told += events
	}
	if told == 0 {
		t.Error("nothing was told; the changes did not meet the watches")
	}
}

// setWatches2 is the body of setWatches2.
type setWatches2 struct{ wire.SetWatchesRequest }

func (s setWatches2) Append(dst []byte) []byte { return s.Append2(dst) }

// header reads a frame, an event or a successful reply.
func (c *client) header() wire.ReplyHeader {
	c.t.Helper()
	var h wire.ReplyHeader
	if err := h.Decode(c.next()); err != nil || h.Err != zk.OK {
		c.t.Fatalf("got %+v, %v, want an event or a reply", h, err)
	}
	return h
}

// changeAll has the apply loop change the data of some nodes together, over and
// over, until stop is called.
func (r *rig) changeAll(paths []string) (stop func()) {
	var over atomic.Bool
	ended := make(chan struct{})
	m := &txn.Multi{}
	for _, path := range paths {
		m.Ops = append(m.Ops, txn.Op{Type: zk.OpSetData, Body: &txn.SetData{Path: path, Version: 1}})
	}
	var change func()
	change = func() {
		if over.Load() {
			close(ended)
			return
		}
		r.ens.apply(0, 0, zk.OpMulti, m)
		r.ens.inbox.Put(change)
	}
	r.ens.inbox.Put(change)
	return func() {
		over.Store(true)
		<-ended
	}
}
