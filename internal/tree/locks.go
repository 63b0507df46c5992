package tree

import (
	"math/bits"

	"ostler/internal/invariant"
)

// A stripeSet is a set of stripes.
type stripeSet [stripeCount / 64]uint64

func (s *stripeSet) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *stripeSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// each calls f for every stripe in ascending order, the order of locking.
func (s *stripeSet) each(f func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// A lockSet gathers the nodes that a transaction may change.
type lockSet struct{ stripes stripeSet }

func (s *lockSet) add(t *Tree, path string) { s.stripes.add(t.stripeOf(rootKey(path))) }

func (s *lockSet) addAll() {
	for i := range s.stripes {
		s.stripes[i] = ^uint64(0)
	}
}

// lock takes the write locks of a set, and that of the owners.
func (t *Tree) lock(set *lockSet) {
	invariant.Check(t.locked == stripeSet{}, "no stripe is locked before the next transaction")
	set.stripes.each(func(i int) { t.stripes[i].mu.Lock() })
	t.owners.mu.Lock()
	t.locked = set.stripes
	t.newest = t.views.newest()
}

func (t *Tree) lockAll() {
	var set lockSet
	set.addAll()
	t.lock(&set)
}

// unlock gives all write locks back.
func (t *Tree) unlock() {
	t.owners.mu.Unlock()
	t.locked.each(func(i int) { t.stripes[i].mu.Unlock() })
	t.locked = stripeSet{}
}
