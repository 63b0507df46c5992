package replica

import (
	"slices"
	"sync"

	"ostler/internal/zk"
)

// Which digests are kept for the word hash (operations.md 2.4).
const (
	digestEvery = 128
	digestsMax  = 1024
)

// A Digest is that of the tree after a transaction.
type Digest struct {
	Zxid  zk.Zxid
	Value uint64
}

// A digestLog is the last digests at round zxids, oldest first: people compare
// those of two servers.
type digestLog struct {
	mu   sync.Mutex
	list []Digest
}

func (l *digestLog) note(zxid zk.Zxid, value uint64) {
	if zxid%digestEvery != 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == digestsMax {
		l.list = slices.Delete(l.list, 0, 1)
	}
	l.list = append(l.list, Digest{zxid, value})
}

// Digests returns the digests of the tree at the last round zxids, oldest first;
// callable from anywhere.
func (r *Replica) Digests() []Digest {
	r.digests.mu.Lock()
	defer r.digests.mu.Unlock()
	return slices.Clone(r.digests.list)
}
