package datadir

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/env"
	"ostler/internal/env/memfs"
	"ostler/internal/snapshot"
	"ostler/internal/txn"
	"ostler/internal/txnlog"
	"ostler/internal/zk"
)

// fixtures holds the golden data directories, by file name.
var fixtures = sync.OnceValue(func() map[string][]byte {
	b, err := os.ReadFile("testdata/fixtures.tar.gz")
	if err != nil {
		panic(err)
	}
	gz, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		panic(err)
	}
	files := map[string][]byte{}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			panic(err)
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(tr); err != nil {
				panic(err)
			}
		}
	}
})

// An expected is what a real server answered (fixtures README).
type expected struct {
	Members []member `json:"members"`
	Safe    struct {
		Action   string   `json:"action"`
		BadFrom  int64    `json:"badFrom"`
		Dropped  int64    `json:"droppedFrom"`
		MustKeep []string `json:"mustKeep"`
		Fallback string   `json:"fallback"`
	} `json:"safe"`
	TruncateTo     string   `json:"truncateTo"`
	MustNotSurvive []string `json:"mustNotSurvive"`
}

type member struct {
	DataDir    string           `json:"dataDir"`
	DataLogDir string           `json:"dataLogDir"`
	Loads      bool             `json:"loads"`
	LastZxid   string           `json:"lastZxid"`
	Digest     string           `json:"digest"`
	Sessions   map[string]int32 `json:"sessions"`
	Tree       map[string]znode `json:"tree"`
	Options    map[string]bool  `json:"readOptions"`
	Mismatches bool             `json:"digestMismatches"`
}

type znode struct {
	Data *string `json:"data"`
	Stat struct {
		Czxid, Mzxid, Ctime, Mtime  int64
		Version, Cversion, Aversion int32
		EphemeralOwner              int64
		DataLength, NumChildren     int32
		Pzxid                       int64
	} `json:"stat"`
	ACL []struct {
		Perms      int32
		Scheme, ID string
	} `json:"acl"`
}

// put copies a fixture onto a new disk.
func put(t *testing.T, name string) (*memfs.FS, expected) {
	t.Helper()
	disk := memfs.New(1)
	var want expected
	for file, b := range fixtures() {
		rest, ok := strings.CutPrefix(file, name+"/")
		if !ok {
			continue
		}
		if rest == "expected.json" {
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			continue
		}
		disk.Put("/"+rest, b)
	}
	return disk, want
}

func (m member) open(t *testing.T, disk env.FS, o Options) (*Dir, error) {
	t.Helper()
	logs := m.DataLogDir
	if logs == "" {
		logs = m.DataDir
	}
	o.ForceSync = true
	o.TrustEmptySnap = o.TrustEmptySnap || m.Options["trustEmpty"]
	return Open(disk, "/"+m.DataDir+"/version-2", "/"+logs+"/version-2", o)
}

// recoverModel loads a directory into a model.
func recoverModel(d *Dir) (*model, Loaded, error) {
	m := freshModel()
	fuzzy := zk.Zxid(0)
	l, err := d.Load(func() snapshot.Sink { m = newModel(); return m }, func(base zk.Zxid, rec *txn.Record) {
		m.apply(rec, fuzzy)
	})
	m.zxid = l.Last
	return m, l, err
}

// TestFixturesLoad loads every golden directory that a safe server loads, and
// compares with what ZooKeeper answered from the same files (disk.md 15).
func TestFixturesLoad(t *testing.T) {
	refused := []string{
		"bad-length-middle", "corrupt-last", "corrupt-middle", "enospc-follower", "eor-missing-middle",
		"gap-after-snapshot", "gap-between-logs", "torn-tail-marker-only", "zeroed-entry-middle",
	}
	for _, name := range fixtureNames() {
		t.Run(name, func(t *testing.T) {
			_, want := put(t, name)
			for _, m := range want.Members {
				disk, _ := put(t, name)
				d, err := m.open(t, disk, Options{})
				if err != nil {
					t.Fatal(err)
				}
				got, l, err := recoverModel(d)
				if slices.Contains(refused, name) {
					checkRefused(t, want, err)
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", m.DataDir, err)
				}
				if !m.Loads {
					continue // ZooKeeper did not load it, so there is nothing to compare with
				}
				if name == "fixed-copy-left" {
					m.Mismatches = false // it read a copy twice; we read it once
				}
				m.compare(t, got, l)
			}
		})
	}
}

func fixtureNames() []string {
	var names []string
	for file := range fixtures() {
		if path.Base(file) == "expected.json" {
			names = append(names, path.Dir(file))
		}
	}
	slices.Sort(names)
	return names
}

func checkRefused(t *testing.T, want expected, err error) {
	t.Helper()
	if !errors.Is(err, ErrDamaged) {
		t.Fatalf("got %v, want a refusal", err)
	}
	var c *txnlog.CorruptError
	if !errors.As(err, &c) {
		t.Fatalf("%v does not name file and offset", err)
	}
	if want.Safe.BadFrom != 0 && c.Offset != want.Safe.BadFrom {
		t.Errorf("damage at %d, want %d (%v)", c.Offset, want.Safe.BadFrom, err)
	}
}

