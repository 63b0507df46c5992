package election

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

func TestTheNewestHistoryWins(t *testing.T) {
	for _, tc := range []struct {
		name   string
		epochs [3]zk.Epoch
		zxids  [3]zk.Zxid
		want   zk.ServerID
	}{
		{"the epoch first", [3]zk.Epoch{2, 1, 1}, [3]zk.Zxid{0x100000001, 0x100000005, 0x100000009}, 1},
		{"then the zxid", [3]zk.Epoch{1, 1, 1}, [3]zk.Zxid{0x100000001, 0x100000005, 0x100000003}, 2},
		{"then the id", [3]zk.Epoch{1, 1, 1}, [3]zk.Zxid{0x100000005, 0x100000005, 0x100000005}, 3},
	} {
		h := newHall(t, 1, 3, 0)
		for i := range 3 {
			h.start(zk.ServerID(i+1), tc.epochs[i], tc.zxids[i], true)
		}
		h.run(time.Second)
		h.expect(map[zk.ServerID]zk.ServerID{1: tc.want, 2: tc.want, 3: tc.want})
		if t.Failed() {
			t.Fatal(tc.name)
		}
	}
}

// A quorum that agrees waits for a better vote; all voters together do not.
func TestFinalizeWait(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(1, 1, 0x100000001, true)
	h.start(2, 1, 0x100000001, true)
	h.run(150 * time.Millisecond)
	h.expect(map[zk.ServerID]zk.ServerID{1: 0, 2: 0})
	h.start(3, 1, 0x100000002, true)
	h.run(30 * time.Millisecond)
	h.expect(map[zk.ServerID]zk.ServerID{1: 3, 2: 3, 3: 3})
}

// A server that heard of the better vote before its own election began is told again at
// once, not when votes are resent.
func TestALateStarterIsToldTheBetterVote(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.link(3, false)
	h.start(2, 1, 0x100000001, true)
	h.queue = nil // it came to a server that followed still
	h.now = h.now.Add(20 * time.Millisecond)
	h.start(1, 1, 0x100000001, true)
	h.run(50 * time.Millisecond)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2})
}

// Nobody waits for the vote of a server whose link is lost, until it is back.
func TestNobodyWaitsForWhoIsGone(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.link(3, false)
	h.start(1, 1, 0x100000001, true)
	h.start(2, 1, 0x100000001, true)
	h.run(30 * time.Millisecond)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2})

	h = newHall(t, 1, 3, 0)
	h.link(3, false)
	h.link(3, true)
	h.start(1, 1, 0x100000001, true)
	h.start(2, 1, 0x100000001, true)
	h.run(150 * time.Millisecond)
	h.expect(map[zk.ServerID]zk.ServerID{1: 0, 2: 0})
	h.link(3, false)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2})
}

func TestALateServerJoinsThoseWhoSettled(t *testing.T) {
	h := newHall(t, 1, 3, 1)
	h.start(1, 1, 0x100000001, true)
	h.start(2, 1, 0x100000001, true)
	h.run(time.Second)
	for _, id := range []zk.ServerID{1, 2} {
		h.cores[id].core.SetEpoch(2)
	}
	// 3 has a newer history, but a leader is there: Zab sorts that out.
	h.start(3, 1, 0x100000009, true)
	h.start(4, 0, 0, false)
	h.run(time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2, 3: 2, 4: 2})
	if got := h.cores[4].core.State(); got != peerwire.Observing {
		t.Errorf("the observer's state is %v, want observing", got)
	}
	if got := h.cores[3].settled.PeerEpoch; got != 2 {
		t.Errorf("the late server heard of epoch %d, want 2", got)
	}
}

