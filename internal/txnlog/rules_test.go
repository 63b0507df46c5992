package txnlog

import (
	"fmt"
	"testing"

	"ostler/internal/txn"
	"ostler/internal/zk"
)

// T-TRUNC-miss, R4b (quorum.md 7.4-B): the zxid to cut at is none of the log's, and the
// record behind it is in the same file. It goes, too.
func TestR4bTheRecordBehindIsCutToo(t *testing.T) {
	disk := newDisk(t)
	w := NewWriter(WriterOptions{FS: disk, Dir: "/d", ForceSync: true})
	for _, z := range []zk.Zxid{1, 2, 3, 1<<32 + 1, 1<<32 + 2} {
		if err := w.Append([]*txn.Record{record(z, 20)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := Truncate(disk, "/d", 1<<32, ""); err != nil || got != 3 {
		t.Errorf("got %v, %v, want 3", got, err)
	}
	if got, _, err := readLog(disk, 0); err != nil || fmt.Sprint(got) != "[0x1 0x2 0x3]" {
		t.Errorf("left %v, %v", got, err)
	}
}
