package txnlog

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/env"
	"ostler/internal/env/memfs"
	"ostler/internal/txn"
	"ostler/internal/zk"
)

// record is a setData whose size and zxid are given.
func record(z zk.Zxid, size int) *txn.Record {
	data := bytes.Repeat([]byte{0xa5}, size)
	return txn.NewRecord(txn.Txn{
		Header: txn.Header{Session: 9, Zxid: z, Type: zk.OpSetData}, Body: &txn.SetData{Path: "/x", Data: data, Version: int32(z)},
	})
}

func newDisk(t testing.TB) *memfs.FS {
	t.Helper()
	disk := memfs.New(1)
	if err := disk.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	return disk
}

// writeLog appends from..to, one flush each, into a new file.
func writeLog(t testing.TB, disk env.FS, from, to zk.Zxid) {
	t.Helper()
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true})
	for z := from; z <= to; z++ {
		if err := w.Append([]*txn.Record{record(z, 20)}); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// readLog returns the zxids above after.
func readLog(disk env.FS, after zk.Zxid) ([]zk.Zxid, *Reader, error) {
	r, err := Open(disk, "/d", after)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	var zxids []zk.Zxid
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return zxids, r, nil
		}
		if err != nil {
			return zxids, r, err
		}
		zxids = append(zxids, rec.Zxid)
	}
}

// TestWorkedBytes writes the first entry of a real log (disk.md 3.8) and reserves space
// as ZooKeeper does (3.9).
func TestWorkedBytes(t *testing.T) {
	disk := newDisk(t)
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 64 << 20})
	rec := txn.NewRecord(txn.Txn{
		Header: txn.Header{Session: 0x100002e6e3f0000, Zxid: 1, Time: 0x1a207009eb3, Type: zk.OpCreateSession},
		Body:   &txn.CreateSession{Timeout: 60000}, Digest: &txn.Digest{Version: 2, Tree: 1371985504},
	})
	if err := errors.Join(w.Append([]*txn.Record{rec}), w.Flush()); err != nil {
		t.Fatal(err)
	}
	want, _ := hex.DecodeString(strings.ReplaceAll("5a4b4c47 00000002 0000000000000000 00000000b3640a65 00000030 "+
		"0100002e6e3f0000 00000000 0000000000000001 000001a207009eb3 fffffff6 0000ea60 00000002 0000000051c6d660 42", " ", ""))
	got, _ := disk.Get("/d/log.1")
	if !bytes.HasPrefix(got, want) {
		t.Errorf("got  %x\nwant %x", got[:len(want)], want)
	}
	if len(got) != 67108880 || !allZero(got[len(want):]) {
		t.Errorf("%d bytes, want 67108880, zero behind the entry", len(got))
	}
	if w.Size() != 61 {
		t.Errorf("size %d, want 61: padding does not count", w.Size())
	}
}

func TestRollAndReadOn(t *testing.T) {
	disk := newDisk(t)
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 4096})
	for z := zk.Zxid(1); z <= 9; z++ {
		if err := w.Append([]*txn.Record{record(z, int(z)*300)}); err != nil {
			t.Fatal(err)
		}
		if z%3 == 0 {
			w.Roll() // before the flush: what was appended belongs to the old file
			if w.Size() != 0 {
				t.Errorf("size %d after a roll", w.Size())
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files, _, err := Files(disk, "/d")
	if diff := cmp.Diff([]File{{"log.1", 1}, {"log.4", 4}, {"log.7", 7}}, files); diff != "" || err != nil {
		t.Errorf("files, %v (-want +got):\n%s", err, diff)
	}
	for after := zk.Zxid(0); after <= 9; after++ {
		got, r, err := readLog(disk, after)
		if err != nil || len(got) != int(9-after) || r.Last() != 9 || len(r.Tails()) != 0 {
			t.Errorf("after %v: %v, last %v, tails %v, error %v", after, got, r.Last(), r.Tails(), err)
		}
	}
}

// TestNothingAfterAFailure: after a failed write or sync the Writer is dead, and does
// not touch the disk again.
func TestNothingAfterAFailure(t *testing.T) {
	broken := errors.New("input/output error")
	for _, kind := range []memfs.Kind{memfs.OpWrite, memfs.OpSync, memfs.OpPreallocate, memfs.OpCreate, memfs.OpSyncDir} {
		disk := newDisk(t)
		w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 100})
		if kind != memfs.OpCreate && kind != memfs.OpSyncDir {
			if err := errors.Join(w.Append([]*txn.Record{record(1, 50)}), w.Flush()); err != nil {
				t.Fatal(err)
			}
		}
		once := false
		disk.SetFault(func(op memfs.Op) error {
			if once = once || op.Kind == kind; op.Kind == kind {
				return broken
			}
			return nil
		})
		err := errors.Join(w.Append([]*txn.Record{record(2, 8000)}), w.Flush())
		if !errors.Is(err, broken) {
			t.Errorf("%v: got %v", kind, err)
		}
		disk.SetFault(nil)
		before := disk.Ops()
		if err := w.Append([]*txn.Record{record(3, 5)}); !errors.Is(err, broken) {
			t.Errorf("%v: append after it: %v", kind, err)
		}
		if err := w.Flush(); !errors.Is(err, broken) {
			t.Errorf("%v: flush after it: %v", kind, err)
		}
		if err := w.Close(); !errors.Is(err, broken) {
			t.Errorf("%v: close after it: %v", kind, err)
		}
		if disk.Ops() != before {
			t.Errorf("%v: the disk was used after the failure", kind)
		}
	}
}