// A quorum that falls apart while one waits for a better vote is none.
func TestAVoterMayChangeItsMind(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	now := time.Unix(1000, 0)
	var out Output
	c.Start(now, 5, 1, true, &out)
	c.Notify(now, 2, peerwire.Notification{Leader: 2, Zxid: 9, PeerEpoch: 1, ElectionEpoch: 1, Version: 2}, &out)
	c.Notify(now, 2, peerwire.Notification{Leader: 2, Zxid: 3, PeerEpoch: 1, ElectionEpoch: 1, Version: 2}, &out)
	c.Tick(now.Add(300*time.Millisecond), &out)
	if out.Settled != nil {
		t.Errorf("settled on %+v, whom nobody else wants", out.Settled)
	}
}

// A leader that does not say itself that it leads is not followed (quorum.md 3.7).
func TestADeadLeaderIsNotFollowed(t *testing.T) {
	h := newHall(t, 1, 5, 0)
	for id := zk.ServerID(1); id <= 5; id++ {
		h.start(id, 1, 0x100000001, true)
	}
	h.run(time.Second)
	h.cores[5].up = false
	h.start(4, 1, 0x100000001, true) // 1, 2, 3 still follow 5
	h.run(time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{4: 0})
}

// T-261, scale-up: an empty server does not count beside one with history.
func TestAnEmptyServerDoesNotCount(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(1, 0, 0, false)
	h.start(2, 1, 0x100000005, false)
	h.run(5 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 0, 2: 0})
	h.start(3, 0, 0, false)
	h.run(5 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 0, 2: 0, 3: 0})

	// A second one with history makes a quorum, which the empty ones join.
	h.start(3, 1, 0x100000004, false)
	h.run(5 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2, 3: 2})
	if h.cores[1].core.Trusted() {
		t.Errorf("the empty server counts, want that it does not")
	}
}

// A fresh ensemble forms once all are there, not before (decisions.md 2).
func TestAFreshEnsembleFormsOnceAllAreThere(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(1, 0, 0, false)
	h.start(2, 0, 0, false)
	h.run(3 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 0, 2: 0})
	m := h.cores[1]
	m.core.Tick(h.now.Add(time.Hour), &m.out)
	if d := cmp.Diff([]zk.ServerID{3}, m.out.WaitingFor); d != "" {
		t.Errorf("waiting for (-want +got):\n%s", d)
	}
	h.collect(1)
	h.start(3, 0, 0, false)
	h.run(3 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 3, 2: 3, 3: 3})
	if !h.cores[2].core.Trusted() {
		t.Errorf("server 2 does not count, want that it does")
	}
}

// A quorum with the initialize marker forms without the others; who comes later
// without it joins.
func TestAMarkedQuorumForms(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(1, 0, 0, true)
	h.start(2, 0, 0, true)
	h.run(3 * time.Second)
	h.start(3, 0, 0, false)
	h.run(3 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 2, 2: 2, 3: 2})
}

// The first establishment was cut short: one server has taken epoch 1, nothing was
// proposed, the others know nothing.
func TestAnEnsembleCutShortFormsAgain(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(1, 0, 0, false)
	h.start(2, 0, 0, false)
	h.start(3, 1, 0, false)
	h.run(3 * time.Second)
	h.expect(map[zk.ServerID]zk.ServerID{1: 3, 2: 3, 3: 3})
}

// Apache servers of a fresh ensemble vote with zxid 0 and do not see a vote with -1
// (quorum.md 3.8).
func TestAnEmptyServerVotesWithMinusOne(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	var out Output
	now := time.Unix(1000, 0)
	c.Start(now, 0, 0, false, &out)
	if len(out.Send) != 2 || out.Send[0].Notification.Zxid != -1 || out.Send[0].Notification.PeerEpoch != -1 {
		t.Fatalf("sent %+v, want two with zxid -1 and epoch -1", out.Send)
	}
	out = Output{}
	apache := func(id zk.ServerID) peerwire.Notification {
		return peerwire.Notification{Leader: id, ElectionEpoch: 1, Version: 2}
	}
	c.Notify(now, 2, apache(2), &out)
	if len(out.Send) != 0 {
		t.Errorf("after one of two: sent %+v, want nothing", out.Send)
	}
	c.Notify(now, 3, apache(3), &out)
	if len(out.Send) == 0 {
		t.Fatal("after both: sent nothing, want a vote for 3 with zxid 0")
	}
	if n := out.Send[len(out.Send)-1].Notification; n.Zxid != 0 || n.Leader != 3 {
		t.Errorf("after both: voted for %d with zxid %v, want 3 with 0", n.Leader, n.Zxid)
	}
}

