package watch

// A Type is what checkWatches and removeWatches ask for (client-protocol.md 8.6).
type Type int32

// The types.
const (
	TypeChildren            Type = 1
	TypeData                Type = 2
	TypeAny                 Type = 3
	TypePersistent          Type = 4
	TypePersistentRecursive Type = 5
)

// Valid reports whether t is one of the types.
func (t Type) Valid() bool { return t >= TypeChildren && t <= TypePersistentRecursive }

// modes returns the watches that the type stands for.
func (t Type) modes() modes {
	switch t {
	case TypeChildren:
		return childStandard
	case TypeData:
		return dataStandard
	case TypeAny:
		return allModes
	case TypePersistent:
		return persistentModes
	case TypePersistentRecursive:
		return recursiveMode
	}
	return 0
}

// HasType reports whether w has a watch of the type on exactly this path.
func (t *Table) HasType(path string, typ Type, w Watcher) bool {
	return t.has(path, typ.modes(), w)
}

// RemoveType takes the watches of the type on exactly this path from w, and
// reports whether there was one.
func (t *Table) RemoveType(path string, typ Type, w Watcher) bool {
	return t.remove(path, typ.modes(), w)
}
