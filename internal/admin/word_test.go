package admin

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/zk"
)

var versionStamp = regexp.MustCompile(`3\.9\.5-\S+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC`)

func mask(text string) string { return versionStamp.ReplaceAllString(text, "<VERSION>") }

// captured reads what a real server answered.
func captured(t testing.TB, server, word string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "captures", server, word+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return mask(string(b))
}

// sorted makes texts comparable whose order in ZooKeeper is that of a hash table.
func sorted(text string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.SplitAfter(text, "\n"))), "")
}

func same(text string) string { return text }

func answer(word string, s State) string { return mask(string(Word(word, s))) }

// The same state gives the bytes of a real server (operations.md 2.4).
func TestAnswersAreThoseOfZooKeeper(t *testing.T) {
	for _, tc := range []struct {
		word string
		form func(string) string
	}{
		{"srvr", same},
		{"cons", sorted},
		{"conf", same},
		{"dirs", same},
		{"dump", sorted},
		{"wchs", same},
		{"wchc", same},
		{"wchp", same},
		{"hash", same},
		{"isro", same},
		{"ruok", same},
		{"gtmk", same},
		{"crst", same},
		{"srst", same},
	} {
		got, want := tc.form(answer(tc.word, loadedLeader(t))), tc.form(captured(t, "loaded/leader", tc.word))
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-ZooKeeper +got):\n%s", tc.word, d)
		}
	}
}

func TestStatIsThatOfZooKeeper(t *testing.T) {
	s := loadedLeader(t)
	s.summary.Received, s.summary.Sent = 23, 24
	s.connections[1].Addr = "127.0.0.1:55408"
	if d := cmp.Diff(captured(t, "loaded/leader", "stat"), answer("stat", s)); d != "" {
		t.Errorf("stat (-ZooKeeper +got):\n%s", d)
	}
}

func TestOtherRoles(t *testing.T) {
	follower := loadedLeader(t)
	follower.sessions = Sessions{
		Timeouts: map[zk.SessionID]time.Duration{
			0x100001184470000: 10 * time.Second, 0x200001183a70000: 10 * time.Second,
			0x300001183ac0000: 10 * time.Second, 0x4000011852a0000: 10 * time.Second,
		},
		Connections: []ConnectionSet{{At: at(5, 32, 47), Conns: []Peer{
			{Addr: "127.0.0.1:60714", Session: 0x100001184470000}, {Addr: "127.0.0.1:60756"},
		}}},
	}
	if d := cmp.Diff(sorted(captured(t, "loaded/follower1", "dump")), sorted(answer("dump", follower))); d != "" {
		t.Errorf("dump of a follower (-ZooKeeper +got):\n%s", d)
	}

	alone := loadedLeader(t)
	alone.conf.Ensemble, alone.conf.ServerID, alone.conf.ClientPort = nil, 0, 20445
	alone.conf.LogDir, alone.data, alone.logs = alone.conf.DataDir, 67109358, 67109358
	if d := cmp.Diff(captured(t, "loaded/standalone", "conf"), answer("conf", alone)); d != "" {
		t.Errorf("conf standalone (-ZooKeeper +got):\n%s", d)
	}

	readOnly := loadedLeader(t)
	readOnly.summary = Summary{Serving: true, ReadOnly: true, Mode: ReadOnly, Received: 12, Sent: 12, Connections: 1, Zxid: 0x100000012, Nodes: 11}
	readOnly.conf.ClientPort, readOnly.conf.ServerID = 20441, 1
	readOnly.conf.ElectionPort, readOnly.conf.QuorumPort = 20461, 20451
	for _, word := range []string{"srvr", "conf", "isro"} {
		if d := cmp.Diff(captured(t, "read-only", word), answer(word, readOnly)); d != "" {
			t.Errorf("%s read-only (-ZooKeeper +got):\n%s", word, d)
		}
	}
}

