package prep

import (
	"testing"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A local session may do everything but make an ephemeral, alone or in a multi
// (client-protocol.md 2.13).
func TestLocalSession(t *testing.T) {
	w := newWorld(t)
	const local = zk.SessionID(1<<56 | 0xabc) // the table does not know it
	do := func(op zk.OpCode, body record) []zk.Code {
		w.cxid++
		rec := w.request(&Request{Session: local, Cxid: w.cxid, Op: op, Body: body.Append(nil), Local: true}, 1)
		defer w.apply(-1)
		if op == zk.OpMulti {
			return codes(rec)
		}
		return []zk.Code{codeOf(rec.Body)}
	}
	for _, test := range []struct {
		name string
		op   zk.OpCode
		body record
		want []zk.Code
	}{
		{"create", zk.OpCreate, create("/a", zk.ModePersistent), []zk.Code{zk.OK}},
		{"container with an ephemeral flag", zk.OpCreateContainer, create("/c", zk.ModeEphemeral), []zk.Code{zk.OK}},
		{"setData", zk.OpSetData, setData("/a", -1), []zk.Code{zk.OK}},
		{"ephemeral", zk.OpCreate, create("/e", zk.ModeEphemeral), []zk.Code{zk.EphemeralOnLocalSession}},
		{"ephemeral, create2", zk.OpCreate2, create("/e", zk.ModeEphemeralSequential), []zk.Code{zk.EphemeralOnLocalSession}},
		{
			"multi", zk.OpMulti, multi(zk.OpSetData, setData("/a", -1), zk.OpCreate, create("/e", zk.ModeEphemeral)),
			[]zk.Code{zk.OK, zk.EphemeralOnLocalSession},
		},
		{"delete", zk.OpDelete, remove("/a", -1), []zk.Code{zk.OK}},
	} {
		got := do(test.op, test.body)
		if len(got) != len(test.want) {
			t.Fatalf("%s: %v, want %v", test.name, got, test.want)
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", test.name, got, test.want)
			}
		}
	}
}

// A leader does not know the local sessions of others: they may do what needs no
// session, and an ephemeral is refused as for a session that has expired (2.13).
func TestLocalSessionOfAnotherServer(t *testing.T) {
	w := newWorld(t)
	w.sessions.AllowLocal(1)
	const foreign = zk.SessionID(2<<56 | 0xabc)
	for _, test := range []struct {
		op   zk.OpCode
		body record
		want zk.Code
	}{
		{zk.OpCreate, create("/a", zk.ModePersistent), zk.OK},
		{zk.OpCreate, create("/e", zk.ModeEphemeral), zk.SessionExpired},
	} {
		if got := codeOf(w.plan(foreign, test.op, test.body).Body); got != test.want {
			t.Errorf("%v %+v: %v, want %v", test.op, test.body, got, test.want)
		}
		w.apply(-1)
	}
	got := codes(w.plan(foreign, zk.OpMulti, multi(zk.OpCreate, create("/e", zk.ModeEphemeral))))
	if len(got) != 1 || got[0] != zk.SessionExpired {
		t.Errorf("multi with an ephemeral: %v, want %v", got, zk.SessionExpired)
	}
}

func TestMakesEphemeral(t *testing.T) {
	for _, test := range []struct {
		op   zk.OpCode
		body record
		want bool
	}{
		{zk.OpCreate, create("/a", zk.ModeEphemeral), true},
		{zk.OpCreate2, create("/a", zk.ModeEphemeralSequential), true},
		{zk.OpCreate, create("/a", zk.ModePersistentSequential), false},
		{zk.OpCreateContainer, create("/a", zk.ModeEphemeral), false},
		{zk.OpMulti, multi(zk.OpDelete, remove("/a", -1), zk.OpCreate, create("/a", zk.ModeEphemeral)), true},
		{zk.OpMulti, multi(zk.OpDelete, remove("/a", -1)), false},
		{zk.OpSetData, setData("/a", -1), false},
		{zk.OpCreate, wire.Int32Response{}, false}, // cannot be decoded
	} {
		if got := MakesEphemeral(test.op, test.body.Append(nil)); got != test.want {
			t.Errorf("MakesEphemeral(%v, %+v) = %v, want %v", test.op, test.body, got, test.want)
		}
	}
}
