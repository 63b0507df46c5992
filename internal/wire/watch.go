package wire

import (
	"errors"

	"ostler/internal/jute"
	"ostler/internal/zk"
)

// StateSyncConnected is the only state that a server sends in an event
// (client-protocol.md 8.1).
const StateSyncConnected int32 = 3

// A WatcherEvent is the body of a notification.
type WatcherEvent struct {
	Type  zk.EventType
	State int32
	Path  string
}

// Append appends e to dst.
func (e WatcherEvent) Append(dst []byte) []byte {
	dst = jute.AppendInt32(dst, int32(e.Type))
	dst = jute.AppendInt32(dst, e.State)
	return jute.AppendString(dst, e.Path)
}

// Decode sets e from the front of b.
func (e *WatcherEvent) Decode(b []byte) error {
	r := reader(b)
	*e = WatcherEvent{Type: zk.EventType(r.Int32()), State: r.Int32(), Path: r.String()}
	return r.Err()
}

// AppendNotification appends the whole frame of a notification.
func AppendNotification(dst []byte, zxid zk.Zxid, t zk.EventType, path string) []byte {
	dst, at := BeginFrame(dst)
	dst = ReplyHeader{Xid: XidNotification, Zxid: zxid}.Append(dst)
	dst = WatcherEvent{Type: t, State: StateSyncConnected, Path: path}.Append(dst)
	return EndFrame(dst, at)
}

var errNullWatches = errors.New("null vector in setWatches")

// A SetWatchesRequest is the body of setWatches and setWatches2 (8.7). The
// first has no persistent watches: see Append and Decode.
type SetWatchesRequest struct {
	RelativeZxid        zk.Zxid
	Data                []string
	Exist               []string
	Child               []string
	Persistent          []string
	PersistentRecursive []string
}

// Append appends the body of setWatches, with the first three lists.
func (s SetWatchesRequest) Append(dst []byte) []byte {
	dst = jute.AppendInt64(dst, int64(s.RelativeZxid))
	for _, list := range [][]string{s.Data, s.Exist, s.Child} {
		dst = appendList(dst, list)
	}
	return dst
}

// Append2 appends the body of setWatches2, with all lists.
func (s SetWatchesRequest) Append2(dst []byte) []byte {
	dst = s.Append(dst)
	dst = appendList(dst, s.Persistent)
	return appendList(dst, s.PersistentRecursive)
}

// Decode sets s from the front of b, the body of setWatches. A null vector is
// an error.
func (s *SetWatchesRequest) Decode(b []byte) error {
	r := reader(b)
	s.read(&r)
	return r.Err()
}

// Decode2 sets s from the front of b, the body of setWatches2. A null vector
// is an error.
func (s *SetWatchesRequest) Decode2(b []byte) error {
	r := reader(b)
	s.read(&r)
	s.Persistent, s.PersistentRecursive = list(&r), list(&r)
	return r.Err()
}

func (s *SetWatchesRequest) read(r *jute.Reader) {
	*s = SetWatchesRequest{
		RelativeZxid: zk.Zxid(r.Int64()),
		Data:         list(r),
		Exist:        list(r),
		Child:        list(r),
	}
}

// appendList appends paths; no paths are an empty vector, not a null one.
func appendList(dst []byte, paths []string) []byte {
	if paths == nil {
		return jute.AppendInt32(dst, 0)
	}
	return jute.AppendStringVector(dst, paths)
}

// list reads paths of a request.
func list(r *jute.Reader) []string {
	paths := r.Strings()
	if paths == nil {
		r.Fail(errNullWatches)
	}
	for i, p := range paths {
		paths[i] = jute.Text(p)
	}
	return paths
}

// The modes of addWatch (8.5).
const (
	AddWatchPersistent          int32 = 0
	AddWatchPersistentRecursive int32 = 1
)

// An AddWatchRequest is the body of addWatch.
type AddWatchRequest struct {
	Path     string
	NullPath bool
	Mode     int32
}

// Append appends a to dst.
func (a AddWatchRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, a.Path, a.NullPath)
	return jute.AppendInt32(dst, a.Mode)
}

// Decode sets a from the front of b.
func (a *AddWatchRequest) Decode(b []byte) error {
	r := reader(b)
	a.Path, a.NullPath = path(&r)
	a.Mode = r.Int32()
	return r.Err()
}

// A WatcherType is the kind of watch that checkWatches and removeWatches are
// about (8.6).
type WatcherType int32

// The kinds of watch.
const (
	WatcherChildren            WatcherType = 1
	WatcherData                WatcherType = 2
	WatcherAny                 WatcherType = 3
	WatcherPersistent          WatcherType = 4
	WatcherPersistentRecursive WatcherType = 5
)

// A WatchesRequest is the body of checkWatches and removeWatches.
type WatchesRequest struct {
	Path     string
	NullPath bool
	Type     WatcherType
}

// Append appends w to dst.
func (w WatchesRequest) Append(dst []byte) []byte {
	dst = appendPath(dst, w.Path, w.NullPath)
	return jute.AppendInt32(dst, int32(w.Type))
}

// Decode sets w from the front of b.
func (w *WatchesRequest) Decode(b []byte) error {
	r := reader(b)
	w.Path, w.NullPath = path(&r)
	w.Type = WatcherType(r.Int32())
	return r.Err()
}
