package server

import (
	"encoding/hex"
	"testing"
	"time"

	"ostler/internal/config"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// narrow is a gate for one request that nothing but answers opens.
func narrow(c *config.Config) {
	c.Requests = config.RequestThrottle{Max: 1, Stall: time.Hour, DropStale: true}
}

// atGate is how many requests are inside, and how many wait.
func (r *rig) atGate() (inside, waiting int) {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	return r.gate.line.Inside(), r.gate.line.Waiting()
}

// wantLine waits until n requests are in line.
func (r *rig) wantLine(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the line has its length", func() bool { _, waiting := r.atGate(); return waiting == n })
}

// wantNothingLeft waits until nothing is charged to anybody.
func (r *rig) wantNothingLeft(t *testing.T) {
	t.Helper()
	eventually(t, "nothing is left behind", func() bool {
		inside, waiting := r.atGate()
		r.largeMu.Lock()
		defer r.largeMu.Unlock()
		return inside == 0 && waiting == 0 && r.outstanding.Load() == 0 && r.large.Used() == 0
	})
}

func TestNoGateByDefault(t *testing.T) { // client-protocol.md 13
	if r := newRig(t, nil); r.gate != nil {
		t.Error("a gate without a limit")
	}
}

func TestGateIsOneLine(t *testing.T) { // operations.md 8.3
	r := newRig(t, narrow)
	first, others := r.connect(t), []*client{r.connect(t), r.connect(t), r.connect(t)}
	r.ens.hold()
	first.request(1, zk.OpCreate, createBody("/a", ""))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	for i, c := range others {
		c.request(1, zk.OpSetData, setBody("/a", "x"))
		r.wantLine(t, i+1)
	}
	first.request(2, zk.OpExists, readBody("/a", false)) // reads wait too
	r.wantLine(t, 4)
	r.ens.release(1)
	first.want(1, -2, zk.OK)
	for i, c := range others {
		r.wantLine(t, 3-i)
		eventually(t, "one is let in", func() bool { return r.ens.waiting() == 1 })
		r.ens.release(1)
		c.want(1, -2, zk.OK)
	}
	first.want(2, -2, zk.OK)
	if n := r.Stats().Waited; n != 4 {
		t.Errorf("%d requests waited, want 4", n)
	}
	r.wantNothingLeft(t)
}

func TestGateKeepsOrderOnAConnection(t *testing.T) { // 9.1
	r := newRig(t, narrow)
	c := r.connect(t)
	r.ens.hold()
	for i := range int32(40) {
		if i%2 == 0 {
			c.request(i+1, zk.OpSetData, setBody("/", string(rune('a'+i))))
		} else {
			c.request(i+1, zk.OpGetData, readBody("/", false))
		}
	}
	c.request(41, zk.OpPing, nil)
	c.request(42, zk.OpCloseSession, nil)
	c.request(43, zk.OpPing, nil) // dropped (2.10)
	r.wantLine(t, 1)
	r.ens.release(-1)
	for i := range int32(40) {
		b := c.want(i+1, -2, zk.OK)
		var d wire.GetDataResponse
		if i%2 == 1 && (d.Decode(b) != nil || string(d.Data) != string(rune('a'+i-1))) {
			t.Errorf("request %d read %q", i+1, d.Data)
		}
	}
	c.want(wire.XidPing, -2, zk.OK)
	c.want(42, -2, zk.OK)
	c.wantEnd()
	r.wantNothingLeft(t)
}

func TestGateForgetsClosedConnections(t *testing.T) { // 2.16, request_stale_connection_check
	r := newRig(t, narrow)
	first, gone, last := r.connect(t), r.connect(t), r.connect(t)
	r.ens.hold()
	first.request(1, zk.OpCreate, createBody("/a", ""))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	gone.request(1, zk.OpCreate, createBody("/b", ""))
	r.wantLine(t, 1)
	last.request(1, zk.OpExists, readBody("/b", false))
	r.wantLine(t, 2)
	gone.c.Close()
	r.wantLine(t, 1) // it is seen although the request waits
	first.c.Close()  // what it had inside is waited for by nobody
	last.want(1, -2, zk.NoNode)
	r.ens.release(-1)
	r.wantNothingLeft(t)
	last.request(2, zk.OpExists, readBody("/b", false))
	last.want(2, -2, zk.NoNode)
}

func TestGateClosesWithTheDoors(t *testing.T) { // 2.17
	r := newRig(t, narrow)
	a, b := r.connect(t), r.connect(t)
	r.ens.hold()
	a.request(1, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	b.request(1, zk.OpSetData, setBody("/", "x"))
	r.wantLine(t, 1)
	r.SetService(zk.NoService, r.ens.tree, 1)
	a.wantEnd()
	b.wantEnd()
	r.wantNothingLeft(t)
	r.ens.release(-1)
	r.SetService(zk.FullService, r.ens.tree, 1)
	c := r.connect(t)
	c.request(1, zk.OpSetData, setBody("/", "y"))
	c.want(1, -2, zk.OK)
}

func TestThrottledOp(t *testing.T) { // 2.16, throttled_op_wait_time
	r := newRig(t, func(c *config.Config) {
		narrow(c)
		c.Requests.OpWait = 1 // any wait is longer
	})
	c, ping, closing := r.connect(t), r.connect(t), r.connect(t)
	r.ens.hold()
	c.request(1, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	c.request(2, zk.OpSetData, setBody("/", "y"))
	r.wantLine(t, 1)
	ping.request(wire.XidPing, zk.OpPing, nil)
	r.wantLine(t, 2)
	closing.request(7, zk.OpCloseSession, nil)
	r.wantLine(t, 3)
	r.ens.release(-1)
	c.want(1, 4, zk.OK)
	if got := hex.EncodeToString(c.next()); got != "00000002"+"0000000000000004"+"ffffff81" {
		t.Errorf("a request that waited too long was answered %s", got)
	}
	ping.want(wire.XidPing, -2, zk.OK)
	closing.want(7, -2, zk.OK)
	closing.wantEnd()
	c.request(3, zk.OpGetData, readBody("/", false)) // the line is empty again
	var d wire.GetDataResponse
	if err := d.Decode(c.want(3, -2, zk.OK)); err != nil || string(d.Data) != "x" {
		t.Errorf("read %q, %v: the refused write was executed", d.Data, err)
	}
	if n := r.Stats().Late; n != 1 {
		t.Errorf("%d requests were answered with THROTTLEDOP, want 1", n)
	}
	r.wantNothingLeft(t)
}

func TestStaleRequestEndsItsConnection(t *testing.T) { // operations.md 8.3
	r := newRig(t, func(c *config.Config) {
		c.MinSession, c.MaxSession, c.Tick = time.Millisecond, time.Hour, time.Hour // silence does not end it
		c.Requests = config.RequestThrottle{Max: 1, Stall: time.Millisecond, DropStale: true, StaleLatency: true}
	})
	first := r.connect(t)
	impatient := r.dial(t)
	impatient.frame(wire.ConnectRequest{Timeout: 1})
	impatient.welcomed()
	r.ens.hold()
	first.request(1, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	impatient.request(1, zk.OpCreate, createBody("/never", ""))
	impatient.request(2, zk.OpExists, readBody("/", false))
	impatient.wantEnd() // although there is no room yet
	r.ens.release(-1)
	first.want(1, -2, zk.OK)
	if n := r.Stats().Stale; n != 1 {
		t.Errorf("%d requests were dropped, want 1", n)
	}
	if _, exists := r.ens.tree.Info("/never"); exists {
		t.Error("a stale request was executed")
	}
	r.wantNothingLeft(t)
}

func TestSessionLivesWhileTheServerDoesNotRead(t *testing.T) { // INV-L3: overload does not expire sessions
	r := newRig(t, narrow)
	a, b := r.connect(t), r.connect(t)
	r.ens.hold()
	a.request(1, zk.OpSetData, setBody("/", "x"))
	eventually(t, "the first is inside", func() bool { return r.ens.waiting() == 1 })
	b.request(1, zk.OpPing, nil)
	r.wantLine(t, 1)
	r.Touched()
	if got := r.Touched(); len(got) != 1 || got[0].Session != b.id {
		t.Errorf("Touched = %+v while %v waits at the gate", got, b.id)
	}
	r.ens.release(-1)
	b.want(wire.XidPing, -2, zk.OK)
	r.Touched()
	if got := r.Touched(); len(got) != 0 {
		t.Errorf("Touched = %+v, want nothing", got)
	}
}

// recorder is a stream that delivers nothing by itself.
type recorder struct {
	sink
	paused  bool
	resumed int
}

func (r *recorder) Pause(on bool) {
	r.paused = on
	if !on {
		r.resumed++
	}
}

// byHand is a connection with a session, fed by the test.
func (r *rig) byHand() (*conn, *recorder) {
	stream := &recorder{}
	c := r.newPort().accept(stream).(*conn)
	c.phase = open
	return c, stream
}

func TestPlaceOfAConnectionThatEnds(t *testing.T) { // INV-L3
	write := requestFrame(1, zk.OpSetData, setBody("/", "x"))
	r := newRig(t, narrow)
	r.ens.hold()
	first, _ := r.byHand()
	second, secondStream := r.byHand()
	third, thirdStream := r.byHand()
	for _, step := range []struct {
		c        *conn
		consumed int
	}{{first, len(write)}, {second, 0}, {third, 0}} {
		if n, err := step.c.Data(write); n != step.consumed || err != nil {
			t.Fatalf("consumed %d, %v; want %d", n, err, step.consumed)
		}
	}
	if secondStream.paused {
		t.Error("the stream is paused for one request: the end of it would not be seen")
	}
	second.Data(append(write, write...))
	if !secondStream.paused {
		t.Error("the stream goes on reading behind a request that waits")
	}
	first.Closed(nil)
	if secondStream.paused || secondStream.resumed != 1 || thirdStream.resumed != 0 {
		t.Fatalf("second %+v, third %+v; want the second called alone", secondStream, thirdStream)
	}
	second.Closed(nil) // called, but not there yet
	if thirdStream.resumed != 1 {
		t.Error("the third was not called")
	}
	if n, err := third.Data(write); n != len(write) || err != nil {
		t.Errorf("the third: consumed %d, %v", n, err)
	}
	third.Closed(nil)
	r.wantNothingLeft(t)
}
