package peers

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"ostler/internal/peerwire"
	"ostler/internal/zk"
)

// meshOf2 is server 2 of three, and what it received.
func meshOf2(t *testing.T) (*Mesh, *fakeNet, *[]peerwire.Notification) {
	t.Helper()
	return meshOf2Linked(t, func(zk.ServerID, bool) {})
}

func meshOf2Linked(t *testing.T, linked func(zk.ServerID, bool)) (*Mesh, *fakeNet, *[]peerwire.Notification) {
	t.Helper()
	n, loop, got := &fakeNet{}, &fakeLoop{}, new([]peerwire.Notification)
	m := NewMesh(MeshOptions{
		Self: 2, Listen: []string{"h2:3888"}, Advertise: []string{"h2:3888"},
		Addrs: map[zk.ServerID][]string{1: {"h1:3888"}, 3: {"h3:3888"}},
		Net:   n, Clock: loop, Loops: loop, Every: time.Second, Log: slog.New(slog.DiscardHandler),
		Received: func(_ zk.ServerID, n peerwire.Notification) { *got = append(*got, n) },
		Linked:   linked,
	})
	if err := m.Start(); err != nil {
		t.Fatal(err)
	}
	return m, n, got
}

func hello(id zk.ServerID) []byte {
	return peerwire.InitialMessage{Server: id, Addrs: []string{"x:1"}}.Append(nil)
}

func vote(leader zk.ServerID) *peerwire.Notification {
	return &peerwire.Notification{Leader: leader, Zxid: 5, ElectionEpoch: 1}
}

// A larger id is only knocked at; it dials back, and gets the newest message (quorum.md 2.4, 2.7).
func TestMeshKnock(t *testing.T) {
	m, n, got := meshOf2(t)
	m.Send(3, *vote(1))
	m.Send(3, *vote(2))
	if len(n.dials) != 1 || n.dials[0].addr != "h3:3888" {
		t.Fatalf("got dials %v, want one to h3:3888", n.dials)
	}
	knock := n.answer()
	if !knock.flushing || m.Connected(3) || len(knock.sent) == 0 {
		t.Errorf("knock: closing %v, connected %v, sent %x", knock.flushing, m.Connected(3), knock.sent)
	}
	knock.Close()
	back := n.incoming()
	if _, err := back.deliver(append(hello(3), vote(3).Append(nil)...), 1); err != nil {
		t.Fatal(err)
	}
	if want := vote(2).Append(nil); !bytes.Equal(back.sent, want) {
		t.Errorf("got %x on the new link, want the newest message %x", back.sent, want)
	}
	if len(*got) != 1 || (*got)[0].Leader != 3 || !m.Connected(3) {
		t.Errorf("got %v received, connected %v; want one vote for 3", *got, m.Connected(3))
	}
	again := n.incoming()
	again.deliver(hello(3), 3)
	if !back.closed || again.closed || !m.Connected(3) {
		t.Errorf("a newer link must replace the old one: old closed %v, new closed %v", back.closed, again.closed)
	}
}

// A smaller id that knocks is dialled at its configured address.
func TestMeshDialBack(t *testing.T) {
	m, n, _ := meshOf2(t)
	knock := n.incoming()
	knock.deliver(hello(1), 5)
	if !knock.closed || len(n.dials) != 1 || n.dials[0].addr != "h1:3888" {
		t.Fatalf("knock closed %v, dials %v; want one to h1:3888", knock.closed, n.dials)
	}
	link := n.answer()
	if !m.Connected(1) || !bytes.HasPrefix(link.sent, peerwire.InitialMessage{Server: 2, Addrs: []string{"h2:3888"}}.Append(nil)) {
		t.Errorf("connected %v, sent %x; want the initial message of 2", m.Connected(1), link.sent)
	}
	m.Close()
	if !link.closed || !n.closed || m.Connected(1) {
		t.Errorf("after Close: link closed %v, port closed %v", link.closed, n.closed)
	}
	m.Send(1, *vote(1))
	if len(n.dials) != 0 {
		t.Errorf("a closed mesh dials %v", n.dials)
	}
}

// The owner hears of links that come and are lost: once each, and not of one that takes
// another's place.
func TestMeshTellsOfLinks(t *testing.T) {
	var told []string
	m, n, _ := meshOf2Linked(t, func(to zk.ServerID, up bool) { told = append(told, fmt.Sprint(to, up)) })
	first := n.incoming()
	first.deliver(hello(3), 5)
	second := n.incoming()
	second.deliver(hello(3), 5)
	second.Close()
	m.Send(1, *vote(1))
	n.answer()
	n.incoming().deliver(hello(1), 5) // it has none, so that link is dead
	if want := []string{"3 true", "3 true", "3 false", "1 true", "1 false"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

// What is malformed costs one link (quorum.md 2.6, R26).
func TestMeshRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"own id":                hello(2),
		"oversize notification": append(hello(3), 0, 8, 0, 1),
		"empty notification":    append(hello(3), 0, 0, 0, 0),
	} {
		_, n, _ := meshOf2(t)
		if _, err := n.incoming().deliver(in, 4); err == nil {
			t.Errorf("%s: got no error for %x", name, in)
		}
	}
}

