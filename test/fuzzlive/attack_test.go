package fuzzlive

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// An attacker sends one thing after the other, each on connections of its own. What
// it sends depends on its random numbers only; session ids apart.
type attacker struct {
	w       *world
	failed  func(error) // told of what must not be
	rng     *rand.Rand
	vectors [][]frame
	tally   *tally
}

// attacks are the ways to misbehave.
var attacks = []struct {
	name string
	run  func(a *attacker, ctx context.Context, c net.Conn)
}{
	{"mutated vectors", (*attacker).replay},
	{"bodies that cannot be decoded", (*attacker).undecodable},
	{"random bytes first", (*attacker).randomFirst},
	{"random bytes in a session", (*attacker).randomInSession},
	{"huge lengths", (*attacker).hugeLength},
	{"words with garbage", (*attacker).wordWithGarbage},
	{"wrong passwords", (*attacker).wrongPassword},
	{"slow drips", (*attacker).drip},
	{"half-closed", (*attacker).halfClosed},
	{"unread replies", (*attacker).unread},
	{"gone at once", func(*attacker, context.Context, net.Conn) {}},
}

// A tally counts the attacks of each kind.
type tally struct{ counts [16]atomic.Int64 }

func (s *tally) String() string {
	text := ""
	for i, a := range attacks {
		text += fmt.Sprintf("%s %d, ", a.name, s.counts[i].Load())
	}
	return text[:len(text)-2]
}

// check wants every kind to have been tried: a run without has tested nothing.
func (s *tally) check(t *testing.T, world string) {
	for i, a := range attacks {
		if s.counts[i].Load() == 0 {
			t.Errorf("%s: no attack with %s; play longer", world, a.name)
		}
	}
}

// run attacks until ctx ends. Every attacker begins somewhere else in the list, so
// that a short run has all of it.
func (a *attacker) run(ctx context.Context) {
	for n := a.rng.IntN(len(attacks)); ctx.Err() == nil; n++ {
		kind := n % len(attacks)
		c, err := net.DialTimeout("tcp", a.w.addr(a.rng.IntN(len(a.w.members))), sessionMax)
		if err != nil {
			continue // the backlog may be full; the workers judge the server
		}
		c.SetDeadline(time.Now().Add(2 * time.Second))
		attacks[kind].run(a, ctx, c)
		if a.rng.IntN(4) == 0 {
			c.(*net.TCPConn).SetLinger(0) // a reset instead of an end
		}
		c.Close()
		a.tally.counts[kind].Add(1)
	}
}

// send writes b in pieces cut anywhere. Errors are the answer to what was sent.
func (a *attacker) send(c net.Conn, b []byte) {
	for len(b) > 0 {
		n := len(b)
		if a.rng.IntN(2) == 0 {
			n = 1 + a.rng.IntN(len(b))
		}
		if _, err := c.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
	}
}

// drain reads what comes for a moment.
func (a *attacker) drain(c net.Conn) {
	c.SetReadDeadline(time.Now().Add(time.Duration(a.rng.IntN(30)) * time.Millisecond))
	io.Copy(io.Discard, c)
}

// greet asks for a short session.
func (a *attacker) greet(c net.Conn) {
	hello := wire.ConnectRequest{Timeout: 1000, Password: make([]byte, zk.PasswordLen), HasReadOnly: a.rng.IntN(2) == 0}
	a.send(c, wire.AppendFrame(nil, hello.Append(nil)))
}

// replay sends a recorded exchange, some frames of it changed.
func (a *attacker) replay(_ context.Context, c net.Conn) {
	for _, f := range a.vectors[a.rng.IntN(len(a.vectors))] {
		b := []byte(f)
		if a.rng.IntN(3) == 0 {
			other := a.vectors[a.rng.IntN(len(a.vectors))]
			b = mutate(a.rng, b, other[a.rng.IntN(len(other))])
		}
		a.send(c, b)
	}
	a.drain(c)
}

// undecodable sends writes with bodies that are none, all at once (H1), some with
// the same xid, and wants an answer to each, in order (L3).
func (a *attacker) undecodable(_ context.Context, c net.Conn) {
	xids := []int32{}
	b := wire.AppendFrame(nil, wire.ConnectRequest{Timeout: int32(sessionMax.Milliseconds()), HasReadOnly: true}.Append(nil))
	step, ops := int32(a.rng.IntN(2)), writeOps[:len(writeOps)-a.rng.IntN(2)*closingOps]
	for i := range int32(1 + a.rng.IntN(20)) {
		op := pick(a.rng, ops)
		xids = append(xids, i*step)
		body := wire.RequestHeader{Xid: i * step, Op: op}.Append(nil)
		b = wire.AppendFrame(b, append(body, randomBytes(a.rng, 24)...))
		if slices.Contains(writeOps[len(writeOps)-closingOps:], op) {
			break // refused, and the connection closed
		}
	}
	xids = append(xids, -9)
	b = wire.AppendFrame(b, wire.RequestHeader{Xid: -9, Op: zk.OpCloseSession}.Append(nil))
	a.send(c, b)
	c.SetDeadline(time.Now().Add(2 * sessionMax))
	if err := wantReplies(c, xids); err != nil {
		a.failed(fmt.Errorf("%w; sent %x", err, b))
	}
}