func (m member) compare(t *testing.T, got *model, l Loaded) {
	t.Helper()
	if s := l.Last.String(); s != m.LastZxid {
		t.Errorf("last zxid %s, want %s", s, m.LastZxid)
	}
	if m.Digest != "" && strconv.FormatUint(got.Digest(), 10) != m.Digest {
		t.Errorf("digest %d, want %s", got.Digest(), m.Digest)
	}
	sessions := map[string]int32{}
	for id, timeout := range got.sessions {
		sessions[id.String()] = timeout
	}
	if diff := cmp.Diff(m.Sessions, sessions); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(m.nodes(), got.listing()); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

// A listed is a node as far as servers agree about it.
type listed struct {
	Data string
	ACL  []zk.ACL
	Stat zk.Stat
}

// sameEverywhere leaves out what is local to a server: the config node and quota
// statistics (disk.md 6.6, 6.7).
func sameEverywhere(path string) bool {
	return path != zk.PathConfig && !strings.HasSuffix(path, "zookeeper_stats")
}

func (m member) nodes() map[string]listed {
	all := map[string]listed{}
	for p, z := range m.Tree {
		if !sameEverywhere(p) {
			continue
		}
		n := listed{Data: "null"}
		if z.Data != nil {
			b, _ := base64.StdEncoding.DecodeString(*z.Data)
			n.Data = strconv.Quote(string(b))
		}
		for _, a := range z.ACL {
			n.ACL = append(n.ACL, zk.ACL{Perms: zk.Perm(a.Perms), ID: zk.ID{Scheme: a.Scheme, ID: a.ID}})
		}
		s := z.Stat
		n.Stat = zk.Stat{
			Czxid: zk.Zxid(s.Czxid), Mzxid: zk.Zxid(s.Mzxid), Ctime: s.Ctime, Mtime: s.Mtime, Version: s.Version,
			Cversion: s.Cversion, Aversion: s.Aversion, EphemeralOwner: zk.SessionID(s.EphemeralOwner),
			DataLength: s.DataLength, NumChildren: s.NumChildren, Pzxid: zk.Zxid(s.Pzxid),
		}
		all[p] = n
	}
	return all
}

func (m *model) listing() map[string]listed {
	all := map[string]listed{}
	for p, n := range m.nodes {
		if !sameEverywhere(p) {
			continue
		}
		l := listed{Data: "null", ACL: n.ACL, Stat: n.Stat.Client(n.Stat.Owner.Session(), len(n.Data), m.children(p))}
		if n.Data != nil {
			l.Data = strconv.Quote(string(n.Data))
		}
		if p == "" {
			p = "/"
		}
		all[p] = l
	}
	return all
}

// TestPaddedLog reads a log with the 64 MiB that ZooKeeper leaves behind it.
func TestPaddedLog(t *testing.T) {
	disk, want := put(t, "standalone-rich")
	gz, err := gzip.NewReader(bytes.NewReader(fixtures()["standalone-rich/log.1.padded.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	padded, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	disk.Put("/data/version-2/log.1", padded)
	d, err := want.Members[0].open(t, disk, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, l, err := recoverModel(d)
	if err != nil || l.Torn != nil {
		t.Fatalf("torn %v, error %v", l.Torn, err)
	}
	want.Members[0].compare(t, m, l)
}

// TestTruncateDropsNewerSnapshots: nothing above the point of truncation comes back
// through a snapshot.
func TestTruncateDropsNewerSnapshots(t *testing.T) {
	disk, want := put(t, "dirty-snapshot-trunc")
	d, err := want.Members[0].open(t, disk, Options{Ensemble: true, TrustNoEpochs: true})
	if err != nil {
		t.Fatal(err)
	}
	to, _ := strconv.ParseInt(want.TruncateTo, 0, 64)
	if last, err := d.Truncate(zk.Zxid(to)); err != nil || last != zk.Zxid(to) {
		t.Fatalf("Truncate(%v) = %v, %v", zk.Zxid(to), last, err)
	}
	m, l, err := recoverModel(d)
	if err != nil || l.Last != zk.Zxid(to) {
		t.Fatalf("last %v, error %v, want %v", l.Last, err, zk.Zxid(to))
	}
	for _, p := range want.MustNotSurvive {
		if m.nodes[p] != nil {
			t.Errorf("%s survived", p)
		}
	}
}

// TestDamagedTailInEnsemble: a member that may be synced by others comes back without a
// last entry that may have decayed, and says so.
func TestDamagedTailInEnsemble(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options Options
		ok      bool
		suspect bool
	}{
		{"torn-tail-marker-only", Options{}, false, false},
		{"torn-tail-marker-only", Options{TornSectors: true}, false, false},
		{"torn-tail-marker-only", Options{Ensemble: true}, false, false},
		{"torn-tail-marker-only", Options{Ensemble: true, Resync: true}, true, true},
		{"corrupt-last", Options{TornSectors: true}, false, false},
		{"corrupt-last", Options{Ensemble: true}, false, false},
		{"corrupt-last", Options{Ensemble: true, Resync: true}, true, true},
		{"corrupt-middle", Options{Ensemble: true, Resync: true, TornSectors: true}, false, false},
		{"zeroed-entry-middle", Options{Ensemble: true, Resync: true, TornSectors: true}, false, false},
		{"eor-missing-middle", Options{Ensemble: true, Resync: true, TornSectors: true}, false, false},
	} {
		disk, want := put(t, tt.name)
		d, err := want.Members[0].open(t, disk, tt.options)
		if err != nil {
			t.Fatal(err)
		}
		_, l, err := recoverModel(d)
		if (err == nil) != tt.ok || l.Suspect != tt.suspect {
			t.Errorf("%s with %+v: suspect %v, error %v", tt.name, tt.options, l.Suspect, err)
		}
		if tt.ok && l.Last != 0x1c {
			t.Errorf("%s: last %v, want 0x1c", tt.name, l.Last)
		}
	}
}
