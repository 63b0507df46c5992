package memfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"ostler/internal/env"
)

func create(t *testing.T, s *FS, name string, synced, unsynced []byte) env.File {
	t.Helper()
	f, err := s.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{synced, unsynced} {
		if _, err := f.Write(b); err != nil {
			t.Fatal(err)
		}
		if len(unsynced) == 0 || &b[0] == &synced[0] {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return f
}

// TestCrashKeepsWhatWasSynced: synced content under a synced name survives, the rest is
// there by whole sectors or not at all.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	synced, more := bytes.Repeat([]byte("s"), 700), bytes.Repeat([]byte("u"), 2000)
	sizes := map[int]bool{}
	for seed := range uint64(60) {
		s := New(seed)
		f := create(t, s, "/f", synced, more)
		if err := s.SyncDir("/"); err != nil {
			t.Fatal(err)
		}
		s = s.Crash()
		if _, err := f.Write(synced); !errors.Is(err, ErrCrashed) {
			t.Fatalf("seed %d: write on a dead disk: %v", seed, err)
		}
		got, ok := s.Get("/f")
		if !ok || !bytes.HasPrefix(got, synced) {
			t.Fatalf("seed %d: synced bytes are gone (%v)", seed, ok)
		}
		for at := 700; at < len(got); at++ {
			if got[at] != got[max(at/512*512, 700)] {
				t.Fatalf("seed %d: sector torn at %d", seed, at)
			}
		}
		sizes[len(got)] = true
	}
	if len(sizes) < 4 || !sizes[700] || !sizes[2700] {
		t.Errorf("sizes after crashes %v: want nothing, everything and some between", sizes)
	}
}

// TestNamesNeedTheirOwnSync: without SyncDir a file, a rename or a removal may be
// undone; with it none is.
func TestNamesNeedTheirOwnSync(t *testing.T) {
	for _, sync := range []bool{false, true} {
		states := map[string]int{}
		for seed := range uint64(60) {
			s := New(seed)
			s.Put("/d/a", []byte("a"))
			s.Put("/d/b", []byte("b"))
			if err := errors.Join(s.Rename("/d/a", "/d/c"), s.Remove("/d/b")); err != nil {
				t.Fatal(err)
			}
			if sync {
				if err := s.SyncDir("/d"); err != nil {
					t.Fatal(err)
				}
			}
			infos, err := s.Crash().List("/d")
			if err != nil {
				t.Fatal(err)
			}
			names := ""
			for _, i := range infos {
				names += i.Name
			}
			states[names]++
		}
		if want := map[bool]int{false: 4, true: 1}[sync]; len(states) != want || states["c"] == 0 {
			t.Errorf("synced %v: %v, want %d states, c among them", sync, states, want)
		}
	}
}

// TestFailedSyncIsFinal: what a failed sync did not write, a later one does not
// bring back.
func TestFailedSyncIsFinal(t *testing.T) {
	lost := 0
	for seed := range uint64(40) {
		s := New(seed)
		f := create(t, s, "/f", []byte("old"), []byte("new"))
		s.SyncDir("/")
		s.SetFault(func(op Op) error {
			if op.Kind == OpSync {
				return errors.New("input/output error")
			}
			return nil
		})
		if f.Sync() == nil {
			t.Fatal("sync did not fail")
		}
		s.SetFault(nil)
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		if seen, _ := s.Get("/f"); string(seen) != "oldnew" {
			t.Fatalf("a program sees %q", seen)
		}
		if got, _ := s.Crash().Get("/f"); string(got) == "old" {
			lost++
		}
	}
	if lost == 0 {
		t.Error("nothing was ever lost")
	}
}

func TestCapacity(t *testing.T) {
	s := New(1)
	s.SetCapacity(100)
	f, err := s.Create("/f")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Preallocate(80); err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write(make([]byte, 120)); n != 100 || !errors.Is(err, env.ErrNoSpace) {
		t.Errorf("wrote %d, %v, want 100 and no space", n, err)
	}
	if err := s.Remove("/f"); err != nil {
		t.Fatal(err)
	}
	if free, _ := s.FreeSpace("/"); free != 100 {
		t.Errorf("%d bytes free, want 100", free)
	}
}

// TestSameSeedSameDisk: runs can be repeated.
func TestSameSeedSameDisk(t *testing.T) {
	run := func() string {
		s := New(7)
		for i := range 20 {
			create(t, s, fmt.Sprintf("/f%d", i), []byte("x"), bytes.Repeat([]byte{byte(i + 1)}, 100*i+1))
		}
		s = s.Crash()
		all := ""
		infos, _ := s.List("/")
		for _, i := range infos {
			b, _ := s.Get("/" + i.Name)
			all += fmt.Sprintf("%s %x\n", i.Name, b)
		}
		return all
	}
	if a, b := run(), run(); a != b {
		t.Errorf("first\n%s\nsecond\n%s", a, b)
	}
}

func TestLockAndErrors(t *testing.T) {
	s := New(1)
	l, err := s.Lock("/lock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lock("/lock"); !errors.Is(err, env.ErrLocked) {
		t.Errorf("second lock: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Lock("/lock"); err != nil {
		t.Errorf("after close: %v", err)
	}
	if _, err := s.Open("/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
}
