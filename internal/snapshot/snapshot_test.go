package snapshot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/env/memfs"
	"ostler/internal/jute"
	"ostler/internal/zk"
)

// A memory is a Source and a Sink that keeps everything in order.
type memory struct {
	zxid     zk.Zxid
	sessions map[zk.SessionID]int32
	nodes    []Node
}

func (m *memory) Zxid() zk.Zxid                    { return m.zxid }
func (m *memory) Digest() uint64                   { return 0xfeedface12345678 }
func (m *memory) Sessions() map[zk.SessionID]int32 { return m.sessions }

func (m *memory) Walk(f func(n *Node) error) error {
	for i := range m.nodes {
		if err := f(&m.nodes[i]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Session(id zk.SessionID, timeout int32) {
	if m.sessions == nil {
		m.sessions = map[zk.SessionID]int32{}
	}
	m.sessions[id] = timeout
}

func (m *memory) Node(n *Node) error {
	m.nodes = append(m.nodes, *n)
	return nil
}

// fresh is an empty database (disk.md 6.1).
func fresh() *memory {
	readOnly := []zk.ACL{{Perms: zk.PermRead, ID: zk.WorldAnyone}}
	return &memory{nodes: []Node{
		{Data: []byte{}, ACL: zk.OpenACL()},
		{Path: "/zookeeper", Data: []byte{}, ACL: zk.OpenACL()},
		{Path: "/zookeeper/config", Data: []byte{}, ACL: readOnly, Stat: zk.StatPersisted{Aversion: -1}},
		{Path: "/zookeeper/quota", Data: []byte{}, ACL: zk.OpenACL()},
	}}
}

// rich has all kinds of values and n further nodes.
func rich(n int) *memory {
	m := fresh()
	m.zxid = 0x500000077
	m.sessions = map[zk.SessionID]int32{7: 4000, -3: 60000}
	m.nodes = append(m.nodes,
		Node{Path: "/null", ACL: []zk.ACL{{Perms: 3, ID: zk.ID{Scheme: "digest", ID: "a:b"}}, {Perms: 1, ID: zk.WorldAnyone}}},
		Node{Path: "/none", Data: []byte("x"), ACL: []zk.ACL{}, Stat: zk.StatPersisted{
			Czxid: 1, Mzxid: 2, Ctime: 3, Mtime: 4, Version: 5, Creates: 6, Aversion: 7, Owner: 8, Pzxid: 9,
		}})
	for i := range n {
		m.nodes = append(m.nodes, Node{
			Path: fmt.Sprintf("/n%d", i), Data: bytes.Repeat([]byte{byte(i)}, i%500), ACL: zk.OpenACL(),
		})
	}
	return m
}

func write(t testing.TB, m *memory, o Options) (*memfs.FS, string) {
	t.Helper()
	disk := memfs.New(1)
	if err := disk.MkdirAll("/d"); err != nil {
		t.Fatal(err)
	}
	name, err := Write(disk, "/d", m, o)
	if err != nil {
		t.Fatal(err)
	}
	return disk, name
}

func read(disk *memfs.FS, name string) (*memory, Info, error) {
	var m *memory
	info, err := Read(disk, "/d", name, func() Sink { m = &memory{}; return m })
	if m != nil {
		m.zxid = info.Zxid
	}
	return m, info, err
}

// sameMemory compares; only what differs is worth the cost of a diff.
func sameMemory(t *testing.T, want, got *memory) {
	t.Helper()
	if !reflect.DeepEqual(want, got) {
		t.Fatalf("(-want +got):\n%s", cmp.Diff(want, got, cmp.AllowUnexported(memory{})))
	}
}

// TestFreshBytes compares the first snapshot of an empty database with ZooKeeper's:
// its length and its three seals (disk.md 4.4).
func TestFreshBytes(t *testing.T) {
	disk, name := write(t, fresh(), Options{})
	b, _ := disk.Get("/d/" + name)
	if name != "snapshot.0" || len(b) != 478 {
		t.Fatalf("%s has %d bytes, want snapshot.0 with 478", name, len(b))
	}
	for at, want := range map[int]uint64{478 - 13: 0xbde83f6d, 478 - 13 - 8 - 13: 0x95b93d59, 478 - 13 - 8 - 13 - 20 - 13: 0xb8a23b49} {
		if got := binary.BigEndian.Uint64(b[at:]); got != want {
			t.Errorf("seal at %d is %x, want %x", at, got, want)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	for _, o := range []Options{{}, {Compression: GZ}, {Compression: Snappy}, {NoDigest: true}, {Compression: Snappy, NoDigest: true}} {
		for _, n := range []int{0, 9000} {
			want := rich(n)
			disk, name := write(t, want, o)
			got, info, err := read(disk, name)
			if err != nil {
				t.Fatalf("%+v: %v", o, err)
			}
			sameMemory(t, want, got)
			wantInfo := Info{Zxid: want.zxid}
			if !o.NoDigest {
				wantInfo = Info{want.zxid, want.zxid, want.Digest(), true, want.zxid, true}
			}
			if info != wantInfo {
				t.Errorf("%+v: got %+v, want %+v", o, info, wantInfo)
			}
		}
	}
}

// TestSectionsByTheirSeals reads every combination of sections, whatever the settings of the
// writer were.
func TestSectionsByTheirSeals(t *testing.T) {
	disk, name := write(t, rich(3), Options{NoDigest: true})
	base, _ := disk.Get("/d/" + name)
	digest := append(make([]byte, 7), 5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9)
	old := append(append(make([]byte, 7), 5, 0, 0, 0, 1), 0, 0, 0, 3, 'a', 'b', 'c')
	last := append(make([]byte, 7), 6)
	for _, tt := range []struct {
		name     string
		sections [][]byte
		tail     []byte
		want     Info
	}{
		{"tree only", nil, nil, Info{}},
		{"digest", [][]byte{digest}, nil, Info{DigestZxid: 5, Digest: 9, HasDigest: true}},
		{"last zxid", [][]byte{last}, nil, Info{LastZxid: 6, HasLast: true}},
		{"both", [][]byte{digest, last}, nil, Info{DigestZxid: 5, Digest: 9, HasDigest: true, LastZxid: 6, HasLast: true}},
		{"both and more", [][]byte{digest, last}, []byte("later"), Info{DigestZxid: 5, Digest: 9, HasDigest: true, LastZxid: 6, HasLast: true}},
		{"digest of version 1", [][]byte{old, last}, nil, Info{LastZxid: 6, HasLast: true}},
	} {
		b := bytes.Clone(base)
		for _, s := range tt.sections {
			b = append(b, s...)
			b = binary.BigEndian.AppendUint64(b, uint64(adler32.Checksum(b)))
			b = jute.AppendString(b, "/")
		}
		disk.Put("/d/"+name, append(b, tt.tail...))
		_, info, err := read(disk, name)
		tt.want.Zxid = 0x500000077
		if err != nil || info != tt.want {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, info, err, tt.want)
		}
	}
}

// TestEveryBitCounts: no changed byte and no cut goes unnoticed, but a cut between
// sections.
func TestEveryBitCounts(t *testing.T) {
	for _, ext := range []string{"", Snappy} {
		disk, name := write(t, rich(1), Options{Compression: ext})
		good, _ := disk.Get("/d/" + name)
		between := map[int]bool{ // ends of sections
			len(good) - 8 - 13: ext == "", len(good) - 8 - 13 - 20 - 13: ext == "",
		}
		for i := 0; i < len(good); i += 1 + i%3 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			disk.Put("/d/"+name, bad)
			// The version fields of the two headers are not looked at.
			// Nor is there one way only to compress the same bytes.
			m, _, err := read(disk, name)
			same := ext == Snappy && reflect.DeepEqual(rich(1), m)
			if err == nil && !same {
				t.Errorf("%q: byte %d changed: no error, %d nodes", ext, i, len(m.nodes))
			}
			disk.Put("/d/"+name, good[:i])
			if _, _, err := read(disk, name); (err == nil) != between[i] {
				t.Errorf("%q: cut at %d: %v", ext, i, err)
			}
		}
	}
}

// TestNames: exactly the names of R-3 are snapshots.
func TestNames(t *testing.T) {
	disk := memfs.New(1)
	for _, n := range []string{
		"snapshot.0", "snapshot.1f", "snapshot.1f.gz", "snapshot.2.snappy", "snapshot.3.tmp", "snapshot.03", "snapshot.A",
		"snapshot.-1", "snapshot.ffffffffffffffff", "snapshot.", "snapshot.4.gz.bak", "snapshot.old", "other", "new-snapshot.5",
	} {
		disk.Put("/d/"+n, nil)
	}
	files, strays, err := Files(disk, "/d")
	if err != nil {
		t.Fatal(err)
	}
	want := []File{{"snapshot.0", 0, ""}, {"snapshot.2.snappy", 2, Snappy}, {"snapshot.1f", 0x1f, ""}, {"snapshot.1f.gz", 0x1f, GZ}}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if len(strays) != 8 {
		t.Errorf("strays %q, want 8", strays)
	}
}

// TestIntactIsKept: a snapshot that is there and intact is not written again, a
// damaged one is replaced.
func TestIntactIsKept(t *testing.T) {
	disk, name := write(t, rich(2), Options{})
	before := disk.Ops()
	disk.SetFault(func(op memfs.Op) error {
		if op.Kind.Changes() {
			return errors.New("nothing to write")
		}
		return nil
	})
	if _, err := Write(disk, "/d", rich(2), Options{}); err != nil || disk.Ops() == before {
		t.Errorf("intact: %v", err)
	}
	disk.SetFault(nil)
	disk.Corrupt("/d/"+name, 100, 1)
	if _, err := Write(disk, "/d", rich(2), Options{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(disk, name); err != nil {
		t.Errorf("damaged and written again: %v", err)
	}
}

// TestStreamInPieces: a stream may be cut anywhere, and what follows it is left alone.
func TestStreamInPieces(t *testing.T) {
	want := rich(300)
	var out bytes.Buffer
	if err := WriteStream(&out, want); err != nil {
		t.Fatal(err)
	}
	stream := append(out.Bytes(), "next packet"...)
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 2))
		got := &memory{zxid: want.zxid}
		r := NewStreamReader(got, 1<<20)
		at, have := 0, 0
		for done := false; !done; {
			have = min(have+1+rng.IntN(2000), len(stream))
			n, d, err := r.Feed(stream[at:have])
			if err != nil {
				t.Fatalf("seed %d at %d: %v", seed, at, err)
			}
			at, done = at+n, d
		}
		sameMemory(t, want, got)
		if rest := string(stream[at:]); rest != "next packet" {
			t.Fatalf("seed %d: left %q", seed, rest)
		}
	}
}

func TestStreamRefusals(t *testing.T) {
	var out bytes.Buffer
	if err := WriteStream(&out, fresh()); err != nil {
		t.Fatal(err)
	}
	good := out.Bytes()
	signed := bytes.Clone(good)
	signed[len(signed)-1] = 'x'
	unknown := bytes.Replace(good, []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1}, 1)
	for name, b := range map[string][]byte{
		"signature": signed, "unknown list": unknown, "negative count": {0xff, 0, 0, 0}, "no root": append(make([]byte, 8), 0, 0, 0, 1, '/'),
	} {
		if _, done, err := NewStreamReader(&memory{}, 1000).Feed(b); err == nil || done {
			t.Errorf("%s: done %v, error %v", name, done, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for i, ext := range []string{"", GZ, Snappy} {
		disk, name := write(f, rich(2), Options{Compression: ext})
		b, _ := disk.Get("/d/" + name)
		f.Add(byte(i), b)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		disk := memfs.New(1)
		name := []string{"snapshot.1", "snapshot.1.gz", "snapshot.1.snappy"}[kind%3]
		disk.Put("/d/"+name, b)
		if m, _, err := read(disk, name); err == nil && len(m.nodes) == 0 {
			t.Errorf("%x: accepted without a root", b)
		}
	})
}

func FuzzStream(f *testing.F) {
	var out bytes.Buffer
	if err := WriteStream(&out, rich(2)); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		n, _, _ := NewStreamReader(&memory{}, 1<<16).Feed(b)
		if n < 0 || n > len(b) {
			t.Errorf("consumed %d of %d", n, len(b))
		}
	})
}
