package ensemble

import (
	"fmt"
	"slices"
	"testing"

	"ostler/internal/zk"
)

func parse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := ParseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func has(ids ...zk.ServerID) func(zk.ServerID) bool {
	return func(id zk.ServerID) bool { return slices.Contains(ids, id) }
}

func TestMajority(t *testing.T) {
	text := ""
	for n := 1; n <= 6; n++ {
		text += fmt.Sprintf("server.%d=a:1:2\n", n)
		c := parse(t, text+"server.9=o:1:2:observer")
		for k := 0; k <= n; k++ {
			var ids []zk.ServerID
			for i := 1; i <= k; i++ {
				ids = append(ids, zk.ServerID(i))
			}
			// An observer never helps (quorum.md 1.3).
			ids = append(ids, 9)
			if got, want := c.ContainsQuorum(has(ids...)), k > n/2; got != want {
				t.Errorf("%d of %d voters: quorum %v, want %v", k, n, got, want)
			}
		}
	}
}

// TestHierarchical has the examples of quorum.md 1.4.
func TestHierarchical(t *testing.T) {
	const members = "server.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n"
	for _, tc := range []struct {
		name, text string
		ids        []zk.ServerID
		want       bool
	}{
		{"empty set", members + "group.1=1:2\ngroup.2=3", nil, false},
		{"two groups need both", members + "group.1=1:2\ngroup.2=3", []zk.ServerID{1, 2}, false},
		{"a majority in each", members + "group.1=1:2\ngroup.2=3", []zk.ServerID{1, 2, 3}, true},
		{"half a group is not enough", members + "group.1=1:2\ngroup.2=3", []zk.ServerID{1, 3}, false},
		{"weights 2,1,1 need more than 2", members + "group.1=1:2:3\nweight.1=2", []zk.ServerID{1}, false},
		{"weights 2,1,1 are met by 3", members + "group.1=1:2:3\nweight.1=2", []zk.ServerID{1, 3}, true},
		{"weight 3 needs more than 1", members + "group.1=1:2\ngroup.2=3\nweight.1=2", []zk.ServerID{1, 3}, true},
		{"groups without weight do not count", members + "group.1=1:2\ngroup.2=3\nweight.3=0", []zk.ServerID{1, 2}, true},
		{"servers without weight do not count", members + "group.1=1:2:3\nweight.1=0\nweight.2=0", []zk.ServerID{1, 2}, false},
	} {
		if got := parse(t, tc.text).ContainsQuorum(has(tc.ids...)); got != tc.want {
			t.Errorf("%s: %v is a quorum: %v, want %v", tc.name, tc.ids, got, tc.want)
		}
	}
}

func TestVotersAndWeights(t *testing.T) {
	c := parse(t, "server.3=c:1:2\nserver.1=a:1:2\nserver.2=b:1:2:observer\ngroup.1=1:3\nweight.1=5")
	if got := c.Voters(); !slices.Equal(got, []zk.ServerID{1, 3}) {
		t.Errorf("voters %v, want [1 3]", got)
	}
	if got := c.IDs(); !slices.Equal(got, []zk.ServerID{1, 2, 3}) {
		t.Errorf("ids %v, want [1 2 3]", got)
	}
	for id, want := range map[zk.ServerID]int64{1: 5, 2: 0, 3: 1, 4: 0} {
		if got := c.Weight(id); got != want {
			t.Errorf("weight of %d = %d, want %d", id, got, want)
		}
	}
}