// A peer that has settled has a history, or will have: the ensemble is not new.
func TestASettledPeerIsNotEmpty(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	now := time.Unix(1000, 0)
	var out Output
	c.Start(now, 0, 0, false, &out)
	c.Notify(now, 3, peerwire.Notification{State: peerwire.Following, Leader: 2, ElectionEpoch: 1, PeerEpoch: 1, Version: 2}, &out)
	c.Notify(now, 2, peerwire.Notification{Leader: 2, Zxid: -1, PeerEpoch: -1, ElectionEpoch: 1, Version: 2}, &out)
	if c.Trusted() {
		t.Errorf("the empty server counts beside one that follows")
	}
	if d := cmp.Diff([]zk.ServerID{3}, out.WaitingFor); d != "" {
		t.Errorf("waiting for (-want +got):\n%s", d)
	}
}

func TestALaterRoundIsJoined(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	var out Output
	now := time.Unix(1000, 0)
	c.Start(now, 5, 1, true, &out)
	out = Output{}
	c.Notify(now, 2, peerwire.Notification{Leader: 2, Zxid: 4, PeerEpoch: 1, ElectionEpoch: 7, Version: 2}, &out)
	if len(out.Send) == 0 || out.Send[0].Notification.ElectionEpoch != 7 || out.Send[0].Notification.Leader != 1 {
		t.Errorf("sent %+v, want round 7 and the own vote, which is better", out.Send)
	}
	out = Output{}
	c.Notify(now, 3, peerwire.Notification{Leader: 3, Zxid: 9, PeerEpoch: 1, ElectionEpoch: 3, Version: 2}, &out)
	want := []Sent{{To: 3, Notification: peerwire.Notification{Leader: 1, Zxid: 5, PeerEpoch: 1, ElectionEpoch: 7, Version: 2, Config: c.text}}}
	if d := cmp.Diff(want, out.Send); d != "" {
		t.Errorf("answer to an earlier round (-want +got):\n%s", d)
	}
	out = Output{}
	c.Notify(now, 3, peerwire.Notification{Leader: 3, Zxid: 9, PeerEpoch: 1, ElectionEpoch: 1<<63 - 1, Version: 2}, &out)
	if len(out.Send) != 0 {
		t.Errorf("a round beyond the bound was taken over: %+v", out.Send)
	}
}

// A stranger or an observer gets the current vote with the present round, and never
// enters the algorithm (quorum.md 3.3).
func TestOutsidersAreAnswered(t *testing.T) {
	h := newHall(t, 1, 3, 1)
	for id := zk.ServerID(1); id <= 3; id++ {
		h.start(id, 1, 0x100000001, true)
	}
	h.run(time.Second)
	c := h.cores[2].core
	c.SetEpoch(2)
	for _, id := range []zk.ServerID{4, 77} {
		var out Output
		c.Notify(h.now, id, peerwire.Notification{Leader: none, Zxid: none, PeerEpoch: none, ElectionEpoch: 9, Version: 2}, &out)
		want := []Sent{{To: id, Notification: peerwire.Notification{
			State: peerwire.Following, Leader: 3, Zxid: 0x100000001, ElectionEpoch: 1, PeerEpoch: 2, Version: 2, Config: c.text,
		}}}
		if d := cmp.Diff(want, out.Send); d != "" {
			t.Errorf("answer to %d (-want +got):\n%s", id, d)
		}
	}
}

