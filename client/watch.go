package client

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"ostler/internal/wire"
)

// ErrWatchOverflow is a Watch's end when its events were not taken for so long
// that its buffer is full. What it should have told is lost, so the state it
// followed must be read again.
var ErrWatchOverflow = errors.New("watch overflowed")

// A Watch delivers events of a node, or of a subtree. A one-shot watch delivers
// one event and ends. While the client is without a server nothing is
// delivered; changes in the meantime are told on return, as far as the protocol
// can.
type Watch struct {
	// C delivers the events and is closed when the watch ends.
	C <-chan Event

	c    chan Event
	kind watchKind
	path string // as the server knows it

	mu    sync.Mutex
	ended bool
	err   error
}

// watchBuffer is the number of events that a persistent watch holds for a
// reader that is behind.
const watchBuffer = 1024

// Err returns why C was closed: nil after a one-shot watch has fired or a watch
// was removed.
func (w *Watch) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func newWatch(kind watchKind, path string) *Watch {
	size := 1
	if kind.persistent() {
		size = watchBuffer
	}
	c := make(chan Event, size)
	return &Watch{C: c, c: c, kind: kind, path: path}
}

// send delivers e and reports whether the watch goes on.
func (w *Watch) send(e Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	select {
	case w.c <- e:
	default:
		w.finish(ErrWatchOverflow)
		return false
	}
	if !w.kind.persistent() {
		w.finish(nil)
		return false
	}
	return true
}

func (w *Watch) end(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finish(err)
}

// finish closes the watch; mu is held.
func (w *Watch) finish(err error) {
	if !w.ended {
		w.ended, w.err = true, err
		close(w.c)
	}
}

// A watchKind says how a watch was set, which decides what it sees.
type watchKind int

const (
	watchData watchKind = iota
	watchExist
	watchChild
	watchPersistent
	watchRecursive
	watchKinds
)

func (k watchKind) persistent() bool { return k == watchPersistent || k == watchRecursive }

// sees reports whether a watch of kind k on a node hears of an event of type t
// on the same node (client-protocol.md 11, rule 6).
func (k watchKind) sees(t EventType) bool {
	switch t {
	case EventCreated, EventDataChanged:
		return k != watchChild
	case EventDeleted:
		return true
	case EventChildrenChanged:
		return k == watchChild || k == watchPersistent
	}
	return false
}

// A watchTable holds the watches of a session by kind and path.
type watchTable [watchKinds]map[string][]*Watch

func (t *watchTable) add(w *Watch) {
	m := &t[w.kind]
	if *m == nil {
		*m = make(map[string][]*Watch)
	}
	(*m)[w.path] = append((*m)[w.path], w)
}

// fire delivers e, whose path as the server knows it is path.
func (t *watchTable) fire(path string, e Event) {
	for kind := range watchKinds {
		if kind == watchRecursive || !kind.sees(e.Type) {
			continue
		}
		t.deliver(kind, path, e)
	}
	if len(t[watchRecursive]) == 0 || !watchRecursive.sees(e.Type) {
		return
	}
	for p := path; ; {
		t.deliver(watchRecursive, p, e)
		if p == "/" {
			return
		}
		if p = p[:max(strings.LastIndexByte(p, '/'), 0)]; p == "" {
			p = "/"
		}
	}
}

func (t *watchTable) deliver(kind watchKind, path string, e Event) {
	list := t[kind][path]
	if list == nil {
		return
	}
	if list = slices.DeleteFunc(list, func(w *Watch) bool { return !w.send(e) }); len(list) == 0 {
		delete(t[kind], path)
		return
	}
	t[kind][path] = list
}

// end closes every watch.
func (t *watchTable) end(err error) {
	for kind := range t {
		for _, list := range t[kind] {
			for _, w := range list {
				w.end(err)
			}
		}
		t[kind] = nil
	}
}

// kindsOf returns the kinds that a removal of typ is about.
func kindsOf(typ WatcherType) []watchKind {
	switch typ {
	case WatcherChildren:
		return []watchKind{watchChild}
	case WatcherData:
		return []watchKind{watchData, watchExist}
	case WatcherPersistent:
		return []watchKind{watchPersistent}
	case WatcherPersistentRecursive:
		return []watchKind{watchRecursive}
	}
	return []watchKind{watchChild, watchData, watchExist, watchPersistent, watchRecursive}
}

// has reports whether there is a watch of typ on path.
func (t *watchTable) has(path string, typ WatcherType) bool {
	return slices.ContainsFunc(kindsOf(typ), func(k watchKind) bool { return len(t[k][path]) > 0 })
}

// remove ends the watches of typ on path and returns the events that tell it,
// one for each of the three classes that lost a watch.
func (t *watchTable) remove(path string, typ WatcherType) []EventType {
	var events []EventType
	for _, kind := range kindsOf(typ) {
		list := t[kind][path]
		if len(list) == 0 {
			continue
		}
		delete(t[kind], path)
		for _, w := range list {
			w.end(nil)
		}
		if e := removedEvent(kind); !slices.Contains(events, e) {
			events = append(events, e)
		}
	}
	return events
}

func removedEvent(kind watchKind) EventType {
	switch kind {
	case watchChild:
		return EventChildWatchRemoved
	case watchData, watchExist:
		return EventDataWatchRemoved
	}
	return EventPersistentWatchRemoved
}

// watchChunk is how many bytes of paths go into one setWatches (rule 7).
const watchChunk = 128 << 10

// renew returns the requests that set the watches anew after a reconnection.
func (t *watchTable) renew(last Zxid) []wire.SetWatchesRequest {
	var requests []wire.SetWatchesRequest
	size := watchChunk
	for kind := range watchKinds {
		paths := make([]string, 0, len(t[kind]))
		for path := range t[kind] {
			paths = append(paths, path)
		}
		slices.Sort(paths)
		for _, path := range paths {
			if size += len(path) + 4; size > watchChunk {
				requests = append(requests, wire.SetWatchesRequest{RelativeZxid: last})
				size = len(path) + 4
			}
			list := listOf(&requests[len(requests)-1], kind)
			*list = append(*list, path)
		}
	}
	return requests
}

func listOf(r *wire.SetWatchesRequest, kind watchKind) *[]string {
	switch kind {
	case watchData:
		return &r.Data
	case watchExist:
		return &r.Exist
	case watchChild:
		return &r.Child
	case watchPersistent:
		return &r.Persistent
	}
	return &r.PersistentRecursive
}
