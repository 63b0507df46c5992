package memfs

// An Op is one operation, as faults and latencies are decided by.
type Op struct {
	N     int64 // counts all operations from 1
	Kind  Kind
	Name  string // the new name of a rename
	Bytes int64  // read, written, or to be synced
}

// A Kind tells operations apart.
type Kind int

// The kinds of operations.
const (
	OpCreate Kind = iota
	OpOpen
	OpOpenWrite
	OpList
	OpStat
	OpMkdirAll
	OpRename
	OpRemove
	OpSyncDir
	OpLock
	OpFreeSpace
	OpRead
	OpWrite
	OpSync
	OpTruncate
	OpPreallocate
)

var kindNames = [...]string{
	"create", "open", "openwrite", "list", "stat", "mkdir", "rename", "remove", "syncdir", "lock", "freespace",
	"read", "write", "sync", "truncate", "preallocate",
}

// String returns the name of the operation.
func (k Kind) String() string { return kindNames[k] }

// Changes reports whether the operation changes what is on the disk, or makes
// a change durable: the points at which a crash makes a difference.
func (k Kind) Changes() bool {
	switch k {
	case OpOpen, OpOpenWrite, OpList, OpStat, OpLock, OpFreeSpace, OpRead:
		return false
	}
	return true
}