// TestFullDiskShowsBeforeAnEntry: no part of an entry is written that has no room.
func TestFullDiskShowsBeforeAnEntry(t *testing.T) {
	disk := newDisk(t)
	disk.SetCapacity(20000)
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 16384})
	z, err := zk.Zxid(0), error(nil)
	for err == nil {
		z++
		err = errors.Join(w.Append([]*txn.Record{record(z, 1000)}), w.Flush())
	}
	if !errors.Is(err, env.ErrNoSpace) {
		t.Fatal(err)
	}
	got, r, err := readLog(disk, 0)
	if err != nil || len(r.Tails()) != 0 || len(got) != int(z-1) {
		t.Errorf("%d records, tails %v, error %v, want %d and a clean end", len(got), r.Tails(), err, z-1)
	}
}

// TestEnds tells torn ends from damage.
func TestEnds(t *testing.T) {
	const first, size = headerLen, 79 // of each entry of writeLog
	change := func(at int, b ...byte) func([]byte) []byte {
		return func(log []byte) []byte { copy(log[at:], b); return log }
	}
	for _, tt := range []struct {
		name   string
		edit   func(log []byte) []byte
		last   zk.Zxid
		tail   bool
		kind   TailKind
		offset int64 // of damage
		next   zk.Zxid
	}{
		{name: "clean", edit: func(b []byte) []byte { return b }, last: 5},
		{name: "zeros behind", edit: func(b []byte) []byte { return append(b, make([]byte, 3000)...) }, last: 5},
		{name: "cut in an entry", edit: func(b []byte) []byte { return b[:len(b)-9] }, last: 4, tail: true, kind: Torn},
		{name: "end mark missing", edit: change(first+5*size-1, 0), last: 4, tail: true, kind: Torn},
		{name: "last checksum wrong", edit: change(first+4*size+60, 1), last: 4, tail: true, kind: Suspect},
		{name: "a middle one changed", edit: change(first+2*size+60, 1), last: 2, offset: first + 2*size, next: 4},
		{name: "a middle one zeroed", edit: change(first+2*size, make([]byte, size)...), last: 2, offset: first + 2*size, next: 4},
		{name: "a middle length too long", edit: change(first+2*size+8, 0x7f), last: 2, offset: first + 2*size, next: 4},
		{name: "a middle length negative", edit: change(first+2*size+8, 0xff, 0xff, 0xff, 0xff), last: 2, offset: first + 2*size, next: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := newDisk(t)
			writeLog(t, disk, 1, 5)
			log, _ := disk.Get("/d/log.1")
			if len(log) != first+5*size {
				t.Fatalf("log has %d bytes", len(log))
			}
			disk.Put("/d/log.1", tt.edit(log))
			got, r, err := readLog(disk, 0)
			if len(got) != int(tt.last) {
				t.Errorf("read %v, want up to %v", got, tt.last)
			}
			var damage *CorruptError
			if errors.As(err, &damage) != (tt.offset > 0) || err != nil && damage == nil {
				t.Fatalf("error %v", err)
			}
			if damage != nil && (damage.Offset != tt.offset || damage.LastGood != tt.last || damage.NextGood != tt.next) {
				t.Errorf("got %+v, want offset %d, next good %v", damage, tt.offset, tt.next)
			}
			if tails := r.Tails(); tt.tail && (len(tails) != 1 || tails[0].Kind != tt.kind || tails[0].Last != tt.last) || !tt.tail && len(tails) > 0 {
				t.Errorf("tails %+v", tails)
			}
		})
	}
}

