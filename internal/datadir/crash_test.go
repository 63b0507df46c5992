package datadir

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ostler/internal/env"
	"ostler/internal/env/memfs"
	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// An outcome is a range of histories that a load may find: at least floor, at most
// ceil, whose beginning floor is.
type outcome struct{ floor, ceil []string }

// A world drives a Dir as a server would and knows what may be found after a
// crash at any moment.
type world struct {
	rand  *rand.Rand
	disk  *memfs.FS
	dir   *Dir
	log   *txnlog.Writer
	state *model
	may   []outcome
	tag   int
}

var crashOptions = Options{Prealloc: 8192, ForceSync: true, AutoCreate: true, Ensemble: true}

// history lists the nodes that the transactions of a world made: one each.
func (m *model) history() []string {
	all := []string{}
	for _, p := range slices.Sorted(maps.Keys(m.nodes)) {
		if strings.HasPrefix(p, "/n") {
			all = append(all, p+" "+string(m.nodes[p].Data[:4]))
		}
	}
	return all
}

func (w *world) start() (err error) {
	if w.dir, err = Open(w.disk, "/d/version-2", "/d/version-2", crashOptions); err != nil {
		return err
	}
	w.log = w.dir.NewLog()
	return nil
}

// append makes n transactions of various sizes durable in one batch.
func (w *world) append(n int) error {
	w.tag++
	var recs []*txn.Record
	for range n {
		z := w.state.zxid + 1
		data := make([]byte, 4+w.rand.IntN(3)*w.rand.IntN(900))
		for i := range data {
			data[i] = byte(1 + w.rand.IntN(255))
		}
		copy(data, fmt.Sprintf("%04d", w.tag))
		rec := txn.NewRecord(txn.Txn{
			Header: txn.Header{Session: 7, Zxid: z, Type: zk.OpCreate},
			Body:   &txn.Create{Path: fmt.Sprintf("/n%012x", int64(z)), Data: data, ACL: zk.OpenACL(), ParentCreates: -1},
		})
		w.state.apply(rec, maxZxid)
		recs = append(recs, rec)
	}
	w.may[0].ceil = w.state.history()
	if err := w.log.Append(recs); err != nil {
		return err
	}
	if err := w.log.Flush(); err != nil {
		return err
	}
	w.may[0].floor = w.may[0].ceil
	return nil
}

func (w *world) truncate(to zk.Zxid) error {
	if err := w.log.Close(); err != nil {
		return err
	}
	for p, n := range w.state.nodes {
		if n.Stat.Czxid > to {
			delete(w.state.nodes, p)
		}
	}
	w.state.zxid = to
	w.may[0].floor = w.state.history()
	last, err := w.dir.Truncate(to)
	if err != nil {
		return err
	}
	if last != to {
		return fmt.Errorf("truncated to %v, want %v", last, to)
	}
	w.may[0].ceil = w.may[0].floor
	w.log = w.dir.NewLog()
	return nil
}

func (w *world) install(m *model) error {
	if err := w.log.Close(); err != nil {
		return err
	}
	w.state = m
	w.may = append(w.may, outcome{m.history(), m.history()})
	if err := w.dir.Install(m); err != nil {
		return err
	}
	w.may = w.may[1:]
	w.log = w.dir.NewLog()
	return nil
}

