package datadir

import (
	"errors"
	"math/rand/v2"
	"testing"

	"ostler/internal/env/memfs"
	"ostler/internal/zk"
)

// R1: a promise and a taken epoch outlive a loss of power at any moment once SetEpoch
// has returned, and before that the file holds the old number or the new one.
func TestR1EpochsOutliveALossOfPower(t *testing.T) {
	for seed := uint64(1); seed <= 20; seed++ {
		for cut := int64(1); ; cut++ {
			disk := memfs.New(seed)
			dir, err := Open(disk, "/d/version-2", "/d/version-2", crashOptions)
			if err != nil {
				t.Fatal(err)
			}
			changes := int64(0)
			disk.SetFault(func(op memfs.Op) error {
				if op.Kind.Changes() {
					changes++
				}
				if changes >= cut {
					return errCut
				}
				return nil
			})
			set := [2]zk.Epoch{} // accepted, current: what SetEpoch has returned for
			for e := zk.Epoch(1); e <= 4 && err == nil; e++ {
				for i := range set {
					if err = dir.SetEpoch(i == 1, e); err == nil {
						set[i] = e
					}
				}
			}
			if err != nil && !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			disk = disk.Crash()
			disk.SetFault(nil)
			again, openErr := Open(disk, "/d/version-2", "/d/version-2", crashOptions)
			if openErr != nil {
				t.Fatal(openErr)
			}
			for i, name := range []string{acceptedName, currentName} {
				got, _, readErr := again.readEpoch(name)
				if readErr != nil || got != set[i] && got != set[i]+1 || err == nil && got != set[i] {
					t.Errorf("seed %d, cut %d: %s is %d (%v), want %d", seed, cut, name, got, readErr, set[i])
				}
			}
			if err == nil {
				break
			}
		}
	}
}

// R15: logs whose snapshots are all gone are not an empty database, nor one that began
// with the first log: the server does not start, unless the operator says that the data
// is of a release that knew no first snapshot (disk.md 5.4).
func TestR15LogsWithoutASnapshotAreRefused(t *testing.T) {
	for _, trust := range []bool{false, true} {
		w := &world{rand: rand.New(rand.NewPCG(1, 1)), disk: memfs.New(1), state: freshModel(), may: make([]outcome, 1)}
		w.state.zxid = 1 << 32
		if err := w.start(); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(w.dir.InitFresh(freshModel()), w.dir.SetEpoch(false, 1), w.dir.SetEpoch(true, 1), w.append(3)); err != nil {
			t.Fatal(err)
		}
		w.log.Close()
		w.dir.Close()
		if err := w.disk.Remove("/d/version-2/snapshot.0"); err != nil {
			t.Fatal(err)
		}
		o := crashOptions
		o.TrustEmptySnap = trust
		dir, err := Open(w.disk, "/d/version-2", "/d/version-2", o)
		if err != nil {
			t.Fatal(err)
		}
		_, l, err := recoverModel(dir)
		switch {
		case !trust && !errors.Is(err, ErrNoSnapshot):
			t.Errorf("loaded up to %v, error %v, want %v", l.Last, err, ErrNoSnapshot)
		case trust && (err != nil || l.Last != w.state.zxid):
			t.Errorf("with data of an old release: loaded up to %v, error %v, want %v", l.Last, err, w.state.zxid)
		}
	}
}