// Two servers that look and are out of step must not answer each other for ever.
func TestNoEndlessAnswers(t *testing.T) {
	h := newHall(t, 1, 3, 1)
	h.start(1, 1, 0x100000001, true)
	for range 5 {
		h.start(4, 0, 0, false) // an observer, rounds ahead
	}
	count := 0
	for range 200 {
		count += len(h.queue)
		h.run(time.Millisecond)
	}
	if count > 60 {
		t.Errorf("%d message-milliseconds within 200 ms, want a handful", count)
	}
}

// What comes between two elections is kept for the next.
func TestEarlyVotesAreKept(t *testing.T) {
	c := New(testOptions(testConfig(3, 0), 1))
	now := time.Unix(1000, 0)
	var out Output
	c.SetRole(peerwire.Looking)
	for _, from := range []zk.ServerID{2, 3} {
		state := peerwire.Following
		if from == 3 {
			state = peerwire.Leading
		}
		c.Notify(now, from, peerwire.Notification{State: state, Leader: 3, Zxid: 1, PeerEpoch: 2, ElectionEpoch: 4, Version: 2}, &out)
	}
	if len(out.Send) != 0 {
		t.Errorf("sent %+v while between roles, want nothing", out.Send)
	}
	c.Start(now, 5, 1, true, &out)
	if out.Settled == nil || out.Settled.Leader != 3 || c.State() != peerwire.Following {
		t.Errorf("settled %+v in state %v, want on 3, following", out.Settled, c.State())
	}
}

// A server that its leader sends away again and again takes its time (INV-L2), until
// it gets through.
func TestARefusedServerDoesNotSpin(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	h.start(2, 1, 0x100000001, true)
	h.start(3, 1, 0x100000001, true)
	h.run(time.Second)
	begin, joined := h.now, 0
	for h.now.Sub(begin) < time.Minute {
		h.start(1, 1, 0x100000001, true)
		h.run(time.Minute)
		if h.cores[1].settled == nil {
			t.Fatal("server 1 does not join any more")
		}
		joined++
	}
	if joined > 40 {
		t.Errorf("joined %d times within a minute, want it to take its time", joined)
	}
	h.cores[1].core.SetEpoch(2)
	begin = h.now
	h.start(1, 1, 0x100000001, true)
	h.run(time.Minute)
	if took := h.now.Sub(begin); took > time.Second {
		t.Errorf("after it got through, joining took %v, want no pause", took)
	}
}

// Who was not heard is asked again, and links that are gone are dialled, ever less often
// (quorum.md R23).
func TestBackOff(t *testing.T) {
	o := testOptions(testConfig(3, 0), 1)
	o.MaxInterval = time.Second
	c := New(o)
	now := time.Unix(1000, 0)
	var out Output
	c.Start(now, 5, 1, true, &out)
	var waits []time.Duration
	for range 6 {
		waits = append(waits, out.WakeAt.Sub(now))
		now = out.WakeAt
		out = Output{}
		c.Tick(now, &out)
		if len(out.Send) != 2 || !out.Reconnect {
			t.Errorf("after %v: sent %d, reconnect %v, want 2 and true", waits, len(out.Send), out.Reconnect)
		}
	}
	ms := time.Millisecond
	if d := cmp.Diff([]time.Duration{200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms, 1000 * ms}, waits); d != "" {
		t.Errorf("pauses (-want +got):\n%s", d)
	}
}

