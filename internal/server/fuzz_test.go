package server

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"ostler/internal/auth"
	"ostler/internal/env"
	"ostler/internal/host"
	"ostler/internal/tree"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// sink is a stream that takes everything and tells nothing.
type sink struct{ closed bool }

func (s *sink) Send([]byte) error            { return nil }
func (s *sink) SendShared([]byte) error      { return nil }
func (s *sink) SendQueued() int              { return 0 }
func (s *sink) Pause(bool)                   {}
func (s *sink) SetReadTimeout(time.Duration) {}
func (s *sink) Close()                       { s.closed = true }
func (s *sink) CloseAfterFlush()             { s.closed = true }
func (s *sink) Remote() netip.AddrPort       { return netip.MustParseAddrPort("10.0.0.1:7") }
func (s *sink) Local() netip.AddrPort        { return netip.AddrPort{} }

// silence is a Proposer that never answers.
type silence struct{}

func (silence) Submit(*Request)                {}
func (silence) Revalidate(zk.SessionID, int32) {}

// FuzzFrames sends bytes to a connection, before and after its handshake: whatever
// they are, they cost that connection at most.
func FuzzFrames(f *testing.F) {
	ping := wire.AppendFrame(nil, wire.RequestHeader{Xid: -2, Op: zk.OpPing}.Append(nil))
	f.Add(ping, true)
	f.Add(wire.AppendFrame(nil, wire.ConnectRequest{Timeout: 1}.Append(nil)), false)
	f.Add([]byte("mntr"), false)
	read := wire.RequestHeader{Xid: 3, Op: zk.OpGetData}.Append(nil)
	f.Add(append(wire.AppendFrame(nil, readBody("/", true).Append(read)), ping...), true)
	watches := wire.RequestHeader{Xid: -8, Op: zk.OpSetWatches}.Append(nil)
	f.Add(wire.AppendFrame(nil, wire.SetWatchesRequest{Data: []string{"/"}, Exist: []string{}, Child: []string{"x"}}.Append(watches)), true)
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false)
	f.Add([]byte{0x16, 3, 1, 2, 0, 1}, false)
	write := wire.AppendFrame(nil, setBody("/", "0123456789").Append(wire.RequestHeader{Xid: 4, Op: zk.OpSetData}.Append(nil)))
	f.Add(append(write, write...), true)
	cfg := testConfig()
	cfg.Requests.Max, cfg.Requests.Stall, cfg.LargeThreshold, cfg.LargeMaxBytes = 1, time.Hour, 20, 60
	h := host.New(slog.New(slog.DiscardHandler))
	s := New(Options{Env: h.Env(), Config: cfg, Auth: auth.New(auth.Options{}), Proposer: silence{}, ServerID: 1})
	f.Cleanup(func() {
		s.Close()
		h.Close()
	})
	s.SetService(zk.FullService, tree.New(tree.Options{}), 1)
	f.Fuzz(func(t *testing.T, b []byte, attached bool) {
		var handler env.Handler = s.newPort().accept(&sink{})
		c := handler.(*conn)
		if attached {
			c.phase = open
		}
		for len(b) > 0 {
			n, err := c.Data(b)
			if n < 0 || n > len(b) {
				t.Fatalf("consumed %d of %d bytes", n, len(b))
			}
			if b = b[n:]; err != nil || n == 0 {
				break
			}
		}
		c.Closed(nil)
		if n := s.watches.Count(); n != 0 {
			t.Errorf("%d watches are left behind by %x", n, b)
		}
		if n := s.Stats(); n.Connections != 0 || n.Outstanding != 0 {
			t.Errorf("left behind: %+v", n)
		}
		if s.gate.line.Inside() != 0 || s.gate.line.Waiting() != 0 || s.large.Used() != 0 {
			t.Errorf("%d inside, %d in line, %d bytes of large requests are left behind", s.gate.line.Inside(), s.gate.line.Waiting(), s.large.Used())
		}
	})
}
