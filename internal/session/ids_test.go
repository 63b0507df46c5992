package session

import (
	"testing"

	"ostler/internal/zk"
)

func TestIDs(t *testing.T) { // client-protocol.md 2.5
	for _, c := range []struct {
		name   string
		server zk.ServerID
		wall   int64
		first  zk.SessionID
	}{
		{"server in the top byte, then the clock", 1, 0x01a2_07009eb3, 0x01_a207009eb3_0000},
		{"only 40 bits of the clock", 2, 0x7f_0123456789, 0x02_0123456789_0000},
		{"server 255", 255, 0x36e0cb, -1<<56 | 0x36e0cb<<16},
		{"never 0", 0, 0, 1},
		{"never the mark of a container", 128, 0, -1<<63 + 1},
	} {
		ids := NewIDs(c.server, c.wall, 0)
		if got := ids.Next(); got != c.first {
			t.Errorf("%s: first id %v, want %v", c.name, got, c.first)
		}
		if got := ids.Next(); got != c.first+1 {
			t.Errorf("%s: second id %v, want %v", c.name, got, c.first+1)
		}
	}
}

// INV-S12: whatever the count, ids keep their server.
func TestIDsStayWithTheirServer(t *testing.T) {
	ids := NewIDs(3, 0, 0xab_ffffffffffffff)
	ids.Skip(0x03_ffffffffffffff - 1)
	for range 3 {
		if id := ids.Next(); uint64(id)>>56 != 3 {
			t.Errorf("id %v is not of server 3", id)
		}
	}
}

// INV-S6: once a live session shows that the clock went back, ids go on from the
// random place, and stay there.
func TestSkip(t *testing.T) {
	ids := NewIDs(3, 1000, 0x77_123456789abcde)
	ids.Skip(0x02_000000ffff_0000) // of another server
	ids.Skip(0x03_0000000001_0000) // long past
	if got, want := ids.Next(), zk.SessionID(0x03_00000003e8_0000); got != want {
		t.Errorf("with nothing to skip: %v, want %v", got, want)
	}
	ids.Skip(0x03_0000000fff_0005)
	if got, want := ids.Next(), zk.SessionID(0x03_123456789abcde); got != want {
		t.Errorf("after an id that is ahead: %v, want %v", got, want)
	}
	ids.Skip(0x03_ff0000000fff_05)
	if got, want := ids.Next(), zk.SessionID(0x03_123456789abcdf); got != want {
		t.Errorf("after another one: %v, want %v", got, want)
	}
}