// TestTranscript puts the core in the place of server 2, then of server 3, in the
// recorded election of a fresh ensemble (election-transcript of the vectors).
func TestTranscript(t *testing.T) {
	now := time.Unix(1000, 0)
	three := testOptions(testConfig(3, 0), 3)
	c := New(three)
	var out Output
	c.Start(now, 0, 0, true, &out)
	c.Notify(now, 2, peerwire.Notification{Leader: 2, ElectionEpoch: 1, Version: 2}, &out)
	n := out.Send[len(out.Send)-1].Notification
	if want := (peerwire.Notification{Leader: 3, ElectionEpoch: 1, Version: 2, Config: c.text}); cmp.Diff(want, n) != "" {
		t.Errorf("server 3 sent %+v, want %+v", n, want)
	}

	// 2 leads by then, with 1; a notification of 3 that looks is answered.
	c = New(testOptions(testConfig(3, 0), 2))
	out = Output{}
	c.Start(now, 0, 0, true, &out)
	c.Notify(now, 1, peerwire.Notification{Leader: 2, ElectionEpoch: 1, Version: 2}, &out)
	c.Tick(now.Add(time.Second), &out)
	if out.Settled == nil || out.Settled.Leader != 2 || !slices.Equal(out.Backers, []zk.ServerID{1}) {
		t.Fatalf("server 2 settled on %+v with %v, want itself with 1", out.Settled, out.Backers)
	}
	c.SetRole(peerwire.Leading)
	c.SetEpoch(1)
	out = Output{}
	c.Notify(now, 3, n, &out)
	want := []Sent{{To: 3, Notification: peerwire.Notification{State: peerwire.Leading, Leader: 2, ElectionEpoch: 1, PeerEpoch: 1, Version: 2, Config: c.text}}}
	if d := cmp.Diff(want, out.Send); d != "" {
		t.Errorf("answer (-recorded +got):\n%s", d)
	}
}

