package txnlog

import (
	"errors"
	"fmt"
	"testing"

	"ostler/internal/zk"
)

// putLog writes a file with setData records of these zxids and data of size bytes.
func putLog(t *testing.T, disk interface{ Put(string, []byte) }, size int, zxids ...zk.Zxid) []byte {
	t.Helper()
	b := fileHeader[:]
	for _, z := range zxids {
		b = appendEntry(b, record(z, size).Bytes)
	}
	disk.Put("/d/log.1", b)
	return b
}

// TestRepeats: what a follower of ZooKeeper logged twice is read once; anything else
// that goes back is damage.
func TestRepeats(t *testing.T) {
	for _, tt := range []struct {
		name  string
		zxids []zk.Zxid
		want  string // "": damage
	}{
		{"all again, and on", []zk.Zxid{1, 2, 3, 1, 2, 3, 4, 5}, "[0x1 0x2 0x3 0x4 0x5]"},
		{"the end again", []zk.Zxid{1, 2, 3, 2, 3, 4}, "[0x1 0x2 0x3 0x4]"},
		{"twice more", []zk.Zxid{1, 2, 1, 2, 3, 1, 2, 3, 4}, "[0x1 0x2 0x3 0x4]"},
		{"and no further", []zk.Zxid{1, 2, 3, 1}, "[0x1 0x2 0x3]"},
		{"behind a later epoch", []zk.Zxid{1, 2, 1<<32 + 1, 1<<32 + 2, 1<<32 + 1}, "[0x1 0x2 0x100000001 0x100000002]"},
		{"then a hole", []zk.Zxid{1, 2, 1, 2, 4}, ""},
		{"one that was not there", []zk.Zxid{2, 3, 1}, ""},
	} {
		disk := newDisk(t)
		putLog(t, disk, 20, tt.zxids...)
		got, r, err := readLog(disk, tt.zxids[0]-1)
		switch {
		case tt.want == "" && !errors.Is(err, ErrOrder) && !errors.Is(err, ErrGap):
			t.Errorf("%s: read %v, error %v, want damage", tt.name, got, err)
		case tt.want != "" && (err != nil || fmt.Sprint(got) != tt.want || r.End().Offset != r.endOfFile(t)):
			t.Errorf("%s: read %v up to %v, error %v, want %s", tt.name, got, r.End(), err, tt.want)
		}
	}
}

// endOfFile is the size of the file that was read last.
func (r *Reader) endOfFile(t *testing.T) int64 {
	t.Helper()
	f, err := r.fsys.Open(r.end.File)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// TestAnotherOfTheSameZxidIsDamage: two transactions cannot have one place.
func TestAnotherOfTheSameZxidIsDamage(t *testing.T) {
	disk := newDisk(t)
	b := putLog(t, disk, 20, 1, 2)
	disk.Put("/d/log.1", appendEntry(b, record(2, 21).Bytes))
	if got, _, err := readLog(disk, 0); !errors.Is(err, ErrOrder) {
		t.Errorf("read %v, error %v, want %v", got, err, ErrOrder)
	}
}

// TestTruncateRepeats cuts before the first entry that is too new, in whichever run.
func TestTruncateRepeats(t *testing.T) {
	for to, want := range map[zk.Zxid]string{2: "[0x1 0x2]", 3: "[0x1 0x2 0x3]", 4: "[0x1 0x2 0x3 0x4]"} {
		disk := newDisk(t)
		putLog(t, disk, 20, 1, 2, 3, 1, 2, 3, 4, 5, 1)
		if got, err := Truncate(disk, "/d", to, ""); err != nil || got != to {
			t.Errorf("Truncate(%v) = %v, %v", to, got, err)
		}
		if got, _, err := readLog(disk, 0); err != nil || fmt.Sprint(got) != want {
			t.Errorf("to %v: left %v, %v, want %s", to, got, err, want)
		}
	}
}

// TestMarksAreBounded forgets the oldest.
func TestMarksAreBounded(t *testing.T) {
	var m marks
	for z := zk.Zxid(1); z <= marksMax+1; z++ {
		m.add(record(z, 0).Bytes)
	}
	if len(m) > marksMax || m.has(record(1, 0).Bytes) || !m.has(record(marksMax+1, 0).Bytes) {
		t.Errorf("%d marks from %v on", len(m), m[0].zxid)
	}
}
