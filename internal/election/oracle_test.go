package election

import (
	"testing"
	"time"

	"ostler/internal/ensemble"
	"ostler/internal/peerwire"
)

// pairCore is server 1 of two voters, or of three, in an election.
func pairCore(t *testing.T, text string, now time.Time) *Core {
	t.Helper()
	config, err := ensemble.ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{
		Self: 1, Config: config, Oracle: true,
		Finalize: 200 * time.Millisecond, MinInterval: 200 * time.Millisecond, MaxInterval: time.Minute,
	})
	var out Output
	c.Start(now, 0x100000001, 1, true, &out)
	return c
}

const (
	pairText   = "server.1=h1:1:2\nserver.2=h2:1:2"
	threesText = pairText + "\nserver.3=h3:1:2"
)

// A voter whom the oracle lets go on alone leads when the other has been asked again in
// vain (quorum.md 3.13 a); without its word, and among three, it waits.
func TestOneOfAPairLeadsByTheOraclesWord(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, test := range map[string]struct {
		text  string
		until time.Time
		want  bool
	}{
		"allowed":             {pairText, now.Add(time.Hour), true},
		"not allowed":         {pairText, time.Time{}, false},
		"not allowed anymore": {pairText, now.Add(100 * time.Millisecond), false},
		"three voters":        {threesText, now.Add(time.Hour), false},
	} {
		c := pairCore(t, test.text, now)
		c.Oracle(test.until)
		var out Output
		c.Tick(now.Add(200*time.Millisecond), &out)
		if out.Settled != nil {
			t.Errorf("%s: settled before the other was asked again", name)
		}
		for at := 300 * time.Millisecond; at < 10*time.Second && out.Settled == nil; at += 100 * time.Millisecond {
			c.Tick(now.Add(at), &out)
		}
		if got := out.Settled != nil && out.Settled.Leader == 1; got != test.want {
			t.Errorf("%s: settled on %+v, want to lead: %v", name, out.Settled, test.want)
		}
	}
}

// A voter who may not go on alone follows the other that does, though there is no quorum
// (quorum.md 3.13 b).
func TestOneOfAPairFollowsTheOtherThatLeadsAlone(t *testing.T) {
	now := time.Unix(1000, 0)
	for name, test := range map[string]struct {
		text  string
		until time.Time
		state peerwire.ServerState
		want  bool
	}{
		"it leads":              {pairText, time.Time{}, peerwire.Leading, true},
		"it does not lead":      {pairText, time.Time{}, peerwire.Following, false},
		"this one may be alone": {pairText, now.Add(time.Hour), peerwire.Leading, false},
		"three voters":          {threesText, time.Time{}, peerwire.Leading, false},
	} {
		c := pairCore(t, test.text, now)
		c.Oracle(test.until)
		var out Output
		c.Notify(now, 2, peerwire.Notification{State: test.state, Leader: 2, Zxid: 0x100000001, ElectionEpoch: 9, PeerEpoch: 2, Version: 2}, &out)
		if got := out.Settled != nil && out.Settled.Leader == 2; got != test.want {
			t.Errorf("%s: settled on %+v, want to follow: %v", name, out.Settled, test.want)
		}
	}
}
