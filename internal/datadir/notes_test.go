package datadir

import (
	"bytes"
	"testing"

	"ostler/internal/env"
	"ostler/internal/env/memfs"
	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// What is known to be committed, and who the members are, outlives a restart; what
// cannot be read is the same as nothing (quorum.md R25, INV-C3).
func TestNotesOutliveARestart(t *testing.T) {
	fsys := memfs.New(1)
	open := func() *Dir {
		t.Helper()
		d, err := Open(fsys, "/data/version-2", "/data/version-2", Options{AutoCreate: true, Ensemble: true})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	load := func(d *Dir) Loaded {
		t.Helper()
		l, err := d.Load(func() snapshot.Sink { return nil }, func(zk.Zxid, *txn.Record) {})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	d := open()
	if l := load(d); l.Committed != 0 {
		t.Errorf("%v is committed in a new directory, want nothing", l.Committed)
	}
	if text, err := d.Members(); text != nil || err != nil {
		t.Errorf("members %q, %v in a new directory, want none", text, err)
	}
	const members = "server.1=a:1:2:participant\nversion=5"
	if err := d.SetMembers([]byte(members)); err != nil {
		t.Fatal(err)
	}
	if err := d.SetCommitted(0x100000005); err != nil {
		t.Fatal(err)
	}
	d.Close()
	d = open()
	defer d.Close()
	if l := load(d); l.Committed != 0x100000005 {
		t.Errorf("%v is committed after a restart, want 0x100000005", l.Committed)
	}
	if text, err := d.Members(); !bytes.Equal(text, []byte(members)) || err != nil {
		t.Errorf("members %q, %v after a restart, want %q", text, err, members)
	}
	if err := env.WriteFileAtomic(fsys, "/data/version-2/committed", []byte("rubbish")); err != nil {
		t.Fatal(err)
	}
	if l := load(d); l.Committed != 0 {
		t.Errorf("%v is committed, though the note says nothing", l.Committed)
	}
}

// TestASnapshotBeyondWhatIsKnown: one that a leader sent may hold a tail that nobody
// else has (quorum.md 7.4-A, R25), so what is recorded does not tell what of it is
// committed. This server's own snapshots are of what is.
func TestASnapshotBeyondWhatIsKnown(t *testing.T) {
	for _, tt := range []struct {
		name            string
		recorded, z, ok zk.Zxid
	}{
		{"sent by a leader", 5, 9, 0},
		{"own", 9, 9, 9},
		{"own, and the log goes on", 12, 9, 12},
	} {
		d, err := Open(memfs.New(1), "/d/version-2", "/d/version-2", Options{AutoCreate: true, Ensemble: true})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if _, _, err := recoverModel(d); err != nil {
			t.Fatal(err)
		}
		if err := d.SetCommitted(tt.recorded); err != nil {
			t.Fatal(err)
		}
		m := freshModel()
		m.zxid = tt.z
		if err := d.Install(m); err != nil {
			t.Fatal(err)
		}
		if _, l, err := recoverModel(d); err != nil || l.Snapshot != tt.z || l.Committed != tt.ok {
			t.Errorf("%s: snapshot %v, committed %v, error %v, want %v", tt.name, l.Snapshot, l.Committed, err, tt.ok)
		}
	}
}
