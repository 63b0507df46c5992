package memfs

import (
	"maps"
	"math/rand/v2"
	"path"
	"slices"
)

// sector is what a disk writes whole or not at all.
const sector = 512

// A change sets or, with nil, removes one entry of a directory.
type change struct {
	dir  *node
	name string
	to   *node
}

// A metaOp is a set of changes that happen together.
type metaOp []change

// change changes entries as a program sees them; the disk gets it with SyncDir, or
// by chance.
func (s *FS) change(cs ...change) {
	for _, c := range cs {
		c.apply(c.dir.entries)
	}
	s.journal = append(s.journal, cs)
}

func (c change) apply(entries map[string]*node) {
	if c.to == nil {
		delete(entries, c.name)
		return
	}
	entries[c.name] = c.to
}

// release frees the space of a file that lost its name.
func (s *FS) release(n *node) {
	if n != nil && n.entries == nil && !n.dropped {
		s.used -= n.now.size
		n.dropped = true
	}
}

// commit makes the entries of d durable, and of other directories what had to be
// done before.
func (s *FS) commit(d *node) {
	dirs := map[*node]bool{d: true}
	now := make([]bool, len(s.journal))
	for i, op := range slices.Backward(s.journal) {
		if slices.ContainsFunc(op, func(c change) bool { return dirs[c.dir] }) {
			now[i] = true
			for _, c := range op {
				dirs[c.dir] = true
			}
		}
	}
	rest := s.journal[:0:0]
	for i, op := range s.journal {
		if now[i] {
			op.commit()
		} else {
			rest = append(rest, op)
		}
	}
	s.journal = rest
}

func (op metaOp) commit() {
	for _, c := range op {
		c.apply(c.dir.durable)
	}
}

// Crash returns the disk as it is found after a power failure. The old one is
// dead: everything still open on it fails with ErrCrashed.
func (s *FS) Crash() *FS {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashed = true
	s.surviveJournal()
	next := &FS{
		rand: rand.New(rand.NewPCG(s.rand.Uint64(), s.rand.Uint64())), locked: map[string]bool{},
		capacity: s.capacity, ops: s.ops, fault: s.fault, onOp: s.onOp,
	}
	next.root = next.adopt(s, s.root)
	return next
}

// surviveJournal chooses which changes of entries made it to the disk: the oldest
// few, or any of them as far as they do not build on one that did not.
func (s *FS) surviveJournal() {
	ordered := s.rand.IntN(2) == 0
	keep := s.rand.IntN(len(s.journal) + 1)
	type entry struct {
		dir  *node
		name string
	}
	lost := map[entry]bool{}
	for i, op := range s.journal {
		drop := i >= keep
		if !ordered {
			drop = s.rand.IntN(2) == 0
		}
		for _, c := range op {
			drop = drop || lost[entry{c.dir, c.name}]
		}
		if !drop {
			op.commit()
			continue
		}
		for _, c := range op {
			lost[entry{c.dir, c.name}] = true
		}
	}
}

// adopt copies what survived of n into s, in the order of names, so that equal
// seeds choose alike.
func (s *FS) adopt(old *FS, n *node) *node {
	if n.entries == nil {
		old.survive(n)
		s.used += n.disk.size
		return &node{now: n.disk.clone(), disk: n.disk.clone()}
	}
	d := newDir()
	for _, name := range slices.Sorted(maps.Keys(n.durable)) {
		d.entries[name] = s.adopt(old, n.durable[name])
	}
	d.durable = maps.Clone(d.entries)
	return d
}

// survive chooses what of the pending writes reached the disk: nothing, all, the
// first so many sectors, or any sectors.
func (s *FS) survive(n *node) {
	var parts []write
	for _, w := range n.pending {
		parts = append(parts, w.sectors()...)
	}
	mode := s.rand.IntN(4)
	first := s.rand.IntN(len(parts) + 1)
	for i, w := range parts {
		if mode == 1 || mode == 2 && i < first || mode == 3 && s.rand.IntN(2) == 0 {
			w.apply(&n.disk)
		}
	}
}

// sectors cuts a write at the borders of sectors.
func (w write) sectors() []write {
	if w.data == nil {
		return []write{w}
	}
	var parts []write
	off, b := w.off, w.data
	for len(b) > 0 {
		k := min(int64(len(b)), sector-off%sector)
		parts = append(parts, write{off, b[:k]})
		off, b = off+k, b[k:]
	}
	return parts
}

// Put makes a durable file, and the directories above it.
func (s *FS) Put(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	dir := s.root
	for _, e := range elements(path.Dir(name)) {
		next := dir.entries[e]
		if next == nil {
			next = newDir()
			dir.entries[e], dir.durable[e] = next, next
		}
		dir = next
	}
	base := path.Base(name)
	s.release(dir.entries[base])
	n := &node{now: content{slices.Clone(data), int64(len(data))}, disk: content{slices.Clone(data), int64(len(data))}}
	dir.entries[base], dir.durable[base] = n, n
	s.used += n.now.size
}

// Get returns what a program sees in a file; ok is false when there is none.
func (s *FS) Get(name string) (data []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.find(name)
	if err != nil || n.entries != nil {
		return nil, false
	}
	data = make([]byte, n.now.size)
	n.now.readAt(data, 0)
	return data, true
}

// Corrupt flips the bits of mask in the byte at off, on the disk and in what
// programs see. It reports whether there is such a byte.
func (s *FS) Corrupt(name string, off int64, mask byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.find(name)
	if err != nil || off < 0 || off >= n.now.size {
		return false
	}
	for _, c := range []*content{&n.now, &n.disk} {
		var b [1]byte
		if c.readAt(b[:], off) == 1 {
			c.write([]byte{b[0] ^ mask}, off)
		}
	}
	return true
}
