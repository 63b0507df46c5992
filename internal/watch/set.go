package watch

import "slices"

// modes is a set of list and mode: what one watcher wants of one path.
type modes uint8

const (
	dataStandard modes = 1 << iota
	dataPersistent
	childStandard
	childPersistent
	recursiveMode

	modeBits              = 5
	allModes        modes = 1<<modeBits - 1
	dataModes             = dataStandard | dataPersistent | recursiveMode
	childModes            = childStandard | childPersistent
	standardModes         = dataStandard | childStandard
	persistentModes       = dataPersistent | childPersistent
)

// bit returns the bit of one list and mode.
func bit(kind Kind, mode Mode) modes {
	switch {
	case mode == Recursive:
		return recursiveMode
	case kind == Data && mode == Standard:
		return dataStandard
	case kind == Data:
		return dataPersistent
	case mode == Standard:
		return childStandard
	default:
		return childPersistent
	}
}

// A member is a watcher's number and its modes. A member that is in a set has at
// least one mode, so no member is 0.
type member uint32

func makeMember(id uint32, m modes) member { return member(id<<modeBits | uint32(m)) }
func (m member) id() uint32                { return uint32(m) >> modeBits }
func (m member) modes() modes              { return modes(m) & allModes }

// idMax is the largest number of a watcher that fits into a member.
const idMax = 1<<(32-modeBits) - 1

// A set is the watchers of a path, sorted by number. Most paths have one watcher.
type set struct {
	one  [1]member // the member, while there is no more than one
	more *[]member // all members, while there are more
}

// all returns the members; the slice is valid until the next change.
func (s *set) all() []member {
	switch {
	case s.more != nil:
		return *s.more
	case s.one[0] != 0:
		return s.one[:]
	}
	return nil
}

func (s *set) len() int { return len(s.all()) }

func (s *set) find(id uint32) (int, bool) {
	return slices.BinarySearchFunc(s.all(), id, func(m member, id uint32) int {
		return int(m.id()) - int(id)
	})
}

// get returns the modes of a watcher, none if it is not in the set.
func (s *set) get(id uint32) modes {
	if i, ok := s.find(id); ok {
		return s.all()[i].modes()
	}
	return 0
}

// put sets the modes of a watcher; none takes it out.
func (s *set) put(id uint32, m modes) {
	i, ok := s.find(id)
	switch {
	case ok && m != 0:
		s.all()[i] = makeMember(id, m)
	case ok:
		s.keep(slices.Delete(s.all(), i, i+1))
	case m != 0:
		s.insertAt(i, makeMember(id, m))
	}
}

func (s *set) insertAt(i int, m member) {
	switch {
	case s.more != nil:
		*s.more = slices.Insert(*s.more, i, m)
	case s.one[0] == 0:
		s.one[0] = m
	default:
		both := slices.Insert(s.one[:1:1], i, m)
		s.more, s.one[0] = &both, 0
	}
}

// take takes modes from all members, and members out that are left with none.
func (s *set) take(gone modes) {
	left := s.all()[:0]
	for _, m := range s.all() {
		if rest := m.modes() &^ gone; rest != 0 {
			left = append(left, makeMember(m.id(), rest))
		}
	}
	clear(s.all()[len(left):])
	s.keep(left)
}

// keep makes left, which is the front of all, the members. Memory goes back when
// three quarters of it are not needed any more.
func (s *set) keep(left []member) {
	switch {
	case s.more == nil:
	case len(left) == 0:
		*s = set{}
	case len(left) == 1:
		*s = set{one: [1]member{left[0]}}
	case 4*len(left) <= cap(left):
		*s.more = slices.Clone(left)
	default:
		*s.more = left
	}
}
