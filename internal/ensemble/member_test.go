package ensemble

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestParseMember covers the grammar of server lines (quorum.md 1.2).
func TestParseMember(t *testing.T) {
	for _, tc := range []struct {
		key, value string
		want       Member
		text       string
	}{
		{
			"server.1", "127.0.0.1:20211:20221:participant;127.0.0.1:20201",
			Member{ID: 1, QuorumAddr: "127.0.0.1:20211", ElectionAddr: "127.0.0.1:20221", ClientAddr: "127.0.0.1:20201"},
			"127.0.0.1:20211:20221:participant;127.0.0.1:20201",
		},
		{"server.2", "zoo2:2888:3888", Member{ID: 2, QuorumAddr: "zoo2:2888", ElectionAddr: "zoo2:3888"}, "zoo2:2888:3888:participant"},
		{"server.3", "zoo3:2888:3888:Observer", Member{ID: 3, QuorumAddr: "zoo3:2888", ElectionAddr: "zoo3:3888", Role: Observer}, "zoo3:2888:3888:observer"},
		{
			"server.4", "zoo4:2888:3888;2181",
			Member{ID: 4, QuorumAddr: "zoo4:2888", ElectionAddr: "zoo4:3888", ClientAddr: "0.0.0.0:2181"},
			"zoo4:2888:3888:participant;0.0.0.0:2181",
		},
		{
			"server.5", "[::1]:2888:3888:participant;[::1]:2181",
			Member{ID: 5, QuorumAddr: "[::1]:2888", ElectionAddr: "[::1]:3888", ClientAddr: "[::1]:2181"},
			"[::1]:2888:3888:participant;[::1]:2181",
		},
		{
			"server.6", "b:3:4|a:1:2:participant",
			Member{ID: 6, QuorumAddr: "a:1|b:3", ElectionAddr: "a:2|b:4"},
			"a:1:2|b:3:4:participant",
		},
		{
			"server.7", "127.0.0.2:20211:20221:observer|127.0.0.1:20211:20221:observer;127.0.0.1:20201",
			Member{
				ID: 7, QuorumAddr: "127.0.0.1:20211|127.0.0.2:20211", ElectionAddr: "127.0.0.1:20221|127.0.0.2:20221",
				ClientAddr: "127.0.0.1:20201", Role: Observer,
			},
			"127.0.0.1:20211:20221|127.0.0.2:20211:20221:observer;127.0.0.1:20201",
		},
		{"server.8", "[::2]:1:2|[::1]:1:2", Member{ID: 8, QuorumAddr: "[::1]:1|[::2]:1", ElectionAddr: "[::1]:2|[::2]:2"}, "[::1]:1:2|[::2]:1:2:participant"},
	} {
		got, err := ParseMember(tc.key, tc.value)
		if err != nil {
			t.Errorf("ParseMember(%q, %q): %v", tc.key, tc.value, err)
			continue
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("ParseMember(%q, %q) (-want +got):\n%s", tc.key, tc.value, d)
		}
		if got.String() != tc.text {
			t.Errorf("text of %q = %q, want %q", tc.value, got.String(), tc.text)
		}
	}
}

func TestParseMemberRefuses(t *testing.T) {
	for _, tc := range [][2]string{
		{"server.x", "a:1:2"},
		{"server.-1", "a:1:2"},
		{"serv.1", "a:1:2"},
		{"server.1", ""},
		{"server.1", "a"},
		{"server.1", "a:1"},
		{"server.1", "a:1:2:participant:x"},
		{"server.1", "a:1:1"},
		{"server.1", "a:1:2:boss"},
		{"server.1", "a:b:2"},
		{"server.1", "a:1:70000"},
		{"server.1", "a:1:2;b;c"},
		{"server.1", "a:1:2;b:x"},
		{"server.1", "a:1:2;b:1:2"},
		{"server.1", ":1:2"},
		{"server.1", "a:1:2:observer|b:3:4"},
		{"server.1", "a:1:2|"},
		{"server.1", "a:1:2|a:1:3"},
		{"server.1", "a:1:2|a:3:2"},
		{"server.1", strings.Repeat("a", addrsMax) + ":1:2"},
		{"server.1", "[::1:2:3"},
		{"server.1", "a:1:2;"},
	} {
		if m, err := ParseMember(tc[0], tc[1]); err == nil {
			t.Errorf("ParseMember(%q, %q) = %+v, want an error", tc[0], tc[1], m)
		}
	}
}
