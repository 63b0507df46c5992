package node_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A deviation is where Ostler does not answer as recorded, on purpose
// (client-protocol.md section 15): from a frame on, or in that frame alone, the server
// does something else.
type deviation struct {
	at     int // the first frame that differs
	reason string
	dirs   []string // what is there instead of the rest; nil: silence, and then the rest
}

var deviations = map[string]deviation{
	"connect-wrong-passwd": {7, "H7: a wrong password does not cost the real owner its connection", nil},
	"delete-container":     {8, "H4: clients do not delete containers", []string{"refused", "eof"}},
	"create-session-op":    {4, "H5: clients do not create sessions but by connecting", []string{"refused", "eof"}},
	"ro-no-local-sessions": {2, "H8: no frame that clients cannot read", []string{"eof"}},
}

// after names what was recorded before on the same server, where that shows.
var after = map[string]string{"reconfig-ok": "config-quorum"}

// expected returns the frames of a vector as Ostler is to answer them.
func expected(v vector) []frame {
	d, ok := deviations[v.Name]
	if !ok {
		return v.Frames
	}
	frames := slices.Clone(v.Frames)
	if d.dirs == nil {
		frames[d.at].Dir = "silence"
		return frames
	}
	last := frames[d.at-1]
	frames = frames[:d.at]
	for _, dir := range d.dirs {
		f := frame{Conn: last.Conn, Dir: dir}
		if dir == "refused" { // unimplemented, at zxid -1
			f.Dir, f.Name, f.Hex = "recv", "reply header", "00000010"+last.Hex[8:16]+"fffffffffffffffffffffffa"
		}
		frames = append(frames, f)
	}
	return frames
}

// quiet is how long nothing must arrive where a vector wants silence.
const quiet = 150 * time.Millisecond

type vector struct {
	Name, Profile, Expect string
	Frames                []frame
}

type frame struct {
	Conn, Dir, Name, Hex, Server string
	Capture, Inject              []span
	Mask                         []mask
	Compute                      *compute
}

type span struct {
	Off, Len int
	Var      string
}

type mask struct {
	Off, Len      int
	Kind, Sym, Of string
}