// wantReplies reads the replies to xids, the last of which ends the session. One that
// says Unimplemented may overtake others, and ends the connection (3.5).
func wantReplies(c net.Conn, xids []int32) error {
	p := &peer{conn: c, r: bufio.NewReader(c)}
	if _, err := p.frame(); err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	for i, xid := range xids {
		h, _, err := p.next()
		switch {
		case err != nil:
			return fmt.Errorf("reply %d of %d: %w", i, len(xids), err)
		case h.Err == zk.Unimplemented:
			return wantEnd(p)
		case h.Xid != xid:
			return fmt.Errorf("reply %d of %d has xid %d, want %d", i, len(xids), h.Xid, xid)
		}
	}
	return wantEnd(p)
}

// wantEnd wants the server to close, or reset, the connection.
func wantEnd(p *peer) error {
	b, err := io.ReadAll(p.r)
	if len(b) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("got %x, %w, want the end", b, err)
	}
	return nil
}

// closingOps is how many of writeOps, at the end, cost the connection.
const closingOps = 3

// writeOps are the operations that a leader sees, and those it must never see.
var writeOps = []zk.OpCode{
	zk.OpCreate, zk.OpCreate2, zk.OpCreateContainer, zk.OpCreateTTL, zk.OpDelete, zk.OpSetData, zk.OpSetACL,
	zk.OpMulti, zk.OpReconfig, zk.OpSync, zk.OpCheck, zk.OpDeleteContainer, zk.OpCreateSession,
}

func (a *attacker) randomFirst(_ context.Context, c net.Conn) {
	a.send(c, randomBytes(a.rng, 200))
	a.drain(c)
}

func (a *attacker) randomInSession(_ context.Context, c net.Conn) {
	a.greet(c)
	for range a.rng.IntN(4) {
		a.send(c, wire.AppendFrame(nil, randomBytes(a.rng, 100)))
	}
	a.send(c, randomBytes(a.rng, 100))
	a.drain(c)
}

// hugeLength announces much, or less than nothing, and sends a little.
func (a *attacker) hugeLength(_ context.Context, c net.Conn) {
	if a.rng.IntN(2) == 0 {
		a.greet(c)
	}
	length := pick(a.rng, []uint32{0xfffff, 0x100000, 1 << 30, 1<<31 - 1, 1 << 31, 1<<32 - 1, 0})
	a.send(c, append(binary.BigEndian.AppendUint32(nil, length), randomBytes(a.rng, 3000)...))
	a.drain(c)
}

func (a *attacker) wordWithGarbage(_ context.Context, c net.Conn) {
	word := pick(a.rng, []string{
		"ruok", "srvr", "stat", "mntr", "cons", "dump", "wchs", "wchc", "wchp", "conf", "envi", "dirs", "isro", "hash",
		"gtmk", "stmk", "crst", "srst", "kill", "\xff\xf4\xff\xfd",
	})
	if a.rng.IntN(4) == 0 {
		a.greet(c) // then it is no word any more
	}
	a.send(c, append([]byte(word), randomBytes(a.rng, 50)...))
	a.drain(c)
}

// wrongPassword asks for the session of a well-behaved client (H7).
func (a *attacker) wrongPassword(_ context.Context, c net.Conn) {
	a.w.mu.Lock()
	id := pick(a.rng, a.w.sessions)
	a.w.mu.Unlock()
	password := []byte("wrong" + string(randomBytes(a.rng, 20)))
	a.send(c, wire.AppendFrame(nil, wire.ConnectRequest{Timeout: 1000, Session: id, Password: password, HasReadOnly: true}.Append(nil)))
	a.drain(c)
}

// drip sends a frame byte by byte, slowly, and perhaps not to its end.
func (a *attacker) drip(ctx context.Context, c net.Conn) {
	if a.rng.IntN(2) == 0 {
		a.greet(c)
	}
	v := a.vectors[a.rng.IntN(len(a.vectors))]
	b := v[a.rng.IntN(len(v))]
	for _, one := range b[:a.rng.IntN(min(len(b), 40))+1] {
		if _, err := c.Write([]byte{one}); err != nil || ctx.Err() != nil {
			return
		}
		time.Sleep(time.Millisecond) // what makes it slow
	}
}

func (a *attacker) halfClosed(_ context.Context, c net.Conn) {
	v := a.vectors[a.rng.IntN(len(a.vectors))]
	for _, f := range v[:1+a.rng.IntN(len(v))] {
		a.send(c, f)
	}
	c.(*net.TCPConn).CloseWrite()
	a.drain(c)
}

// unread asks for more than fits between the two and reads none of it.
func (a *attacker) unread(_ context.Context, c net.Conn) {
	a.greet(c)
	var m wire.MultiReadRequest
	for range 60 {
		m.Ops = append(m.Ops, wire.MultiOp{Op: zk.OpGetChildren, Body: wire.PathWatchRequest{Path: "/"}})
	}
	b := m.Append(wire.RequestHeader{Xid: 7, Op: zk.OpMultiRead}.Append(nil))
	c.SetDeadline(time.Now().Add(100 * time.Millisecond))
	for range 4 {
		a.send(c, wire.AppendFrame(nil, b))
	}
}
