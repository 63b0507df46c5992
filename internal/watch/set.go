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

// few is how many members a set holds without memory of its own.
const few = 4

// A set is the watchers of a path, sorted by number.
type set struct {
	n      uint32      // members in inline, while more is nil
	inline [few]member // most paths have few watchers
	more   *[]member   // all members, once there have been more than few
}

// all returns the members; the slice is valid until the next put.
func (s *set) all() []member {
	if s.more != nil {
		return *s.more
	}
	return s.inline[:s.n]
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
		s.removeAt(i)
	case m != 0:
		s.insertAt(i, makeMember(id, m))
	}
}

func (s *set) insertAt(i int, m member) {
	if s.more == nil && s.n == few {
		spilled := append(make([]member, 0, 2*few), s.inline[:]...)
		s.more = &spilled
	}
	if s.more != nil {
		*s.more = slices.Insert(*s.more, i, m)
		return
	}
	copy(s.inline[i+1:], s.inline[i:s.n])
	s.inline[i] = m
	s.n++
}

func (s *set) removeAt(i int) {
	if s.more != nil {
		*s.more = slices.Delete(*s.more, i, i+1)
		return
	}
	copy(s.inline[i:], s.inline[i+1:s.n])
	s.n--
}