func vectors(t *testing.T) []vector {
	t.Helper()
	f, err := os.Open("testdata/client-vectors.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Every exchange recorded from ZooKeeper is answered with the same bytes, but
// for what cannot be equal (client-protocol.md).
func TestClientVectors(t *testing.T) {
	matched, all := 0, vectors(t)
	results := make(chan bool, len(all))
	t.Run("vector", func(t *testing.T) {
		for _, v := range all {
			t.Run(v.Name, func(t *testing.T) {
				t.Parallel()
				defer func() { results <- !t.Failed() }()
				addr := serve(t, v.Profile)
				if first, ok := after[v.Name]; ok {
					play(t, all[slices.IndexFunc(all, func(v vector) bool { return v.Name == first })], addr)
				}
				play(t, v, addr)
			})
		}
	})
	close(results)
	for ok := range results {
		if ok {
			matched++
		}
	}
	t.Logf("%d of %d vectors matched, %d of them with a deviation on purpose", matched, len(all), len(deviations))
}

// standaloneOnly are the vectors of profile base that an ensemble answers otherwise.
var standaloneOnly = map[string]string{
	"config-standalone": "an ensemble has a configuration",
	"getacl":            "it shows the stat of the configuration, which is empty there",
}

// The exchanges that do not depend on the kind of server come out alike at the
// leader and at a follower of three.
func TestClientVectorsOnThree(t *testing.T) {
	for _, role := range []string{"leader", "follower 1"} {
		t.Run(role, func(t *testing.T) {
			addr := serve3(t, map[string]string{
				"zookeeper.extendedTypesEnabled": "true", "zookeeper.enforceQuota": "true", superName: super,
			})
			matched := 0
			for _, v := range vectors(t) {
				if v.Profile != "base" || standaloneOnly[v.Name] != "" {
					continue
				}
				if v.Name == "quota" && role != "leader" {
					// Quotas are held against what the leader has applied, which may be a
					// moment behind a follower's answer (4.9).
					continue
				}
				ok := t.Run(v.Name, func(t *testing.T) {
					play(t, v, func(string) string { return addr(role) })
				})
				if ok {
					matched++
				}
			}
			t.Logf("%d vectors matched at the %s of three servers", matched, role)
		})
	}
}

const superName = "zookeeper.DigestAuthenticationProvider.superDigest"

const super = "super:D/InIHSb7yEEbrWz8b9l71RjZJU="

// serve starts what a profile needs and returns the client address for each
// server name of the vector.
func serve(t *testing.T, profile string) func(server string) string {
	t.Helper()
	one := func(id int, lines string, props map[string]string, addr string) func(string) string {
		dir := t.TempDir()
		if id != 0 {
			write(t, filepath.Join(dir, "initialize"), "")
		}
		cfg := load(t, dir, id, lines, props)
		if addr != "" {
			cfg.ClientAddr = addr
		}
		m := run(t, cfg)
		if profile == "quorum1" { // where sessions would show in a version
			await(t, m.node.ClientAddr(), "srvr", "Mode: ")
		} else {
			awaitServing(t, m.node.ClientAddr())
		}
		return func(string) string { return m.node.ClientAddr() }
	}
	switch profile {
	case "base":
		return one(0, "clientPort=2181\n", map[string]string{
			"zookeeper.extendedTypesEnabled": "true", "zookeeper.enforceQuota": "true", superName: super,
		}, "127.0.0.1:0")
	case "plain":
		return one(0, "clientPort=2181\nreconfigEnabled=true\n", nil, "127.0.0.1:0")
	case "quorum1":
		return one(1, "standaloneEnabled=false\nreconfigEnabled=true\nserver.1=127.0.0.1:20190:20191:participant;127.0.0.1:20162\n",
			map[string]string{superName: super}, "")
	case "local":
		return one(1, quorum1(t)+"localSessionsEnabled=true\n", nil, "")
	case "localup":
		return one(1, quorum1(t)+"localSessionsEnabled=true\nlocalSessionsUpgradingEnabled=true\n", nil, "")
	case "ro":
		return serveReadOnly(t, "localSessionsEnabled=true\n")
	case "ro-nolocal":
		return serveReadOnly(t, "")
	case "enforce":
		return one(0, "clientPort=2181\nenforce.auth.enabled=true\nenforce.auth.schemes=digest\n", nil, "127.0.0.1:0")
	case "ensemble":
		return one(0, "clientPort=2181\nauthProvider.1=org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider\nensembleAuthName=blue,green\n",
			nil, "127.0.0.1:0")
	case "sasl":
		return one(0, "clientPort=2181\nauthProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider\n",
			map[string]string{"java.security.auth.login.config": loginFile(t)}, "127.0.0.1:0")
	case "ens3":
		return serve3(t, nil)
	}
	t.Fatalf("no server for profile %q", profile)
	return nil
}

// quorum1 is the server line of an ensemble of one.
func quorum1(t *testing.T) string {
	p := freePorts(t, 3)
	return fmt.Sprintf("standaloneEnabled=false\nserver.1=127.0.0.1:%d:%d:participant;127.0.0.1:%d\n", p[0], p[1], p[2])
}

// serveReadOnly starts one of three servers, which the others never join.
func serveReadOnly(t *testing.T, lines string) func(server string) string {
	t.Helper()
	p := freePorts(t, 9)
	for i := range 3 {
		lines += fmt.Sprintf("server.%d=127.0.0.1:%d:%d:participant;127.0.0.1:%d\n", i+1, p[3*i], p[3*i+1], p[3*i+2])
	}
	cfg := load(t, t.TempDir(), 1, lines, map[string]string{"readonlymode.enabled": "true"})
	run(t, cfg)
	await(t, cfg.ClientAddr, "isro", "ro")
	return func(string) string { return cfg.ClientAddr }
}

// await asks a word until its answer holds what is wanted.
func await(t *testing.T, addr, w, want string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		got := word(t, addr, w)
		if strings.Contains(got, want) && got != "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s of %s is %q after 10 s, want %q", w, addr, got, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func serve3(t *testing.T, props map[string]string) func(string) string {
	return serve3With(t, "", props)
}

// serve3With starts three servers with more lines in zoo.cfg.
func serve3With(t *testing.T, lines string, props map[string]string) func(string) string {
	t.Helper()
	addrs := make(map[string]string)
	for _, cfg := range ensembleOf3Lines(t, lines, props) {
		run(t, cfg)
		addrs[cfg.ClientAddr] = ""
	}
	followers := 0
	names := make(map[string]string)
	for addr := range addrs {
		awaitServing(t, addr)
		if strings.Contains(word(t, addr, "srvr"), "Mode: leader") {
			names["leader"] = addr
			continue
		}
		followers++
		names[fmt.Sprintf("follower %d", followers)] = addr
	}
	return func(server string) string { return names[server] }
}

// awaitServing waits until srvr tells the server's mode, which must mean that a
// session can be had, and has one.
func awaitServing(t *testing.T, addr string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(word(t, addr, "srvr"), "Mode: "); {
		if time.Now().After(end) {
			t.Fatalf("%s does not serve after 10 s: %q", addr, word(t, addr, "srvr"))
		}
		time.Sleep(2 * time.Millisecond)
	}
	connect, _ := hex.DecodeString("0000002d000000000000000000000000000075300000000000000000000000100000000000000000000000000000000000")
	c := dial(t, addr)
	defer c.Close()
	c.Write(connect)
	if _, err := readOne(c, false, 0); err != nil {
		t.Fatalf("%s tells its mode, but gives no session: %v", addr, err)
	}
	c.Write([]byte{0, 0, 0, 8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xf5})
	io.ReadAll(c)
}

// A player plays one vector.
type player struct {
	t     *testing.T
	conns map[string]net.Conn
	vars  map[string][]byte
	syms  map[string][]byte
}

func play(t *testing.T, v vector, addr func(server string) string) {
	p := player{t: t, conns: map[string]net.Conn{}, vars: map[string][]byte{}, syms: map[string][]byte{}}
	for i, f := range expected(v) {
		if f.Dir == "open" {
			p.conns[f.Conn] = dial(t, addr(f.Server))
			continue
		}
		if err := p.step(f); err != nil {
			t.Fatalf("frame %d, %s %s on %s: %v", i, f.Dir, f.Name, f.Conn, err)
		}
	}
}

func (p *player) step(f frame) error {
	c := p.conns[f.Conn]
	b, err := hex.DecodeString(f.Hex)
	if err != nil {
		return err
	}
	switch f.Dir {
	case "send":
		for _, s := range f.Inject {
			copy(b[s.Off:s.Off+s.Len], p.vars[s.Var])
		}
		if f.Compute != nil {
			b = p.compute(f.Compute, b)
		}
		_, err = c.Write(b)
		return err
	case "recv":
		return p.receive(c, f, b)
	case "eof":
		got, err := io.ReadAll(c)
		if len(got) > 0 {
			return fmt.Errorf("got %x, want the end", got)
		}
		// A server that closes with bytes unread resets the connection.
		if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		return nil
	case "silence":
		c.SetReadDeadline(time.Now().Add(quiet))
		defer c.SetReadDeadline(time.Now().Add(10 * time.Second))
		var one [1]byte
		if n, err := c.Read(one[:]); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("got byte %x and %v, want silence", one[:n], err)
		}
		return nil
	}
	return fmt.Errorf("unknown direction %q", f.Dir)
}

// receive reads one frame and compares it under the masks.
func (p *player) receive(c net.Conn, f frame, want []byte) error {
	got, err := readOne(c, f.Name == "raw text", len(want))
	if err != nil {
		return fmt.Errorf("got %x and %w, want %x", got, err, want)
	}
	if len(got) != len(want) {
		return fmt.Errorf("length\n got %x\nwant %x", got, want)
	}
	for _, s := range f.Capture {
		p.vars[s.Var] = bytes.Clone(got[s.Off : s.Off+s.Len])
	}
	full := bytes.Clone(got)
	for _, m := range f.Mask {
		g, w := got[m.Off:m.Off+m.Len], want[m.Off:m.Off+m.Len]
		if err := p.masked(m, g, w); err != nil {
			return fmt.Errorf("%s %s at %d: %w\n got %x\nwant %x", m.Kind, m.Sym, m.Off, err, full, want)
		}
		copy(g, w)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("bytes\n got %x\nwant %x", full, want)
	}
	return nil
}

func (p *player) masked(m mask, got, want []byte) error {
	switch m.Kind {
	case "zxid", "session":
		key := m.Kind + m.Sym
		if old, ok := p.syms[key]; ok && !bytes.Equal(old, got) {
			return fmt.Errorf("got %x, was %x before", got, old)
		}
		p.syms[key] = bytes.Clone(got)
	case "time":
		ms := int64(binary.BigEndian.Uint64(got))
		if d := time.Since(time.UnixMilli(ms)).Abs(); d > time.Minute {
			return fmt.Errorf("got %d, %v away from now", ms, d)
		}
	case "nonce":
		if _, err := base64.StdEncoding.DecodeString(string(got)); err != nil {
			return err
		}
	case "rspauth":
		if !bytes.Equal(got, p.vars[m.Kind]) {
			return fmt.Errorf("got %s, want %s", got, p.vars[m.Kind])
		}
	case "unordered":
		per := 1
		if m.Of == "ClientInfo" {
			per = 2
		}
		if g, w := split(got, per), split(want, per); !slices.Equal(g, w) {
			return fmt.Errorf("got %q, want %q", g, w)
		}
	}
	return nil
}

// split cuts a run of strings into sorted groups.
func split(b []byte, per int) []string {
	var all []string
	for len(b) > 0 {
		at := 0
		for range per {
			if len(b) < at+4 {
				return append(all, string(b))
			}
			at += 4 + int(binary.BigEndian.Uint32(b[at:]))
		}
		if at > len(b) {
			return append(all, string(b))
		}
		all, b = append(all, string(b[:at])), b[at:]
	}
	slices.Sort(all)
	return all
}

func readOne(c net.Conn, raw bool, size int) ([]byte, error) {
	if raw {
		b := make([]byte, size)
		n, err := io.ReadFull(c, b)
		return b[:n], err
	}
	b := make([]byte, 4)
	if n, err := io.ReadFull(c, b); err != nil {
		return b[:n], err
	}
	n := int(binary.BigEndian.Uint32(b))
	if n > 4<<20 {
		return b, fmt.Errorf("length %d", n)
	}
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(c, b[4:])
	return b, err
}

func readAll(t *testing.T, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
