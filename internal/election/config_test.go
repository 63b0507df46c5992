package election

import (
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// Server 4 votes only in a configuration that is proposed, of which server 3 alone of
// the members knows. It has the newest history, as 3 has, and the larger id; yet only
// members in force are candidates, so that all can agree (quorum.md 3.4, R14).
func TestWhoIsOnlyProposedIsNoCandidate(t *testing.T) {
	h := newHall(t, 1, 4, 0)
	now, next := testConfig(3, 0), testConfig(4, 0)
	now.Version, next.Version = 0x100000001, 0x100000009
	for id := zk.ServerID(1); id <= 4; id++ {
		config := now
		if id >= 3 {
			config = now.With(next)
		}
		h.cores[id].core.SetConfig(config, false)
	}
	h.start(2, 1, 0x100000005, true)
	h.start(3, 1, 0x100000009, true)
	h.start(4, 1, 0x100000009, true)
	h.run(2 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{2: 3, 3: 3, 4: 3})
}

// While it looks for a leader a server takes over a newer configuration that another
// has in force, and nothing else (quorum.md 3.11, R29).
func TestNewerConfigurationIsTakenOver(t *testing.T) {
	own, newer := testConfig(3, 0), testConfig(5, 0)
	own.Version, newer.Version = 7, 8
	for _, tc := range []struct {
		name    string
		enabled bool
		looking bool
		text    []byte
		want    bool
	}{
		{"newer", true, true, newer.Text(), true},
		{"the same", true, true, own.Text(), false},
		{"unreadable", true, true, []byte("server.1=x"), false},
		{"not enabled", false, true, newer.Text(), false},
		{"a leader is there", true, false, newer.Text(), false},
	} {
		o := testOptions(own, 1)
		o.Reconfig = tc.enabled
		c := New(o)
		now := time.Unix(1000, 0)
		var out Output
		if tc.looking {
			c.Start(now, 0x100000001, 1, true, &out)
		} else {
			c.SetRole(peerwire.Following)
		}
		c.Notify(now, 2, peerwire.Notification{State: peerwire.Looking, Leader: 2, Version: 2, Config: tc.text}, &out)
		if got := out.Config != nil; got != tc.want {
			t.Errorf("%s: configuration taken over: %v, want %v", tc.name, got, tc.want)
		}
	}
}

// An appointed leader is the outcome that others are told (quorum.md 5.5).
func TestAppointedLeader(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	var out Output
	c.Appoint(2, 0x100000009, 1, &out)
	if out.Settled == nil || out.Settled.Leader != 2 || c.State() != peerwire.Following {
		t.Fatalf("settled %+v as %v, want to follow 2", out.Settled, c.State())
	}
	out = Output{}
	c.Notify(time.Unix(1000, 0), 3, peerwire.Notification{State: peerwire.Looking, Leader: 3, ElectionEpoch: 1}, &out)
	if len(out.Send) != 1 || out.Send[0].Notification.Leader != 2 {
		t.Errorf("server 3 is told %+v, want that 2 leads", out.Send)
	}
}
