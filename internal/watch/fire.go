package watch

import (
	"encoding/binary"
	"slices"

	"ostler/internal/zk"
)

// FireCreated tells of a new node: NodeCreated to those who watch its data, then
// NodeChildrenChanged to those who watch the children of its parent
// (client-protocol.md 8.3). Events go to those who may read under the list given.
func (t *Table) FireCreated(path, parent string, zxid zk.Zxid, acl, parentACL []zk.ACL) {
	t.fire(event{zk.EventCreated, path, zxid, acl}, dataModes, true)
	t.fire(event{zk.EventChildrenChanged, parent, zxid, parentACL}, childModes, false)
}

// FireDeleted tells of a node that is gone: one NodeDeleted to each who watches
// it in either list, then NodeChildrenChanged for its parent.
func (t *Table) FireDeleted(path, parent string, zxid zk.Zxid, acl, parentACL []zk.ACL) {
	// The data list is triggered first and its receivers are left out of the
	// child list's: as both carry the same event under the same list, that is one
	// event for each watcher of either.
	t.fire(event{zk.EventDeleted, path, zxid, acl}, dataModes|childModes, true)
	t.fire(event{zk.EventChildrenChanged, parent, zxid, parentACL}, childModes, false)
}

// FireDataChanged tells of new data: NodeDataChanged to those who watch it.
func (t *Table) FireDataChanged(path string, zxid zk.Zxid, acl []zk.ACL) {
	t.fire(event{zk.EventDataChanged, path, zxid, acl}, dataModes, true)
}

// An event is what watchers are told, and the access list that decides who is.
type event struct {
	kind zk.EventType
	path string
	zxid zk.Zxid
	acl  []zk.ACL
}

// fire triggers the lists given for the event's path and, if ancestors is set,
// recursive watches above it.
func (t *Table) fire(ev event, lists modes, ancestors bool) {
	t.fired = t.fired[:0]
	t.receivers = t.receivers[:0]
	t.trigger(ev.path, lists)
	if ancestors && t.recursiveCount.Load() > 0 {
		t.triggerAbove(ev.path)
	}
	t.deliver(ev)
}

// trigger collects who watches path itself, and takes one-shot watches away.
func (t *Table) trigger(path string, lists modes) {
	s, hash := t.shardOf(path, Standard)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, place := s.find(path, hash)
	if e == nil {
		return
	}
	first := len(t.fired)
	for _, m := range e.watchers.all() {
		if m.modes()&lists != 0 {
			t.fired = append(t.fired, m)
		}
	}
	t.resolve(t.fired[first:])
	spent := false
	for _, m := range t.fired[first:] {
		if left := m.modes() &^ (lists & standardModes); left != m.modes() {
			t.note(makeRef(s.number, place), m.id(), m.modes(), left)
			spent = true
		}
	}
	if spent {
		e.watchers.take(lists & standardModes)
		s.dropIfEmpty(e, place)
	}
}

// triggerAbove collects recursive watches on path and its ancestors that have
// not been collected yet.
func (t *Table) triggerAbove(path string) {
	s := &t.shards[recursiveShard]
	s.mu.Lock()
	defer s.mu.Unlock()
	first := len(t.fired)
	for at, ok := path, true; ok; at, ok = above(at) {
		_, hash := t.shardOf(at, Recursive)
		if e, _ := s.find(at, hash); e != nil {
			t.fired = append(t.fired, e.watchers.all()...)
		}
	}
	t.resolve(t.newIn(first))
}

// newIn returns the members of fired from first on, each watcher once, without
// those who are before first.
func (t *Table) newIn(first int) []member {
	found := t.fired[first:]
	slices.Sort(found)
	found = slices.CompactFunc(found, func(a, b member) bool { return a.id() == b.id() })
	earlier := t.fired[:first] // sorted by number
	return slices.DeleteFunc(found, func(m member) bool {
		_, ok := slices.BinarySearchFunc(earlier, m.id(), func(m member, id uint32) int {
			return int(m.id()) - int(id)
		})
		return ok
	})
}

// above returns the parent of path; ok is false above the root.
func above(path string) (parent string, ok bool) {
	if path == zk.PathRoot {
		return "", false
	}
	return zk.Parent(path)
}

// resolve appends the watchers of members to the receivers. The mutex of their
// shard is held, so none of their numbers can have gone to another watcher.
func (t *Table) resolve(members []member) {
	if len(members) == 0 {
		return
	}
	t.registry.mu.RLock()
	defer t.registry.mu.RUnlock()
	for _, m := range members {
		t.receivers = append(t.receivers, t.registry.slots[m.id()].w)
	}
}

// deliver gives the event to the receivers that may read under its list.
func (t *Table) deliver(ev event) {
	var frame []byte
	for i, w := range t.receivers {
		t.receivers[i] = nil // do not keep a closed connection alive
		if !w.CanRead(ev.acl) {
			continue
		}
		if frame == nil {
			frame = Frame(ev.kind, ev.path, ev.zxid)
		}
		w.Notify(frame)
	}
}

// stateSyncConnected is the only state a server sends (client-protocol.md 8.1).
const stateSyncConnected = 3

// Frame encodes an event with its length: reply header with xid -1, type, state,
// path (client-protocol.md 8.1). Catch-up events carry zxid -1.
func Frame(kind zk.EventType, path string, zxid zk.Zxid) []byte {
	const fixed = 4 + 8 + 4 + 4 + 4 + 4 // header, type, state, length of the path
	b := make([]byte, 0, 4+fixed+len(path))
	b = binary.BigEndian.AppendUint32(b, uint32(fixed+len(path)))
	b = binary.BigEndian.AppendUint32(b, ^uint32(0)) // xid -1
	b = binary.BigEndian.AppendUint64(b, uint64(zxid))
	b = binary.BigEndian.AppendUint32(b, 0) // no error
	b = binary.BigEndian.AppendUint32(b, uint32(kind))
	b = binary.BigEndian.AppendUint32(b, stateSyncConnected)
	b = binary.BigEndian.AppendUint32(b, uint32(len(path)))
	return append(b, path...)
}
