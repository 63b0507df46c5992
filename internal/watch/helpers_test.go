package watch

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/wire"
	"ostler/internal/zk"
)

// A client is a watcher that keeps what it is told.
type client struct {
	name   string
	frames [][]byte
}

func (c *client) Notify(frame []byte) { c.frames = append(c.frames, frame) }

// CanRead lets a client read what is open or its own.
func (c *client) CanRead(acl []zk.ACL) bool {
	for _, e := range acl {
		if e.Perms&zk.PermRead != 0 && (e.ID == zk.WorldAnyone || e.ID.ID == c.name) {
			return true
		}
	}
	return len(acl) == 0
}

// take returns the events since the last take, as text.
func (c *client) take(t failer) []string {
	t.Helper()
	events := []string{}
	for _, frame := range c.frames {
		events = append(events, text(t, frame))
	}
	c.frames = nil
	return events
}

type failer interface {
	Helper()
	Fatalf(string, ...any)
}

var eventNames = map[zk.EventType]string{
	zk.EventCreated: "created", zk.EventDeleted: "deleted",
	zk.EventDataChanged: "data", zk.EventChildrenChanged: "children",
}

func eventText(kind zk.EventType, path string, zxid zk.Zxid) string {
	return fmt.Sprintf("%s %s at %v", eventNames[kind], path, zxid)
}

// text decodes a frame by the codec that clients' requests go through.
func text(t failer, frame []byte) string {
	t.Helper()
	payload, n, err := wire.SplitFrame(frame, 1<<20)
	if err != nil || n != len(frame) {
		t.Fatalf("frame %x: %d of %d bytes: %v", frame, n, len(frame), err)
	}
	const header = 16
	var h wire.ReplyHeader
	if err := h.Decode(payload[:header]); err != nil || h.Xid != -1 || h.Err != zk.OK {
		t.Fatalf("frame %x: header %+v: %v", frame, h, err)
	}
	var e wire.WatcherEvent
	if err := e.Decode(payload[header:]); err != nil || e.State != 3 {
		t.Fatalf("frame %x: event %+v: %v", frame, e, err)
	}
	return eventText(e.Type, e.Path, h.Zxid)
}

// addWatch registers as the request addWatch does (client-protocol.md 8.2).
func addWatch(t *Table, path string, mode Mode, w Watcher) {
	t.Add(path, Data, mode, w)
	if mode == Persistent {
		t.Add(path, Child, mode, w)
	}
}

// acls of nodes: open to all, closed to all, readable by one.
var (
	open   = zk.OpenACL()
	closed = []zk.ACL{{Perms: zk.PermAll &^ zk.PermRead, ID: zk.WorldAnyone}}
)

func onlyFor(name string) []zk.ACL {
	return []zk.ACL{{Perms: zk.PermRead, ID: zk.ID{Scheme: "digest", ID: name}}}
}

func diff(t failer, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%s (-want +got):\n%s", what, d)
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
