package peers

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"ostler/internal/env"
	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// fail lets the oldest dial fail.
func (n *fakeNet) fail() {
	d := n.dials[0]
	n.dials = n.dials[1:]
	d.connected(nil, errors.New("no answer"))
}

// dialled are the addresses of the dials under way.
func (n *fakeNet) dialled() []string {
	var addrs []string
	for _, d := range n.dials {
		addrs = append(addrs, d.addr)
	}
	return addrs
}

func wantDials(t *testing.T, n *fakeNet, want ...string) {
	t.Helper()
	got := n.dialled()
	if len(got) != len(want) {
		t.Fatalf("dials %v under way, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("dials %v under way, want %v", got, want)
		}
	}
}

// The first of several addresses that answers is taken, the others are let go; only
// when none answers has the dial failed (quorum.md 1.9).
func TestDialAny(t *testing.T) {
	for name, test := range map[string]struct {
		answers   []bool
		connected int // how often the caller is told of a connection, and of an error
		failed    int
	}{
		"all answer":      {[]bool{true, true, true}, 1, 0},
		"the last alone":  {[]bool{false, false, true}, 1, 0},
		"the first alone": {[]bool{true, false, false}, 1, 0},
		"nobody":          {[]bool{false, false, false}, 0, 1},
		"no address":      {nil, 0, 1},
	} {
		n := &fakeNet{}
		connected, failed := 0, 0
		DialAny(n, []string{"a:1", "b:1", "c:1"}[:len(test.answers)], time.Second, env.StreamOptions{}, func(_ env.Stream, err error) env.Handler {
			if err != nil {
				failed++
				return nil
			}
			connected++
			return &meshConn{}
		})
		kept := 0
		for _, ok := range test.answers {
			if !ok {
				n.fail()
			} else if n.answer().handler != nil {
				kept++
			}
		}
		if connected != test.connected || failed != test.failed || kept != test.connected {
			t.Errorf("%s: told of %d connections and %d failures, %d are kept; want %d, %d", name, connected, failed, kept, test.connected, test.failed)
		}
	}
}

// A server with several addresses is dialled at all of them first, if they are to be
// checked, and then at each in turn with all the time there is.
func TestMeshDialsSeveralAddresses(t *testing.T) {
	addrs := map[zk.ServerID][]string{1: {"h1:3888", "g1:3888"}, 3: {"h3:3888"}}
	m, n, _ := meshOf2(t)
	m.SetAddrs(addrs)
	m.Send(1, *vote(1))
	wantDials(t, n, "h1:3888")
	n.fail()
	wantDials(t, n, "g1:3888")
	n.fail()
	wantDials(t, n)

	m, n, _ = meshOf2(t)
	m.o.Reach, m.o.DialTimeout = time.Second, 5*time.Second
	m.SetAddrs(addrs)
	m.Send(1, *vote(1))
	wantDials(t, n, "h1:3888", "g1:3888")
	if n.dials[0].timeout != time.Second {
		t.Errorf("addresses are checked for %v, want 1 s", n.dials[0].timeout)
	}
	n.fail()
	n.fail()
	wantDials(t, n, "h1:3888")
	if n.dials[0].timeout != 5*time.Second {
		t.Errorf("an address is dialled for %v, want 5 s", n.dials[0].timeout)
	}
	n.fail()
	wantDials(t, n, "g1:3888")
	link := n.answer()
	if !m.Connected(1) || !bytes.HasSuffix(link.sent, vote(1).Append(nil)) {
		t.Errorf("connected %v, sent %x; want the vote", m.Connected(1), link.sent)
	}
}

// The initial message names all addresses of this server, as ZooKeeper's does
// (election-multi-address of the vectors).
func TestMeshTellsAllItsAddresses(t *testing.T) {
	m, n, _ := meshOf2(t)
	m.o.Self, m.o.Advertise = 3, []string{"127.0.0.1:20223", "127.0.0.2:20223"}
	m.Send(1, *vote(1))
	want := "\xff\xff\xff\xff\xff\xff\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x1f127.0.0.1:20223|127.0.0.2:20223"
	if sent := n.answer().sent; !bytes.HasPrefix(sent, []byte(want)) {
		t.Errorf("got %q, want %q first", sent, want)
	}
}

// A stranger is dialled at what it says are its addresses; those that could be
// anybody's are left out (quorum.md 2.3).
func TestMeshDialsStrangersWhereTheySay(t *testing.T) {
	for _, test := range []struct{ says, want []string }{
		{[]string{"0.0.0.0:3888", "[::]:3888", "x:3888", "[fe80::1]:3888"}, []string{"x:3888", "[fe80::1]:3888"}},
		{[]string{"0.0.0.0:3888", ":3888"}, nil},
	} {
		m, n, _ := meshOf2(t)
		m.o.Reach = time.Second
		m.SetAddrs(map[zk.ServerID][]string{3: {"h3:3888"}})
		n.incoming().deliver(peerwire.InitialMessage{Server: 1, Addrs: test.says}.Append(nil), 7)
		wantDials(t, n, test.want...)
	}
}

// One of the own addresses may be out of order, but not all (quorum.md 2.10).
func TestMeshListensWhereItCan(t *testing.T) {
	m, n, _ := meshOf2(t)
	m.o.Listen = []string{"h2:3888", "g2:3888"}
	for broken, ok := range map[string]bool{"g2:3888": true, "": true} {
		n.broken = map[string]bool{broken: true}
		if err := m.Start(); (err == nil) != ok {
			t.Errorf("with %q broken: %v", broken, err)
		}
	}
	n.broken = map[string]bool{"h2:3888": true, "g2:3888": true}
	if err := m.Start(); err == nil {
		t.Error("the mesh starts without any port")
	}
}