// TestVoteEquality has the cases of quorum.md 3.5.
func TestVoteEquality(t *testing.T) {
	v := Vote{Leader: 3, Zxid: 5, ElectionEpoch: 1, PeerEpoch: 2}
	other := Vote{Leader: 3, Zxid: 9, ElectionEpoch: 4, PeerEpoch: 2}
	later := Vote{Leader: 3, Zxid: 5, ElectionEpoch: 1, PeerEpoch: 3}
	for _, tc := range []struct {
		name string
		a, b ballot
		want bool
	}{
		{"looking: all four agree", ballot{Vote: v}, ballot{Vote: v}, true},
		{"looking: zxid differs", ballot{Vote: v}, ballot{Vote: other}, false},
		{"looking against settled", ballot{Vote: v}, ballot{Vote: other, state: peerwire.Following, version: 2}, false},
		{"settled: zxid and round are ignored", ballot{v, peerwire.Leading, 2}, ballot{other, peerwire.Following, 2}, true},
		{"settled: epoch counts", ballot{v, peerwire.Leading, 2}, ballot{later, peerwire.Following, 2}, false},
		{"settled: an old peer is compared by id", ballot{v, peerwire.Leading, 0}, ballot{later, peerwire.Following, 2}, true},
	} {
		if got := agrees(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestAServerWithoutWeightIsNotElected(t *testing.T) {
	c := testConfig(3, 0)
	c.Groups = map[zk.ServerID]int64{1: 1, 2: 1, 3: 1}
	c.Weights = map[zk.ServerID]int64{3: 0}
	if better(c, Vote{Leader: 3, Zxid: 9, PeerEpoch: 9}, Vote{Leader: 1}) {
		t.Errorf("a server of weight 0 is better, want that it never is (quorum.md 3.4)")
	}
}

// FuzzNotify: no message breaks a core, and none makes it elect a stranger.
func FuzzNotify(f *testing.F) {
	f.Add(int64(2), int32(0), int64(3), int64(5), int64(1), int64(1), int32(2))
	f.Add(int64(9), int32(7), int64(-1), int64(-1), int64(1<<62), int64(-1), int32(-1))
	f.Fuzz(func(t *testing.T, from int64, state int32, leader, zxid, round, epoch int64, version int32) {
		for _, trusted := range []bool{true, false} {
			c := New(testOptions(testConfig(3, 1), 1))
			now := time.Unix(1000, 0)
			var out Output
			n := peerwire.Notification{
				State: peerwire.ServerState(state), Leader: zk.ServerID(leader), Zxid: zk.Zxid(zxid),
				ElectionEpoch: round, PeerEpoch: zk.Epoch(epoch), Version: version,
			}
			c.Notify(now, zk.ServerID(from), n, &out)
			c.Start(now, 0, 0, trusted, &out)
			c.Notify(now, zk.ServerID(from), n, &out)
			for range 3 {
				now = now.Add(time.Second)
				c.Tick(now, &out)
				c.Notify(now, 2, n, &out)
				c.Notify(now, 3, n, &out)
			}
			if out.Settled != nil && (out.Settled.Leader < 1 || out.Settled.Leader > 3) {
				t.Errorf("elected %d by %+v", out.Settled.Leader, n)
			}
		}
	})
}

// Two servers, each without a vote as the other sees it, tell each other how things are and
// leave it at that, whether they look or have settled.
func TestOutsidersDoNotAnswerAnswers(t *testing.T) {
	for _, looking := range []bool{true, false} {
		now := time.Unix(1000, 0)
		cores := make(map[zk.ServerID]*Core)
		for i, text := range []string{"server.1=h1:1:2\nserver.3=h3:1:2", "server.2=h2:1:2\nserver.3=h3:1:2"} {
			config, err := ensemble.ParseConfig([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			id := zk.ServerID(i + 1)
			cores[id] = New(Options{Self: id, Config: config, Finalize: time.Second, MinInterval: 200 * time.Millisecond, MaxInterval: time.Minute})
			var out Output
			if cores[id].Start(now, 1, 1, true, &out); !looking {
				cores[id].SetRole(peerwire.Following)
			}
		}
		said, from := peerwire.Notification{State: peerwire.Looking, Leader: 1, Version: 2}, zk.ServerID(1)
		answers := 0
		for ; answers < 10; answers++ {
			var out Output
			to := 3 - from
			cores[to].Notify(now, from, said, &out)
			if len(out.Send) == 0 {
				break
			}
			if out.Send[0].To != from {
				t.Fatalf("server %d answers server %d, want %d", to, out.Send[0].To, from)
			}
			said, from = out.Send[0].Notification, to
			now = now.Add(time.Millisecond)
		}
		if answers < 1 || answers > 2 {
			t.Errorf("looking %v: %d answers, want one, and one to that at most", looking, answers)
		}
	}
}

// A server in nobody's list finds the leader by the answers to it, and whatever version
// of the configuration it has, nobody is to take it over from there (quorum.md 3.11, 3.12).
func TestAnOutsiderFindsTheLeader(t *testing.T) {
	h := newHall(t, 1, 3, 0)
	for id := zk.ServerID(1); id <= 3; id++ {
		h.start(id, 1, 0x100000001, true)
	}
	h.run(time.Second)
	newer := h.config.WithVersion(0x100000009)
	c := New(Options{
		Self: 77, Observer: true, Outsider: true, Config: newer,
		Finalize: 200 * time.Millisecond, MinInterval: 200 * time.Millisecond, MaxInterval: time.Minute,
	})
	var out Output
	c.Start(h.now, 0, 0, false, &out)
	asked := map[zk.ServerID]bool{}
	for _, s := range slices.Clone(out.Send) {
		asked[s.To] = true
		n := s.Notification
		if n.Leader != none || n.Zxid != none || n.PeerEpoch != none || string(n.Config) != string(newer.WithVersion(0).Text()) {
			t.Errorf("to %d: %+v", s.To, n)
		}
		var answer Output
		h.cores[s.To].core.Notify(h.now, 77, n, &answer)
		for _, a := range answer.Send {
			c.Notify(h.now, s.To, a.Notification, &out)
		}
	}
	if len(asked) != 3 || out.Settled == nil || out.Settled.Leader != 3 || c.State() != peerwire.Observing {
		t.Errorf("asked %v, settled on %+v in state %v; want leader 3", asked, out.Settled, c.State())
	}
}