// TestUnwrittenSector: a batch of which a crash left out a sector is told from damage: what
// was never written is zero up to the border of the sector.
func TestUnwrittenSector(t *testing.T) {
	disk := newDisk(t)
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 1 << 16})
	for _, batch := range [][2]zk.Zxid{{1, 3}, {4, 40}} {
		var recs []*txn.Record
		for z := batch[0]; z <= batch[1]; z++ {
			recs = append(recs, record(z, 100))
		}
		if err := errors.Join(w.Append(recs), w.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	good, _ := disk.Get("/d/log.1")
	secondBatch := headerLen + 3*159
	for s := secondBatch / sector; s < 10; s++ {
		b := bytes.Clone(good)
		clear(b[max(s*sector, secondBatch) : (s+1)*sector])
		disk.Put("/d/log.1", b)
		got, r, err := readLog(disk, 0)
		if err != nil || len(got) < 3 || len(r.Tails()) != 1 || r.Tails()[0].Kind != Unwritten {
			t.Errorf("sector %d: read %v, tails %+v, error %v", s, got, r.Tails(), err)
		}
		writeLog(t, disk, 41, 41)
		if _, _, err := readLog(disk, 0); err == nil {
			t.Errorf("sector %d: accepted in front of a later file", s)
		}
		disk.Remove("/d/log.29")
	}
}

// TestUnwrittenUpToAnEntry: the entry behind what was not written may begin in the same
// sector, with the zero half of its checksum.
func TestUnwrittenUpToAnEntry(t *testing.T) {
	for before := range 5 { // bytes of the entry in that sector
		disk := newDisk(t)
		w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true, Prealloc: 1 << 16})
		synced := headerLen + 159
		batches := [][]*txn.Record{{record(1, 100)}, {record(2, sector-synced-59-before), record(3, 100)}}
		for _, batch := range batches {
			if err := errors.Join(w.Append(batch), w.Flush()); err != nil {
				t.Fatal(err)
			}
		}
		b, _ := disk.Get("/d/log.1")
		b = bytes.Clone(b)
		clear(b[synced:sector])
		disk.Put("/d/log.1", b)
		got, r, err := readLog(disk, 0)
		if err != nil || len(got) != 1 || len(r.Tails()) != 1 || r.Tails()[0].Kind != Unwritten {
			t.Errorf("%d bytes: read %v, tails %+v, error %v", before, got, r.Tails(), err)
		}
	}
}

// TestGaps: history has no holes, within an epoch and across.
func TestGaps(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files [][2]zk.Zxid
		after zk.Zxid
		ok    bool
	}{
		{"next file goes on", [][2]zk.Zxid{{1, 3}, {4, 5}}, 0, true},
		{"hole between files", [][2]zk.Zxid{{1, 3}, {5, 6}}, 0, false},
		{"hole covered by the snapshot", [][2]zk.Zxid{{1, 3}, {6, 7}}, 5, true},
		{"hole behind the snapshot", [][2]zk.Zxid{{1, 3}, {6, 7}}, 4, false},
		{"next epoch", [][2]zk.Zxid{{1, 3}, {1<<32 + 1, 1<<32 + 2}}, 0, true},
		{"next epoch without its first", [][2]zk.Zxid{{1, 3}, {1<<32 + 2, 1<<32 + 3}}, 0, false},
		{"stale end behind a received snapshot", [][2]zk.Zxid{{1<<32 + 1, 1<<32 + 9}, {2<<32 + 3, 2<<32 + 4}}, 2<<32 + 2, true},
		{"overlap", [][2]zk.Zxid{{1, 5}, {4, 6}}, 0, false},
	} {
		disk := newDisk(t)
		for _, f := range tt.files {
			writeLog(t, disk, f[0], f[1])
		}
		if got, _, err := readLog(disk, tt.after); (err == nil) != tt.ok {
			t.Errorf("%s: read %v, error %v", tt.name, got, err)
		}
	}
}

