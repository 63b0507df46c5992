package election

import (
	"testing"
	"time"

	"ostler/internal/ensemble"
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

// Server 1 proposed, or has taken, a configuration that nobody else knows of, and needs
// itself for a quorum of it. The others have settled on one of them by the configuration
// in force: it joins them, or it would be left out for as long as they need no election
// (INV-L2). To lead on their word, it needs a quorum of both (quorum.md R14).
func TestAProposedConfigurationDoesNotKeepFromJoining(t *testing.T) {
	now := testConfig(3, 0)
	now.Version = 0x100000001
	for _, tc := range []struct {
		name       string
		next       *ensemble.Config
		leader     zk.ServerID
		sameRound  bool
		wantLeader zk.ServerID // 0: none
	}{
		{"a leader of another round", testConfig(1, 0), 3, false, 3},
		{"a leader of the same round", testConfig(1, 0), 3, true, 3},
		{"itself, without a quorum of the proposed one", testConfig(5, 0), 1, true, 0},
		{"itself, with one", testConfig(3, 0), 1, true, 1},
	} {
		next := tc.next.WithVersion(0x100000009)
		c := New(testOptions(now.With(next), 1))
		at := time.Unix(1000, 0)
		var out Output
		c.Start(at, 0x100000009, 1, true, &out)
		round := int64(7)
		if tc.sameRound {
			round = out.Send[0].Notification.ElectionEpoch
		}
		for _, id := range []zk.ServerID{2, 3} {
			state := peerwire.Following
			if id == tc.leader {
				state = peerwire.Leading
			}
			c.Notify(at, id, peerwire.Notification{
				State: state, Leader: tc.leader, Zxid: 0x100000006, ElectionEpoch: round, PeerEpoch: 2, Version: 2, Config: now.Text(),
			}, &out)
		}
		var got zk.ServerID
		if out.Settled != nil {
			got = out.Settled.Leader
		}
		if got != tc.wantLeader {
			t.Errorf("%s: settled on %d, want %d", tc.name, got, tc.wantLeader)
		}
	}
}
