package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/ensemble"
)

func TestShadowWords(t *testing.T) {
	w, err := parseWords([]string{"--shadow", "--shadow-dir", "/s", "--shadow-id=7", "--shadow-for", "90m", "--shadow-serve", "zoo.cfg"})
	if err != nil {
		t.Fatal(err)
	}
	want := shadowWords{on: true, serve: true, id: 7, dir: "/s", length: 90 * time.Minute, last: "--shadow-serve"}
	if d := cmp.Diff(want, w.shadow, cmp.AllowUnexported(shadowWords{})); d != "" {
		t.Errorf("words (-want +got):\n%s", d)
	}
	if d := cmp.Diff(map[string]string{"dataDir": "/s", "dataLogDir": "/s"}, w.override); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
	if !cmp.Equal(w.args, []string{"zoo.cfg"}) {
		t.Errorf("arguments %q", w.args)
	}
	for _, args := range [][]string{
		{"--shadow-id", "7"},
		{"--shadow-serve"},
		{"--shadow", "--shadow-id"},
		{"--shadow", "--shadow-id=0"},
		{"--shadow", "--shadow-id=x"},
		{"--shadow", "--shadow-for=soon"},
		{"--shadow", "--shadow-for=-1s"},
		{"--shadow", "--shadow-dir="},
		{"--shadowy"},
	} {
		if w, err := parseWords(args); err == nil {
			t.Errorf("%q: %+v", args, w)
		}
	}
}

func TestMembersAreAskedWhereTheyServe(t *testing.T) {
	for _, c := range []struct{ client, port, want string }{
		{"", "", ""},
		{"", "2181", "zk1:2181"},
		{"0.0.0.0:2182", "2181", "zk1:2182"},
		{"front:2182", "", "front:2182"},
	} {
		if got := clientAddrOf(ensemble.Member{QuorumAddr: "zk1:2888", ClientAddr: c.client}, c.port); got != c.want {
			t.Errorf("line %q, port %q: %q, want %q", c.client, c.port, got, c.want)
		}
	}
	const srvr = "Zookeeper version: 3.8.0-5a02, built on 2022\nLatency min/avg/max: 0/0.0/0\nMode: follower\nNode count: 5\n"
	if version, mode := parseSrvr(srvr); version != "3.8.0-5a02" || mode != "follower" {
		t.Errorf("version %q, mode %q", version, mode)
	}
}
