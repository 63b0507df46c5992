package prep

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/auth"
	"ostler/internal/jute"
	"ostler/internal/txn"
	"ostler/internal/wire"
	"ostler/internal/zk"
)

// writesJSON holds the writes of conversations recorded from ZooKeeper (the
// vectors of client-protocol.md), with the error and body of each reply.
//
//go:embed testdata/writes.json
var writesJSON []byte

type conversation struct {
	Name  string
	Plain bool // without extended types
	Steps []step
}

type step struct {
	Conn        int // each connection has a session of its own
	Xid         int32
	Op          zk.OpCode
	Body, Reply string // hex
	Err         *zk.Code
}

// TestAnswersAsZooKeeper plays the writes of recorded conversations: results,
// names and the results inside multis must be those of ZooKeeper, whether each
// write is applied at once or all stay under way.
func TestAnswersAsZooKeeper(t *testing.T) {
	var all []conversation
	if err := json.Unmarshal(writesJSON, &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, lag := range []int{-1, 0} {
			t.Run(c.Name, func(t *testing.T) { c.play(t, lag) })
		}
	}
}

func (c *conversation) play(t *testing.T, lag int) {
	a := auth.New(auth.Options{DigestEnabled: true, SuperDigest: "super:D/InIHSb7yEEbrWz8b9l71RjZJU="})
	w := newWorld(t, func(o *Options) { o.Auth, o.ExtendedTypes = a, !c.Plain })
	ids := map[int][]zk.ID{}
	for _, s := range c.Steps {
		id := zk.SessionID(s.Conn) << 56
		if _, known := ids[s.Conn]; !known {
			ids[s.Conn] = []zk.ID{auth.IPID(netip.MustParseAddr("127.0.0.1"))}
			w.sessions.Add(id, time.Minute, zk.ServerID(s.Conn), time.Unix(0, 0))
		}
		body := unhex(t, s.Body)
		if s.Op == zk.OpAuth {
			var r wire.AuthRequest
			if err := r.Decode(body); err != nil {
				t.Fatal(err)
			}
			if more, err := a.Authenticate(r.Scheme, r.Auth, netip.MustParseAddr("127.0.0.1")); err == nil {
				ids[s.Conn] = append(ids[s.Conn], more...)
			}
			continue
		}
		rec := w.request(&Request{Session: id, Cxid: s.Xid, Op: s.Op, Body: body, Auth: ids[s.Conn]}, zk.ServerID(s.Conn))
		w.apply(lag)
		if s.Err != nil {
			s.compare(t, rec)
		}
	}
	w.apply(-1)
}

func (s *step) compare(t *testing.T, rec *txn.Record) {
	t.Helper()
	if got := codeOf(rec.Body); got != *s.Err {
		t.Errorf("xid %d, %v %s: %v, want %v", s.Xid, s.Op, s.Body, got, *s.Err)
		return
	}
	reply := unhex(t, s.Reply)
	if m, ok := rec.Body.(*txn.Multi); ok {
		var want wire.MultiResponse
		if err := want.Decode(reply); err != nil {
			t.Fatal(err)
		}
		var wantCodes []zk.Code
		for _, r := range want.Results {
			wantCodes = append(wantCodes, r.Code)
		}
		got := codes(rec)
		if diff := cmp.Diff(wantCodes, got); diff != "" {
			t.Errorf("xid %d, multi (-want +got):\n%s", s.Xid, diff)
		}
		for i, r := range want.Results {
			comparePath(t, r.Path, m.Ops[i].Body)
		}
		return
	}
	switch rec.Body.(type) {
	case *txn.Create, *txn.CreateContainer, *txn.CreateTTL:
		r := jute.NewReader(reply)
		comparePath(t, r.String(), rec.Body)
	}
}

// comparePath compares the path of a create with the one in ZooKeeper's reply.
func comparePath(t *testing.T, want string, body txn.Body) {
	t.Helper()
	if want == "" {
		return // the result has no path
	}
	got := ""
	switch b := body.(type) {
	case *txn.Create:
		got = b.Path
	case *txn.CreateContainer:
		got = b.Path
	case *txn.CreateTTL:
		got = b.Path
	}
	if got != want {
		t.Errorf("created %q, want %q", got, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
