package tree

import (
	"slices"
	"strings"
)

// chunkNames is how many names a chunk of a nameList holds at most.
const chunkNames = 256

// A nameList is a sorted set of names: the children of a node, the ephemerals of
// a session. Names lie in sorted chunks, so that adding and removing move a few
// kilobytes at most however many there are, listing needs no sorting and no
// lock but the one that guards the set, and a name costs 16 bytes.
//
// An open view may hold on to a nameList: before it is changed, it is copied
// where the view needs it (writable), chunk by chunk.
type nameList struct {
	chunks []nameChunk // none is empty
	n      int
	gen    uint32 // the generation in which this was made
}

// A nameChunk is a run of names.
type nameChunk struct {
	names []string
	gen   uint32 // the generation in which names was allocated
}

// len returns the number of names; a nil list has none.
func (l *nameList) len() int {
	if l == nil {
		return 0
	}
	return l.n
}

func (l *nameList) appendTo(dst []string) []string {
	if l == nil {
		return dst
	}
	for i := range l.chunks {
		dst = append(dst, l.chunks[i].names...)
	}
	return dst
}

// writable returns the list to change: l itself, unless a view opened at
// generation newest or before may still read it. Gen is the current generation.
func (l *nameList) writable(newest, gen uint32) *nameList {
	switch {
	case l == nil:
		return &nameList{gen: gen}
	case l.gen >= newest:
		return l
	}
	return &nameList{chunks: slices.Clone(l.chunks), n: l.n, gen: gen}
}

// chunkFor returns the index of the chunk that name is in or belongs into.
func (l *nameList) chunkFor(name string) int {
	i, found := slices.BinarySearchFunc(l.chunks, name, func(c nameChunk, name string) int {
		return strings.Compare(c.names[0], name)
	})
	if !found && i > 0 {
		i--
	}
	return i
}

// has reports whether name is in the list.
func (l *nameList) has(name string) bool {
	if l.len() == 0 {
		return false
	}
	_, found := slices.BinarySearch(l.chunks[l.chunkFor(name)].names, name)
	return found
}

// add puts name in and reports whether it was not there.
func (l *nameList) add(name string, newest, gen uint32) bool {
	if len(l.chunks) == 0 {
		l.chunks = append(l.chunks, nameChunk{names: []string{name}, gen: gen})
		l.n++
		return true
	}
	i := l.chunkFor(name)
	at, found := slices.BinarySearch(l.chunks[i].names, name)
	if found {
		return false
	}
	if len(l.chunks[i].names) == chunkNames {
		i, at = l.split(i, at, newest, gen)
	}
	c := l.own(i, newest, gen)
	c.names = slices.Insert(c.names, at, name)
	l.n++
	return true
}

// split makes room in the full chunk i for a name at place at, and returns where
// that is now. A name at the very end gets a chunk of its own, so that names
// that only grow fill their chunks.
func (l *nameList) split(i, at int, newest, gen uint32) (chunk, place int) {
	keep := chunkNames / 2
	if at == chunkNames && i == len(l.chunks)-1 {
		keep = chunkNames
	}
	c := l.own(i, newest, gen)
	second := append(make([]string, 0, chunkNames), c.names[keep:]...)
	clear(c.names[keep:])
	c.names = c.names[:keep]
	if keep == chunkNames {
		second = nil // grows as needed
		l.chunks = append(l.chunks, nameChunk{names: second, gen: gen})
		return i + 1, 0
	}
	l.chunks = slices.Insert(l.chunks, i+1, nameChunk{names: second, gen: gen})
	if at > keep {
		return i + 1, at - keep
	}
	return i, at
}

// own returns chunk i with names that no view reads.
func (l *nameList) own(i int, newest, gen uint32) *nameChunk {
	c := &l.chunks[i]
	if c.gen < newest {
		c.names = slices.Clone(c.names)
		c.gen = gen
	}
	return c
}

// remove takes name out and reports whether it was there.
func (l *nameList) remove(name string, newest, gen uint32) bool {
	if l.len() == 0 {
		return false
	}
	i := l.chunkFor(name)
	at, found := slices.BinarySearch(l.chunks[i].names, name)
	if !found {
		return false
	}
	l.n--
	if len(l.chunks[i].names) == 1 {
		l.chunks = slices.Delete(l.chunks, i, i+1)
		return true
	}
	c := l.own(i, newest, gen)
	c.names = slices.Delete(c.names, at, at+1)
	l.merge(i, newest, gen)
	return true
}

// merge joins chunk i with a neighbour when both together fill half a chunk.
func (l *nameList) merge(i int, newest, gen uint32) {
	if i == len(l.chunks)-1 {
		i--
	}
	if i < 0 || len(l.chunks[i].names)+len(l.chunks[i+1].names) > chunkNames/2 {
		return
	}
	c := l.own(i, newest, gen)
	c.names = append(c.names, l.chunks[i+1].names...)
	l.chunks = slices.Delete(l.chunks, i+1, i+2)
}
