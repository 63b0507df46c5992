package session

import (
	"testing"
	"time"

	"ostler/internal/zk"
)

// With local sessions the leader lets requests of sessions pass that only another
// member knows, but none that would make an ephemeral (client-protocol.md 2.13),
// and none of a session that has ended (INV-X10).
func TestLocalSessionsOfOthers(t *testing.T) {
	const (
		own     = zk.SessionID(1<<56 | 5)
		foreign = zk.SessionID(2<<56 | 5)
		ended   = zk.SessionID(2<<56 | 6)
	)
	table := New(time.Second)
	if got := table.Check(foreign, 2); got != zk.SessionExpired {
		t.Errorf("without local sessions, unknown %v: %v, want %v", foreign, got, zk.SessionExpired)
	}
	table.AllowLocal(1)
	table.Add(ended, time.Second, 2, time.Unix(0, 0))
	table.MarkClosing(ended)
	if got := table.Check(ended, 2); got != zk.SessionExpired {
		t.Errorf("closing %v: %v, want %v", ended, got, zk.SessionExpired)
	}
	table.Remove(ended)
	for _, test := range []struct {
		id     zk.SessionID
		want   zk.Code
		global zk.Code
	}{
		{own, zk.SessionExpired, zk.SessionExpired},
		{foreign, zk.OK, zk.SessionExpired},
		{ended, zk.SessionExpired, zk.SessionExpired},
	} {
		if got := table.Check(test.id, 2); got != test.want {
			t.Errorf("Check(%v) = %v, want %v", test.id, got, test.want)
		}
		if got := table.CheckGlobal(test.id, 2); got != test.global {
			t.Errorf("CheckGlobal(%v) = %v, want %v", test.id, got, test.global)
		}
	}
	for i := range goneMax {
		id := foreign + 100 + zk.SessionID(i)
		table.Add(id, time.Second, 2, time.Unix(0, 0))
		table.Remove(id)
	}
	if got := len(table.locals.gone); got != goneMax || len(table.locals.order) != goneMax {
		t.Errorf("%d ended sessions are remembered in a ring of %d, want %d", got, len(table.locals.order), goneMax)
	}
}