// A server without quorum says so, except to words that need no data
// (operations.md 2.3). A probe's ruok must be among these.
func TestNotServing(t *testing.T) {
	s := &fake{mask: DefaultTraceMask}
	for word := range commands {
		if word == TelnetClose || word == "envi" || word == "stmk" || word == "move" {
			continue
		}
		if d := cmp.Diff(captured(t, "not-serving", word), answer(word, s)); d != "" {
			t.Errorf("%s (-ZooKeeper +got):\n%s", word, d)
		}
	}
	if len(s.resets) != 0 {
		t.Errorf("a server that does not serve reset %v", s.resets)
	}
}

func TestEnvi(t *testing.T) {
	s := &fake{}
	want := strings.SplitAfter(captured(t, "not-serving", "envi"), "\n")
	for _, line := range want[2 : len(want)-1] {
		name, v, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		s.environment = append(s.environment, Variable{name, v})
	}
	if d := cmp.Diff(strings.Join(want, ""), answer("envi", s)); d != "" {
		t.Errorf("envi (-ZooKeeper +got):\n%s", d)
	}
}

func TestWhitelist(t *testing.T) {
	s := loadedLeader(t)
	w := NewWhitelist([]string{"srvr", "stmk"})
	arg := []byte{0, 0, 0, 0, 0, 0, 2, 1, 99}
	for _, tc := range []struct {
		word string
		arg  []byte
		want string
	}{
		{"ruok", nil, "ruok is not executed because it is not in the whitelist.\n"},
		{TelnetClose, nil, "telnet close is not executed because it is not in the whitelist.\n"},
		{"stmk", arg, "513"},
		{"stmk", arg[:7], ""},
	} {
		if got := string(w.Answer(tc.word, tc.arg, s)); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.word, got, tc.want)
		}
	}
	if s.mask != 513 {
		t.Errorf("mask %d after stmk", s.mask)
	}
	all := NewWhitelist([]string{"*"})
	if got := string(all.Answer(TelnetClose, nil, s)); got != "" {
		t.Errorf("telnet close: %q", got)
	}
	if got := all.Answer("abcd", nil, s); got != nil {
		t.Errorf("unknown word: %q", got)
	}
}

// The word that moves the leader has to be named, and is for a leader.
func TestMove(t *testing.T) {
	s := loadedLeader(t)
	if got := string(NewWhitelist([]string{"*"}).Answer("move", nil, s)); !strings.Contains(got, "not in the whitelist") {
		t.Errorf("with *: %q", got)
	}
	named := NewWhitelist([]string{"*", "move"})
	if got := string(named.Answer("move", nil, s)); !strings.Contains(got, "handed over") || !slices.Equal(s.resets, []string{"leader"}) {
		t.Errorf("a leader answers %q and does %q", got, s.resets)
	}
	s.summary.Mode, s.summary.LeaderID = Follower, 2
	if got := string(named.Answer("move", nil, s)); got != "This server does not lead; server 2 does.\n" || len(s.resets) != 1 {
		t.Errorf("a follower answers %q and does %q", got, s.resets)
	}
}

func TestResets(t *testing.T) {
	s := loadedLeader(t)
	Word("crst", s)
	Word("srst", s)
	if d := cmp.Diff([]string{"connections", "stats"}, s.resets); d != "" {
		t.Errorf("resets (-want +got):\n%s", d)
	}
}

func TestHash(t *testing.T) {
	s := loadedLeader(t)
	s.digests = []Digest{{0x100000080, 1}, {0x100000100, 18446744073709551615}}
	if got, want := answer("hash", s), "100000080: 1\n100000100: 18446744073709551615\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestJavaDouble(t *testing.T) {
	for _, tc := range []struct {
		in   float64
		want string
	}{
		{0, "0.0"},
		{5.5, "5.5"},
		{3.18181818, "3.1818"},
		{0.00046, "5.0E-4"},
		{0.00004, "0.0"},
		{7, "7.0"},
		{0.001, "0.001"},
		{12345678, "1.2345678E7"},
		{9999999.5, "9999999.5"},
		{1e7, "1.0E7"},
	} {
		if got := javaAverage(tc.in); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestVersionBeginsWithTheParityRelease(t *testing.T) {
	if !regexp.MustCompile(`^3\.9\.5-ostler\.\d+\.\d+\.\d+-\w+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$`).MatchString(VersionLine()) {
		t.Errorf("version %q", VersionLine())
	}
}
