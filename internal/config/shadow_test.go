package config

import (
	"strings"
	"testing"

	"ostler/internal/zk"
)

// loadShadow reads text for a server that is in no list.
func loadShadow(t *testing.T, text string, more files) (*Config, []string, error) {
	t.Helper()
	all := files{"/etc/zoo.cfg": text}
	for name, s := range more {
		all[name] = s
	}
	return Loader{FS: memFS{files: all}, Shadow: true}.Load("/etc/zoo.cfg")
}

// A shadow reads a member's file: it needs no myid, writes nothing beside the file, and
// has what it lives on.
func TestLoadShadow(t *testing.T) {
	cfg, warnings, err := loadShadow(t, three+"digest.enabled=false\ndb.autocreate=true\nlocalSessionsEnabled=true\nreadonlymode.enabled=true\n"+
		"datadir.autocreate=false\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if !cfg.Shadow || !cfg.Observer || !cfg.DigestEnabled || !cfg.AutoCreateDir || cfg.File != "" || cfg.AutoCreateDB != nil ||
		cfg.LocalSessions || cfg.ReadOnlyMode || cfg.ConnectLimit != 10 || len(cfg.Ensemble.Members) != 3 {
		t.Errorf("%+v", cfg)
	}
	if all := strings.Join(warnings, "\n"); !strings.Contains(all, "digest.enabled=false does not hold for a shadow") {
		t.Errorf("warnings %q", all)
	}
	dynamic := files{"/etc/zoo.cfg.dynamic.100000000": "server.1=a:2888:3888\nserver.2=b:2888:3888\n"}
	cfg, _, err = loadShadow(t, "dataDir=/data\ninitLimit=10\nsyncLimit=5\ndynamicConfigFile=/etc/zoo.cfg.dynamic.100000000\n", dynamic)
	if err != nil || cfg.Ensemble.Version != 0x100000000 || len(cfg.Ensemble.Members) != 2 {
		t.Errorf("with a dynamic file: %+v, %v", cfg, err)
	}
	if cfg, _, err := loadShadow(t, solo, nil); err != nil || cfg.Ensemble != nil || cfg.Shadow {
		t.Errorf("of a single server: %+v, %v", cfg, err)
	}
	if _, _, err := loadShadow(t, strings.Replace(three, "initLimit=10\n", "", 1), nil); err == nil {
		t.Error("initLimit is missing, and there is no error")
	}
}

func TestShadowID(t *testing.T) {
	cfg, _, err := loadShadow(t, three, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		given  zk.ServerID
		serves bool
		draw   uint32
		want   zk.ServerID // 0: an error
	}{
		{0, false, 0, 1_000_000},
		{0, false, 1<<32 - 1, 1_000_000 + (1<<32-1)%1_000_000_000},
		{0, true, 7, 254},
		{4, false, 7, 4},
		{3, false, 7, 0},
		{1, false, 7, 0},
		{254, true, 7, 254},
		{255, true, 7, 0},
		{255, false, 7, 255},
	} {
		if got, err := ShadowID(cfg.Ensemble, c.given, c.serves, c.draw); got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("given %d, serves %v, drawn %d: %d %v, want %d", c.given, c.serves, c.draw, got, err, c.want)
		}
	}
	cfg.Ensemble.Members[254] = cfg.Ensemble.Members[1]
	if id, err := ShadowID(cfg.Ensemble, 0, true, 7); err == nil {
		t.Errorf("there is a member 254, and a shadow that serves gets id %d", id)
	}
}
