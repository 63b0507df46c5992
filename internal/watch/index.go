package watch

// An index is a set of numbers other than 0, each found by a hash that its owner
// computes: open addressing with linear probing, where a deletion closes the gap.
// At most three quarters of the places are taken, and at least an eighth, so a
// number costs 6 to 11 bytes while an index grows. The zero index is empty.
type index struct {
	places []uint32 // a power of two of them; 0 is a free one
	n      uint32   // numbers in it
}

// placesMin is how many places an index has that is not empty.
const placesMin = 4

func (x *index) len() int { return int(x.n) }

// find returns the number with the given hash for which is holds, 0 if there is none.
func (x *index) find(hash uint32, is func(v uint32) bool) uint32 {
	if x.n == 0 {
		return 0
	}
	mask := uint32(len(x.places) - 1)
	for i := hash & mask; x.places[i] != 0; i = (i + 1) & mask {
		if is(x.places[i]) {
			return x.places[i]
		}
	}
	return 0
}

// add puts v in, which is not there.
func (x *index) add(v uint32, hashOf func(v uint32) uint32) {
	if 4*(int(x.n)+1) > 3*len(x.places) {
		x.resize(max(2*len(x.places), placesMin), hashOf)
	}
	x.place(v, hashOf(v))
	x.n++
}

// place puts v into the first free place from hash on.
func (x *index) place(v, hash uint32) {
	mask := uint32(len(x.places) - 1)
	i := hash & mask
	for x.places[i] != 0 {
		i = (i + 1) & mask
	}
	x.places[i] = v
}

// remove takes v out, which is there.
func (x *index) remove(v uint32, hashOf func(v uint32) uint32) {
	mask := uint32(len(x.places) - 1)
	free := hashOf(v) & mask
	for x.places[free] != v {
		free = (free + 1) & mask
	}
	// What follows moves up if the way from its hash leads over the free place.
	for i := (free + 1) & mask; x.places[i] != 0; i = (i + 1) & mask {
		home := hashOf(x.places[i]) & mask
		if (i-home)&mask >= (i-free)&mask {
			x.places[free] = x.places[i]
			free = i
		}
	}
	x.places[free] = 0
	x.n--
	if len(x.places) > placesMin && 8*int(x.n) < len(x.places) {
		x.resize(len(x.places)/2, hashOf)
	}
}

func (x *index) resize(size int, hashOf func(v uint32) uint32) {
	old := x.places
	x.places = make([]uint32, size)
	for _, v := range old {
		if v != 0 {
			x.place(v, hashOf(v))
		}
	}
}

// appendTo appends all numbers to dst, in no order.
func (x *index) appendTo(dst []uint32) []uint32 {
	for _, v := range x.places {
		if v != 0 {
			dst = append(dst, v)
		}
	}
	return dst
}
