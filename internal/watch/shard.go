package watch

import (
	"sync"

	"ostler/internal/invariant"
)

// A ref names an entry: the number of its shard and its place there. It is never 0.
type ref uint32

const (
	shardBits = 7 // shardCount and one more
	placeMax  = 1<<(32-shardBits) - 1
)

func makeRef(shard int, place uint32) ref { return ref(place<<shardBits | uint32(shard)) }
func (r ref) shard() int                  { return int(r & (1<<shardBits - 1)) }
func (r ref) place() uint32               { return uint32(r >> shardBits) }

// hashOfRef spreads a ref over an index.
func hashOfRef(r uint32) uint32 {
	h := r * 0x9e3779b1
	return h ^ h>>16
}

// chunkEntries is how many entries are allocated at a time.
const chunkEntries = 64

// A shard is the entries of some paths. Entries lie in chunks and are found
// through an index by the hash of the path; a place that is free is used again.
type shard struct {
	number int // set when made

	mu     sync.Mutex
	index  index // places of the entries
	chunks []*[chunkEntries]entry
	free   uint32 // the first place that was given back, 0 if none; chained by hash
	used   uint32 // places that have ever been taken
}

// An entry is a watched path: 32 bytes, and the text. It is guarded by the mutex
// of its shard, and in use while it has watchers.
type entry struct {
	path     string
	hash     uint32
	watchers set
}

// at returns the entry in a place, from 1 on.
func (s *shard) at(place uint32) *entry {
	return &s.chunks[(place-1)/chunkEntries][(place-1)%chunkEntries]
}

// find returns the entry of a path, nil if there is none, and its place.
func (s *shard) find(path string, hash uint32) (*entry, uint32) {
	place := s.index.find(hash, func(place uint32) bool {
		e := s.at(place)
		return e.hash == hash && e.path == path
	})
	if place == 0 {
		return nil, 0
	}
	return s.at(place), place
}

// add makes the entry of a path that has none. The path is kept.
func (s *shard) add(path string, hash uint32) (*entry, uint32) {
	place := s.free
	if place != 0 {
		s.free = s.at(place).hash
	} else {
		invariant.Check(s.used < placeMax, "fewer than %d paths in a shard", placeMax)
		if s.used == uint32(len(s.chunks)*chunkEntries) {
			s.chunks = append(s.chunks, new([chunkEntries]entry))
		}
		s.used++
		place = s.used
	}
	e := s.at(place)
	*e = entry{path: path, hash: hash}
	s.index.add(place, s.hashOf)
	return e, place
}

func (s *shard) hashOf(place uint32) uint32 { return s.at(place).hash }

// dropIfEmpty gives the place of an entry without watchers back. With the last
// one all memory goes that a single one does not need.
func (s *shard) dropIfEmpty(e *entry, place uint32) {
	if e.watchers.len() > 0 {
		return
	}
	s.index.remove(place, s.hashOf)
	*e = entry{hash: s.free}
	s.free = place
	if s.index.len() == 0 {
		clear(s.chunks[1:])
		s.chunks = s.chunks[:1]
		s.free, s.used = 0, 0
	}
}

// each calls f for every entry in use.
func (s *shard) each(f func(e *entry)) {
	for place := uint32(1); place <= s.used; place++ {
		if e := s.at(place); e.watchers.len() > 0 {
			f(e)
		}
	}
}