// live is the life of a member of an ensemble. It ends with the first error.
func (w *world) live() error {
	steps := []func() error{
		w.start,
		func() error {
			_, err := w.dir.Load(func() snapshot.Sink { return newModel() }, func(zk.Zxid, *txn.Record) {})
			return err
		},
		func() error { return w.dir.InitFresh(freshModel()) },
		func() error { return w.dir.SetEpoch(false, 3) },
		func() error { return w.dir.SetEpoch(true, 1) },
		func() error { w.state.zxid = 1 << 32; return nil },
		func() error { return w.append(1) },
		func() error { return w.append(5) },
		func() error { return w.dir.Snapshot(w.state) },
		func() error { w.log.Roll(); return w.append(3) },
		func() error { w.log.Roll(); return w.append(4) },
		func() error { return w.dir.Snapshot(w.state) },
		func() error { return w.append(2) },
		func() error { return w.truncate(1<<32 + 8) },
		func() error { return w.append(3) },
		func() error { w.state.zxid = 2 << 32; return w.append(2) },
		func() error { return w.install(w.leaders(1<<32+7, 2)) },
		func() error { return w.append(2) },
		func() error { return w.dir.Snapshot(w.state) },
		func() error { w.log.Roll(); return w.append(6) },
		func() error { return w.dir.Snapshot(w.state) },
		func() error { w.log.Roll(); return w.append(1) },
		func() error { return w.dir.Snapshot(w.state) },
		func() error { return w.dir.Purge(3) },
		func() error { return w.append(1) },
		func() error { w.log.Close(); return w.dir.Close() },
	}
	for i, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// leaders is the state of a leader whose history is another one.
func (w *world) leaders(z zk.Zxid, nodes int) *model {
	m := freshModel()
	m.zxid = z
	for i := range nodes {
		p := fmt.Sprintf("/n%012x", int64(z)-int64(i))
		m.nodes[p] = &snapshot.Node{Path: p, Data: []byte("lead"), ACL: zk.OpenACL()}
	}
	return m
}

var errCut = errors.New("power is about to fail")

// TestCrashAnywhere cuts the power at every change of the disk in the life of a server
// and loads what is left: no acknowledged transaction is missing, and nothing is
// there that was truncated or replaced. Then the server goes on from there.
func TestCrashAnywhere(t *testing.T) {
	seeds := 4
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		for at := int64(1); ; at++ {
			if !crashAt(t, uint64(seed), at) {
				break
			}
			if t.Failed() {
				return
			}
		}
	}
}

// crashAt lets the power fail at the at-th change; false: life ended before.
func crashAt(t *testing.T, seed uint64, at int64) bool {
	w := &world{
		rand: rand.New(rand.NewPCG(seed, 1)), disk: memfs.New(seed*1000 + uint64(at)), state: freshModel(), may: make([]outcome, 1),
	}
	changes := int64(0)
	w.disk.SetFault(func(op memfs.Op) error {
		if op.Kind.Changes() {
			changes++
		}
		if changes >= at {
			return errCut
		}
		return nil
	})
	err := w.live()
	if err == nil {
		return false
	}
	if !errors.Is(err, errCut) {
		t.Fatalf("seed %d, change %d: %v", seed, at, err)
	}
	w.disk = w.disk.Crash()
	w.disk.SetFault(nil)
	if err := w.check(); err != nil {
		t.Errorf("seed %d, change %d (%v): %v", seed, at, err, describe(w.disk))
	}
	return true
}

// check loads what a crash left, twice, with a transaction in between.
func (w *world) check() error {
	if err := w.start(); err != nil {
		return err
	}
	m, l, err := recoverModel(w.dir)
	if err != nil {
		return err
	}
	got := m.history()
	if !slices.ContainsFunc(w.may, func(o outcome) bool { return prefixOf(o.floor, got) && prefixOf(got, o.ceil) }) {
		return fmt.Errorf("found %v, want one of %v", got, w.may)
	}
	if l.Fresh {
		return nil
	}
	m.zxid = max(l.Last, 1<<32)
	w.state, w.may = m, []outcome{{got, got}}
	if err := errors.Join(w.dir.SetEpoch(false, 3), w.dir.SetEpoch(true, max(l.Current, 1))); err != nil {
		return err
	}
	if err := w.append(2); err != nil {
		return fmt.Errorf("go on: %w", err)
	}
	w.log.Close()
	w.dir.Close()
	if err := w.start(); err != nil {
		return err
	}
	again, _, err := recoverModel(w.dir)
	if err == nil && !slices.Equal(again.history(), w.state.history()) {
		err = fmt.Errorf("found %v after going on, want %v", again.history(), w.state.history())
	}
	return err
}

func prefixOf(a, b []string) bool { return len(a) <= len(b) && slices.Equal(a, b[:len(a)]) }

// describe lists the files, for failures.
func describe(fsys env.FS) []string {
	var all []string
	for _, dir := range []string{"/d", "/d/version-2"} {
		infos, _ := fsys.List(dir)
		for _, i := range infos {
			all = append(all, fmt.Sprintf("%s/%s:%d", dir, i.Name, i.Size))
		}
	}
	return all
}
