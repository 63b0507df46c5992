package config

import (
	"testing"

	"ostler/internal/ensemble"
	"ostler/internal/env"
	"ostler/internal/env/memfs"
)

// A configuration that comes into force is written as ZooKeeper writes it, and what
// else the file says stays (quorum.md 5.6).
func TestSaveMembers(t *testing.T) {
	const before = "# mine\ntickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/data\nclientPort=2181\n" +
		"server.1=a:2888:3888;2181\n server.2 = b:2888:3888;2181\npeerType=participant"
	fsys := memfs.New(1)
	for _, dir := range []string{"/conf", "/data"} {
		if err := fsys.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	put := func(name, text string) {
		t.Helper()
		if err := env.WriteFileAtomic(fsys, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	get := func(name string) string {
		t.Helper()
		b, err := env.ReadFile(fsys, name, maxFile)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	put("/conf/zoo.cfg", before)
	put("/data/myid", "1")
	c, err := ensemble.ParseConfig([]byte("server.2=b:2888:3888;2181\nserver.1=a:2888:3888;2181\nserver.10=c:2888:3888;2181\nversion=100000008"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // writing it again changes nothing
		if err := SaveMembers(fsys, "/conf/zoo.cfg", c, 1); err != nil {
			t.Fatal(err)
		}
		const dynamic = "/conf/zoo.cfg.dynamic.100000008"
		for name, want := range map[string]string{
			"/conf/zoo.cfg":     "# mine\ntickTime=2000\ninitLimit=10\nsyncLimit=5\ndataDir=/data\ndynamicConfigFile=" + dynamic + "\n",
			"/conf/zoo.cfg.bak": before,
			dynamic: "server.10=c:2888:3888:participant;0.0.0.0:2181\nserver.1=a:2888:3888:participant;0.0.0.0:2181\n" +
				"server.2=b:2888:3888:participant;0.0.0.0:2181",
		} {
			if got := get(name); got != want {
				t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	cfg, _, err := Load("/conf/zoo.cfg", nil, fsys)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Ensemble.Version != c.Version || !cfg.Ensemble.SameMembers(c) || cfg.ClientPort() != 2181 {
		t.Errorf("read back: %+v, client port %d; want %+v and 2181", cfg.Ensemble, cfg.ClientPort(), c)
	}
}