func TestEmptyFiles(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content []byte
		newest  bool
		ok      bool
	}{
		{"nothing, newest", nil, true, true},
		{"half a header, newest", []byte("ZKLG\x00\x00"), true, true},
		{"reserved space, newest", make([]byte, 5000), true, true},
		{"header, newest", fileHeader[:], true, true},
		{"header, not newest", fileHeader[:], false, true},
		{"nothing, not newest", nil, false, false},
		{"something else", bytes.Repeat([]byte("x"), 100), true, false},
	} {
		disk := newDisk(t)
		writeLog(t, disk, 1, 3)
		disk.Put("/d/log.4", tt.content)
		if !tt.newest {
			writeLog(t, disk, 1<<32+1, 1<<32+1)
		}
		got, r, err := readLog(disk, 0)
		if (err == nil) != tt.ok {
			t.Errorf("%s: read %v, error %v", tt.name, got, err)
		}
		if empty := r.Empty(); err == nil && (len(empty) == 1) != tt.newest {
			t.Errorf("%s: %q hold no entry and are the newest, want log.4 if it is", tt.name, empty)
		}
	}
}

func TestTruncate(t *testing.T) {
	for to := zk.Zxid(0); to <= 10; to++ {
		disk := newDisk(t)
		disk.MkdirAll("/q")
		writeLog(t, disk, 1, 3)
		writeLog(t, disk, 4, 6)
		writeLog(t, disk, 7, 9)
		want := min(to, 9)
		if want == 0 {
			want = -1
		}
		if got, err := Truncate(disk, "/d", to, "/q"); err != nil || got != want {
			t.Errorf("Truncate(%v) = %v, %v, want %v", to, got, err, want)
		}
		if got, r, err := readLog(disk, 0); err != nil || len(got) != int(max(want, 0)) || len(r.Tails()) > 0 {
			t.Errorf("to %v: left %v, error %v", to, got, err)
		}
	}
}

// TestTruncateWhereNothingIs: if the zxid itself is not in the log, the record above it
// goes too (quorum.md R4b).
func TestTruncateWhereNothingIs(t *testing.T) {
	disk := newDisk(t)
	writeLog(t, disk, 1, 3)
	writeLog(t, disk, 1<<32+1, 1<<32+2)
	if got, err := Truncate(disk, "/d", 1<<32, ""); err != nil || got != 3 {
		t.Errorf("got %v, %v, want 3", got, err)
	}
	if got, _, err := readLog(disk, 0); err != nil || fmt.Sprint(got) != "[0x1 0x2 0x3]" {
		t.Errorf("left %v, %v", got, err)
	}
}

func TestNames(t *testing.T) {
	disk := newDisk(t)
	for _, n := range []string{"log.1", "log.1f", "log.A", "log.05", "log.5.fixed", "log.gz", "log.", "log", "log.-1", "log.8000000000000000", "x"} {
		disk.Put("/d/"+n, nil)
	}
	files, strays, err := Files(disk, "/d")
	if err != nil || len(files) != 2 || files[1] != (File{"log.1f", 0x1f}) || len(strays) != 7 {
		t.Errorf("files %v, strays %q, error %v", files, strays, err)
	}
}

func FuzzReader(f *testing.F) {
	disk := newDisk(f)
	writeLog(f, disk, 1, 4)
	b, _ := disk.Get("/d/log.1")
	f.Add(b)
	f.Add(append(bytes.Clone(b), make([]byte, 600)...))
	f.Add(b[:200])
	f.Fuzz(func(t *testing.T, b []byte) {
		disk := newDisk(t)
		disk.Put("/d/log.1", b)
		got, r, err := readLog(disk, 0)
		if err != nil {
			return
		}
		// What is accepted can be cut and read again to the same end.
		for _, tail := range r.Tails() {
			if err := Cut(disk, tail.File, tail.Offset); err != nil {
				t.Fatal(err)
			}
		}
		again, r, err := readLog(disk, 0)
		if err != nil || len(r.Tails()) > 0 || len(again) != len(got) {
			t.Errorf("%x: read %v, then %v, tails %v, error %v", b, got, again, r.Tails(), err)
		}
	})
}
