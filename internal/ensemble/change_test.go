package ensemble

import (
	"errors"
	"testing"

	"ostler/internal/zk"
)

const three = "server.1=a:1:2;3\nserver.2=b:1:2;3\nserver.3=c:1:2;3"

// Incremental changes and their refusals (client-protocol.md 5.14, quorum.md 5.3).
func TestChange(t *testing.T) {
	const grown = "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;0.0.0.0:3\n" +
		"server.3=c:1:2:participant;0.0.0.0:3\nserver.4=d:1:2:observer;0.0.0.0:3\nversion=0"
	for _, tc := range []struct {
		name, joining, leaving string
		want                   string
		code                   zk.Code
	}{
		{name: "join", joining: "server.4=d:1:2:observer;3", want: grown},
		{name: "blanks and empty parts", joining: " server.4=d:1:2:observer;3 ,,", want: grown},
		{name: "unknown ids may leave", leaving: "77", joining: "server.4=d:1:2:observer;3", want: grown},
		{
			name: "leave before join", leaving: "1", joining: "server.1=z:1:2;3",
			want: "server.1=z:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;0.0.0.0:3\nserver.3=c:1:2:participant;0.0.0.0:3\nversion=0",
		},
		{
			name: "replace", joining: "server.3=c:1:2:observer;3",
			want: "server.1=a:1:2:participant;0.0.0.0:3\nserver.2=b:1:2:participant;0.0.0.0:3\nserver.3=c:1:2:observer;0.0.0.0:3\nversion=0",
		},
		{name: "no number leaves", leaving: "x", code: zk.MarshallingError},
		{name: "no number joins", joining: "server.x=d:1:2;3", code: zk.MarshallingError},
		{name: "nonsense", joining: "server.2=nonsense", code: zk.BadArguments},
		{name: "no client port", joining: "server.4=d:1:2", code: zk.BadArguments},
		{name: "no equals sign", joining: "server.4", code: zk.BadArguments},
		{name: "two equals signs", joining: "server.4=d:1:2;3=4", code: zk.BadArguments},
		{name: "address of another", joining: "server.4=a:9:2;3", code: zk.BadArguments},
		{name: "second address of another", joining: "server.4=d:1:2|b:7:2;3", code: zk.BadArguments},
		{name: "port for another purpose", joining: "server.4=a:2:9;3", code: zk.BadArguments},
	} {
		got, err := parse(t, three).Change(tc.joining, tc.leaving)
		if tc.code != zk.OK {
			if !errors.Is(err, tc.code) {
				t.Errorf("%s: %v, want %v", tc.name, err, tc.code)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if text := string(got.Text()); text != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, text, tc.want)
		}
	}
	loopback := parse(t, "server.1=127.0.0.1:1:2;3")
	if _, err := loopback.Change("server.2=127.0.0.1:1:2;3", ""); err != nil {
		t.Errorf("loopback addresses of two servers: %v, want them let through", err)
	}
	groups := parse(t, three+"\ngroup.1=1:2:3")
	if _, err := groups.Change("", "3"); !errors.Is(err, zk.BadArguments) {
		t.Errorf("incremental change with groups: %v, want %v", err, zk.BadArguments)
	}
}

func TestParseMembers(t *testing.T) {
	c, err := ParseMembers("server.1=a:1:2;3,server.2=b:1:2;3,version=77")
	if err != nil || len(c.Members) != 2 || c.Version != 0 {
		t.Errorf("got %+v, %v; want two members in version 0", c, err)
	}
	if _, err := ParseMembers("server.1=a"); !errors.Is(err, zk.BadArguments) {
		t.Errorf("got %v, want %v", err, zk.BadArguments)
	}
}

// While a configuration is proposed, both must agree (quorum.md R14, INV-C1).
func TestJointQuorum(t *testing.T) {
	joint := parse(t, three).With(parse(t, "server.3=c:1:2;3\nserver.4=d:1:2;3\nserver.5=e:1:2;3"))
	for _, tc := range []struct {
		ids  []zk.ServerID
		want bool
	}{
		{[]zk.ServerID{1, 2}, false},
		{[]zk.ServerID{4, 5}, false},
		{[]zk.ServerID{1, 3, 4}, true},
		{[]zk.ServerID{1, 2, 4, 5}, true},
		{[]zk.ServerID{3, 4, 5}, false},
	} {
		if got := joint.ContainsQuorum(has(tc.ids...)); got != tc.want {
			t.Errorf("%v is a quorum of both: %v, want %v", tc.ids, got, tc.want)
		}
	}
	if got := joint.Voters(); len(got) != 5 {
		t.Errorf("voters %v, want those of both", got)
	}
	if !joint.IsVoter(1) || !joint.IsVoter(5) || joint.IsVoter(6) || joint.Weight(5) != 1 {
		t.Error("a voter of either configuration is a voter")
	}
	if got := string(joint.Text()); got != string(parse(t, three).Text()) {
		t.Errorf("text %q, want that of the committed configuration", got)
	}
}