// A server that is no member any more knocks: it is dialled where it says it is, gets
// to know how things are, and is forgotten with its link.
func TestMeshAnswersStrangers(t *testing.T) {
	m, n, _ := meshOf2(t)
	m.SetAddrs(map[zk.ServerID][]string{3: {"h3:3888"}})
	n.incoming().deliver(hello(1), 5)
	if len(n.dials) != 1 || n.dials[0].addr != "x:1" {
		t.Fatalf("dials %v, want one to where the stranger is", n.dials)
	}
	link := n.answer()
	m.Send(1, *vote(3))
	if !m.Connected(1) || !bytes.HasSuffix(link.sent, vote(3).Append(nil)) {
		t.Errorf("connected %v, sent %x; want the vote", m.Connected(1), link.sent)
	}
	link.Close()
	m.Reconnect([]zk.ServerID{1})
	if len(n.dials) != 0 || m.Connected(1) {
		t.Errorf("dials %v, connected %v; want a stranger to be forgotten", n.dials, m.Connected(1))
	}
}

// When the members change, those who have moved are dialled anew, those who have left
// keep their link while it lasts, and new ones can be reached (quorum.md 5.5).
func TestMeshFollowsTheMembers(t *testing.T) {
	m, n, _ := meshOf2(t)
	for _, id := range []zk.ServerID{1, 3} {
		m.Send(id, *vote(1))
	}
	one := n.answer() // to 1
	n.answer()        // a knock at 3
	three := n.incoming()
	three.deliver(hello(3), 5)
	m.SetAddrs(map[zk.ServerID][]string{1: {"elsewhere:3888"}, 4: {"h4:3888"}})
	if !one.closed || three.closed || !m.Connected(3) {
		t.Errorf("closed: the link to 1 %v, to 3 %v; want that of the one who moved", one.closed, three.closed)
	}
	m.Reconnect([]zk.ServerID{1, 4})
	if len(n.dials) != 2 || n.dials[0].addr != "elsewhere:3888" || n.dials[1].addr != "h4:3888" {
		t.Errorf("dials %v, want the new addresses of 1 and 4", n.dials)
	}
}

// Members without a link are dialled in each span of time, whoever has something to say;
// those with one are left alone (quorum.md R23).
func TestMeshProbes(t *testing.T) {
	m, n, _ := meshOf2(t)
	loop := m.prober.(*fakeLoop)
	loop.step()
	wantDials(t, n, "h1:3888", "h3:3888")
	if want := loop.Now().Add(time.Second); len(loop.wakes) != 1 || !loop.wakes[0].Equal(want) {
		t.Errorf("wakes at %v, want %v", loop.wakes, want)
	}
	link := n.answer()
	n.fail()
	loop.step()
	wantDials(t, n, "h3:3888")
	link.Close()
	loop.step()
	wantDials(t, n, "h3:3888", "h1:3888")
	if m.Close(); loop.stops != 1 {
		t.Errorf("the loop was stopped %d times, want once", loop.stops)
	}
}

// A dial that waits for where a server was does not hold up one to where it is: the server
// says that it is there by knocking. Whatever the first one reaches later is not wanted.
func TestMeshDialsAnewAtAKnock(t *testing.T) {
	m, n, _ := meshOf2(t)
	m.Send(1, *vote(2))
	wantDials(t, n, "h1:3888")
	for range 2 {
		n.incoming().deliver(hello(1), 5)
		wantDials(t, n, "h1:3888", "h1:3888")
	}
	stale := n.dials[0]
	n.dials = n.dials[1:]
	link := n.answer()
	if !m.Connected(1) {
		t.Fatal("not connected")
	}
	late := &fakeStream{}
	if h := stale.connected(late, nil); h != nil || len(late.sent) > 0 || link.closed {
		t.Errorf("a late connection is kept: %v, sent %q, link closed %v", h, late.sent, link.closed)
	}
}

// A server that nobody dials opens no port, and hears the others on what it has dialled.
func TestMeshOfAnOutsider(t *testing.T) {
	n, got := &fakeNet{}, 0
	m := NewMesh(MeshOptions{
		Self: 77, Outsider: true, Advertise: []string{"0.0.0.0:1"}, Addrs: map[zk.ServerID][]string{1: {"h1:3888"}},
		Net: n, Log: slog.New(slog.DiscardHandler),
		Received: func(zk.ServerID, peerwire.Notification) { got++ },
		Linked:   func(zk.ServerID, bool) {},
	})
	if err := m.Start(); err != nil || n.accept != nil {
		t.Fatalf("a port is open: %v, %v", n.accept != nil, err)
	}
	m.Send(1, *vote(1))
	s := n.answer()
	if _, err := s.deliver(vote(1).Append(nil), 1); err != nil || got != 1 || !m.Connected(1) {
		t.Errorf("%d received, connected %v, %v", got, m.Connected(1), err)
	}
}
